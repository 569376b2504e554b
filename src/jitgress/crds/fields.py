"""The building blocks of the resources: bounded texts and lists, with the rules that admission checks and words."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from jitgress.domain.host import HOST_PATTERN, MAX_HOST_LENGTH
from jitgress.domain.scope import PATH_PREFIX_PATTERN, Method
from jitgress.domain.subject import SubjectKind

MAX_NAME: Final = 253  # RFC 1123 subdomain, as Kubernetes bounds names
MAX_USERNAME: Final = 256
MAX_TEXT: Final = 1024
DAY_S: Final = 86_400
DNS_LABEL: Final = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_UNSEEN: Final = r"[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
"""Control characters but tab and line feed, which terminals obey, and what turns the direction of writing (Unicode
UAX 9, 2): an approver decides by what they see."""
_TIME: Final = (
    r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$"
)
"""RFC 3339 as all readers take it. The format date-time takes more, and where CEL can't convert a time, the rules fail
at every later change of the object, status included. It isn't a rule itself: to CEL the field is a timestamp."""


def rule(
    expression: str, message: str, field: str | None = None, *, reason: str = "FieldValueInvalid"
) -> dict[str, Any]:
    """Return a CEL rule of a schema (x-kubernetes-validations); `message` names the field and the remedy."""
    path = {"fieldPath": f".{field}"} if field is not None else {}
    return {"rule": expression, "message": message, "reason": reason, **path}


def rules(*some: dict[str, Any]) -> dict[str, Any]:
    """Return the schema extension that holds `some` rules."""
    return {"x-kubernetes-validations": list(some)}


def matching(pattern: str, message: str) -> dict[str, Any]:
    """Return the rule that a text matches a regular expression (RE2): its `message` is in words."""
    return rule(f"self.matches('{_cel(pattern)}')", message)


def _cel(pattern: str) -> str:
    """Return a regular expression as it stands in a CEL string."""
    return pattern.replace("\\", "\\\\")


PLAIN_TEXT: Final = rule(
    f"!self.matches('{_cel(_UNSEEN)}')",
    "must be plain text: leave out control characters and those that turn the direction of writing",
)


class Part(BaseModel):
    """A part of a resource: camelCase on the wire, nothing that isn't named."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME,
        json_schema_extra=rules(
            matching(
                _DNS_SUBDOMAIN, "must be the name of an object, such as orders: no namespace before it, no wildcard"
            )
        ),
    ),
]
NamespaceName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        json_schema_extra=rules(
            matching(
                DNS_LABEL,
                "must be a name of lower-case letters, digits and hyphens, such as orders: no dot, slash or wildcard",
            )
        ),
    ),
]
Uid = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        json_schema_extra=rules(
            matching(
                "^[A-Za-z0-9-]+$",
                "uid must be the metadata.uid of the object that is meant: letters, digits and hyphens",
            )
        ),
    ),
]
Username = Annotated[str, Field(min_length=1, max_length=MAX_USERNAME)]
Time = Annotated[str, Field(max_length=40, pattern=_TIME, json_schema_extra={"format": "date-time"})]

Groups = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_USERNAME)]],
    Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"}),
]
ExactHost = Annotated[
    str,
    Field(
        min_length=3,
        max_length=MAX_HOST_LENGTH,
        description="One exact host name in lower case. There are no wildcards: each host is one target.",
        json_schema_extra=rules(
            matching(
                HOST_PATTERN,
                "host must be one exact name in lower case, such as orders.example.com: no wildcard, port or final dot",
            )
        ),
    ),
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,  # a limit of the resources: what the API server's cost limit for the rules leaves room for
        json_schema_extra=rules(
            matching(
                PATH_PREFIX_PATTERN,
                "paths must be / or whole segments such as /api/v1: no wildcard, query, escapes or doubled slashes",
            ),
            rule(
                "!self.split('/').exists(part, part == '.' || part == '..')",
                "paths must not hold the segments . or ..: write the path that is meant",
            ),
        ),
    ),
]
Paths = Annotated[
    list[Path],
    Field(
        min_length=1,
        max_length=32,
        description="Path prefixes by whole segments: /api covers /api and /api/x, not /apix. / covers everything.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    ),
]
Methods = Annotated[
    list[Method],
    Field(
        min_length=1,
        max_length=len(Method),
        description="HTTP methods, exactly as they are sent.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    ),
]


_ClaimKey = Annotated[str, Field(min_length=1, max_length=MAX_USERNAME)]
_ClaimValue = Annotated[str, Field(max_length=MAX_TEXT)]
Claims = Annotated[
    dict[_ClaimKey, Annotated[list[_ClaimValue], Field(max_length=64)]],
    Field(max_length=32, description="What the token said beside that: `extra` of the Kubernetes UserInfo."),
]
UpToADay = Annotated[int, Field(ge=1, le=DAY_S)]
"""Seconds of a window: none is longer."""
LabelValue = Annotated[str, Field(max_length=63)]
PatternText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        description="A regular expression in RE2's syntax.",
        json_schema_extra=rules(
            rule("''.matches(self) ? true : true", "pattern must be a regular expression of RE2: no look-around")
        ),
    ),
]
Hint = Annotated[str, Field(min_length=1, max_length=256, json_schema_extra=rules(PLAIN_TEXT))]
CIDR = Annotated[
    str,
    Field(
        max_length=50,
        json_schema_extra=rules(
            rule(
                "isCIDR(self) && cidr(self).masked() == cidr(self)",
                "must be a network such as 10.0.0.0/8 or 2001:db8::/32: no bits set after its length",
            )
        ),
    ),
]
CIDRs = Annotated[
    list[CIDR],
    Field(min_length=1, max_length=64, json_schema_extra={"x-kubernetes-list-type": "set"}),
]


class Identity(Part):
    """Somebody as the API server authenticated them; admission compares all fields with the caller."""

    username: Username
    groups: Groups = Field(default_factory=list[str])
    claims: Claims | None = None


_NAMED: Final = rule(
    "self.kind == 'Workload' ? !has(self.name) && has(self.claims) : has(self.name)",
    "must have a name, unless its kind is Workload: that one has claims alone",
)


class SubjectName(Part):
    """A user or a group by name (Kubernetes RBAC, `Subject`), or a workload by claims. All that is stated must hold."""

    model_config = ConfigDict(json_schema_extra=rules(_NAMED))

    kind: SubjectKind
    name: Username | None = None
    claims: (
        Annotated[
            dict[_ClaimKey, Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]], Field(min_length=1, max_length=8)
        ]
        | None
    ) = None


class ScopePart(Part):
    """Paths and methods."""

    paths: Paths
    methods: Methods


class Condition(Part):
    """A status condition (Kubernetes API conventions)."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[str, Field(min_length=1, max_length=64)]
    status: Annotated[str, Field(pattern="^(True|False|Unknown)$", max_length=7)]
    reason: Annotated[str, Field(max_length=64)] = ""
    message: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    observed_generation: int | None = None
    last_transition_time: Time | None = None


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
