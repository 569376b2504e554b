"""AccessGrant: what is open now. Made by the operator alone; deleting one is the emergency stop."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from jitgress.crds.fields import (
    CIDR,
    Condition,
    Conditions,
    ExactHost,
    Identity,
    Methods,
    Name,
    NamespaceName,
    Part,
    Path,
    Time,
    Uid,
    matching,
    rule,
    rules,
)

_IS_ADDRESS: Final = matching(
    r"^(\[[0-9a-f:.]+\]|[0-9.]+):[0-9]{1,5}$",
    "address must be IP:port, such as 10.0.0.7:80; an IPv6 address stands in brackets",
)

Paths = Annotated[
    list[Path],
    Field(
        min_length=1,
        max_length=64,  # two lists of 32, each with prefixes below the other's, never share more
        description="Path prefixes by whole segments. More than a policy may name: it is what several lists share.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    ),
]
CIDRs = Annotated[
    list[CIDR],
    Field(
        min_length=1,
        max_length=128,  # two lists of 64 networks never share more
        description="Absent: from anywhere.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    ),
]
_STAYS: Final = " && ".join(
    f"self.{field} == oldSelf.{field}"
    for field in ("request", "target", "policy", "subject", "host", "address", "notBefore", "since", "extensions")
)
_NARROWS: Final = rule(
    f"{_STAYS} && has(self.reviewBy) == has(oldSelf.reviewBy)"
    " && (!has(self.reviewBy) || self.reviewBy == oldSelf.reviewBy)"
    " && self.notAfter <= oldSelf.notAfter"
    " && self.methods.all(method, method in oldSelf.methods)",
    "a grant never becomes wider or longer: make a new AccessRequest instead",
    reason="FieldValueForbidden",
)
_NARROWS_PATHS: Final = rule(
    "self.paths.all(path, oldSelf.paths.exists(outer, outer == '/' || path == outer || path.startsWith(outer + '/')))",
    "a grant never gets further paths: make a new AccessRequest instead",
    "paths",
    reason="FieldValueForbidden",
)
_NARROWS_SOURCES: Final = rule(
    "!has(oldSelf.sourceCIDRs) || (has(self.sourceCIDRs) && self.sourceCIDRs.all(network,"
    " oldSelf.sourceCIDRs.exists(outer, cidr(outer).containsCIDR(network))))",
    "a grant never gets further sources: make a new AccessRequest instead",
    reason="FieldValueForbidden",
)


class ObjectName(Part):
    """An object by namespace, name and UID."""

    namespace: NamespaceName
    name: Name
    uid: Uid


class AccessGrantSpec(Part):
    """Who may send which requests to which host, when, and where the gate passes them on."""

    model_config = ConfigDict(json_schema_extra=rules(_NARROWS, _NARROWS_PATHS, _NARROWS_SOURCES))

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
    since: Annotated[Time, Field(description="When the first of a chain of extensions began.")]
    extensions: Annotated[int, Field(ge=0, le=100, description="How many extensions led to it.")]
    review_by: Annotated[Time, Field(description="Break-glass: when it must have been reviewed.")] | None = None
    source_cidrs: Annotated[CIDRs | None, Field(alias="sourceCIDRs")] = None


class AccessGrantStatus(Part):
    """Whether the gates have it, and what a stranger sees at the host."""

    conditions: Conditions = Field(default_factory=list[Condition])
