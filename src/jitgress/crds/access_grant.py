"""AccessGrant: what is open now. Made by the operator alone; deleting one is the emergency stop."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from jitgress.crds.access_request import IMMUTABLE
from jitgress.crds.fields import (
    Condition,
    Conditions,
    ExactHost,
    Identity,
    Methods,
    Name,
    NamespaceName,
    Part,
    Paths,
    Time,
    Uid,
    matching,
    rules,
)

_IS_ADDRESS: Final = matching(
    r"^(\[[0-9a-f:.]+\]|[0-9.]+):[0-9]{1,5}$",
    "address must be IP:port, such as 10.0.0.7:80; an IPv6 address stands in brackets",
)


class ObjectName(Part):
    """An object by namespace, name and UID."""

    namespace: NamespaceName
    name: Name
    uid: Uid


class AccessGrantSpec(Part):
    """Who may send which requests to which host, when, and where the gate passes them on."""

    model_config = ConfigDict(json_schema_extra=rules(IMMUTABLE))

    request: ObjectName
    target: ObjectName
    policy: Name
    subject: Identity
    host: ExactHost
    address: Annotated[str, Field(max_length=64, json_schema_extra=rules(_IS_ADDRESS))]
    paths: Paths
    methods: Methods
    not_before: Time
    not_after: Time


class AccessGrantStatus(Part):
    """Whether the gates have it, and what a stranger sees at the host."""

    conditions: Conditions = Field(default_factory=list[Condition])
