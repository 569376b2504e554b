"""AccessPolicy: who may reach which targets, on what terms. The first that matches decides."""

from typing import Annotated

from pydantic import ConfigDict, Field

from jitgress.crds.fields import Name, NamespaceName, Part, ScopePart, SubjectName, rule, rules

_SELECTS = rule(
    "has(self.namespaces) || has(self.names) || has(self.labels)",
    "spec.targets must state namespaces, names or labels: a policy for every target isn't possible; name what is meant",
)
_NAMES_APPROVERS = rule(
    "self.required == 0 || (has(self.approvers) && size(self.approvers) > 0)",
    "spec.approval.approvers must name somebody when approvals are required: name users or groups, or require 0",
    "approvers",
    reason="FieldValueRequired",
)


class TargetsPart(Part):
    """Which targets: everything that is stated must hold."""

    model_config = ConfigDict(json_schema_extra=rules(_SELECTS))

    namespaces: Annotated[list[NamespaceName], Field(min_length=1, max_length=256)] | None = None
    names: Annotated[list[Name], Field(min_length=1, max_length=256)] | None = None
    labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=32)] | None = None


class ApprovalPart(Part):
    """How many distinct people must approve, who may, and within which time."""

    model_config = ConfigDict(json_schema_extra=rules(_NAMES_APPROVERS))

    required: Annotated[int, Field(ge=0, le=10, description="0: automatic.")]
    approvers: Annotated[
        list[SubjectName],
        Field(
            max_length=64,
            description="Who may approve, deny and revoke. With required 0: who may revoke.",
        ),
    ] = Field(default_factory=list[SubjectName])
    timeout_seconds: Annotated[int, Field(ge=60, le=604_800)] = 3600


class AccessPolicySpec(Part):
    """Subjects, targets and terms."""

    priority: Annotated[int, Field(ge=0, le=1000, description="The lowest number is asked first; ties by name.")]
    subjects: Annotated[list[SubjectName], Field(min_length=1, max_length=256)]
    targets: TargetsPart
    max_duration_seconds: Annotated[int, Field(ge=1, le=86_400)]
    scope: Annotated[ScopePart, Field(description="A ceiling below the targets' own.")] | None = None
    approval: ApprovalPart
