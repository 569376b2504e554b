"""AccessTarget: what a service owner declares may ever be opened."""

from typing import Annotated, Final

from pydantic import Field

from jitgress.crds.fields import (
    DNS_LABEL,
    Condition,
    Conditions,
    ExactHost,
    Methods,
    NamespaceName,
    Part,
    Paths,
    rule,
    rules,
)

_IS_PORT: Final = rule(
    f"type(self) == int ? 1 <= self && self <= 65535 : self.matches('{DNS_LABEL}')",
    "port must be a number from 1 to 65535, or the name of a port, such as http: see kubectl get service",
)
Port = Annotated[
    int | str,
    Field(
        description="The Service's port, by number or by name.",
        json_schema_extra={"x-kubernetes-int-or-string": True, "maxLength": 63, **rules(_IS_PORT)},
    ),
]


class ServicePart(Part):
    """A Service in the target's own namespace, and its port."""

    name: NamespaceName
    port: Port


class AccessTargetSpec(Part):
    """The service, its one host, and the most paths and methods that may ever be asked for."""

    service: ServicePart
    host: ExactHost
    paths: Paths
    methods: Methods


class AccessTargetStatus(Part):
    """Whether, and at which address, the target can be opened."""

    observed_generation: int | None = None
    address: Annotated[str, Field(max_length=64)] | None = None
    conditions: Conditions = Field(default_factory=list[Condition])
