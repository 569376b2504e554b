"""AccessPolicy: who may reach which targets, on what terms. The first that matches decides."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from jitgress.crds.fields import (
    DAY_S,
    CIDRs,
    Condition,
    Conditions,
    Hint,
    LabelValue,
    Name,
    NamespaceName,
    Part,
    PatternText,
    ScopePart,
    SubjectName,
    UpToADay,
    matching,
    rule,
    rules,
)
from jitgress.domain.policy import Effect
from jitgress.domain.schedule import Weekday

WEEK_S: Final = 7 * DAY_S
MAX_AHEAD_S: Final = 365 * DAY_S
MAX_EXPRESSION: Final = 2048
MAX_REQUIRED: Final = 10
MAX_SUBJECTS: Final = 256

_SELECTS = rule(
    "has(self.namespaces) || has(self.names) || has(self.labels)",
    "spec.targets must state namespaces, names or labels: a policy for every target isn't possible; name what is meant",
)
_ONE_WAY = rule(
    "has(self.required) != has(self.groups)",
    "spec.approval must state either required (with approvers) or groups: required: 0 is automatic",
)
_NAMES_APPROVERS = rule(
    "!has(self.required) || self.required == 0 || (has(self.approvers) && size(self.approvers) > 0)",
    "spec.approval.approvers must name somebody when approvals are required: name users or groups, or require 0",
    "approvers",
    reason="FieldValueRequired",
)
_OCCASION = rule(
    "has(self.subjects) || has(self.schedule) || has(self.expression)",
    "automaticWhile must state subjects, schedule or expression: to approve always, require 0",
)
_ALLOWS_ON_TERMS = rule(
    "self.effect == 'Deny' || (has(self.maxDurationSeconds) && has(self.approval))",
    "spec must state maxDurationSeconds and approval: only a policy with effect Deny needs neither",
    reason="FieldValueRequired",
)
_DEFAULT_WITHIN_CAP = rule(
    "!has(self.defaultDurationSeconds) || !has(self.maxDurationSeconds)"
    " || self.defaultDurationSeconds <= self.maxDurationSeconds",
    "spec.defaultDurationSeconds must not be more than maxDurationSeconds: lower it",
    "defaultDurationSeconds",
)
_GLASS_IS_REVIEWED = rule(
    "!has(self.breakGlass) || (has(self.approval) && (has(self.approval.groups)"
    " || (has(self.approval.approvers) && size(self.approval.approvers) > 0)))",
    "spec.approval must name approvers where breakGlass is stated: they review afterwards",
    "breakGlass",
)
_TIME_OF_DAY: Final = rules(
    matching("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "must be a time of day: write it like 08:00, or 24:00")
)
TimeOfDayText = Annotated[str, Field(max_length=5, json_schema_extra=_TIME_OF_DAY)]
Subjects = Annotated[list[SubjectName], Field(min_length=1, max_length=MAX_SUBJECTS)]
Approvers = Annotated[list[SubjectName], Field(max_length=64)]
ExpressionText = Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION, description="CEL: docs/policy.md.")]


class TargetsPart(Part):
    """Which targets: everything that is stated must hold."""

    model_config = ConfigDict(json_schema_extra=rules(_SELECTS))

    namespaces: Annotated[list[NamespaceName], Field(min_length=1, max_length=256)] | None = None
    names: Annotated[list[Name], Field(min_length=1, max_length=256)] | None = None
    labels: Annotated[dict[str, LabelValue], Field(min_length=1, max_length=32)] | None = None


class SpanPart(Part):
    """From, to (outside) on each of the days; a `to` at or before `from` is on the next day."""

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    from_: Annotated[TimeOfDayText, Field(alias="from")]
    to: TimeOfDayText


class SchedulePart(Part):
    """Weekly hours in one time zone. Access begins and ends within them."""

    time_zone: Annotated[
        str,
        Field(
            max_length=64,
            json_schema_extra=rules(
                matching(
                    "^[A-Za-z0-9][A-Za-z0-9_+/-]*$", "timeZone must be a name of the IANA: write it like Europe/Berlin"
                )
            ),
        ),
    ]
    windows: Annotated[list[SpanPart], Field(min_length=1, max_length=32)]


class OccasionPart(Part):
    """When nobody need be asked: everything that is stated must hold when access would begin."""

    model_config = ConfigDict(json_schema_extra=rules(_OCCASION))

    subjects: Subjects | None = None
    schedule: SchedulePart | None = None
    expression: ExpressionText | None = None


class QuorumPart(Part):
    """So many distinct people out of these. Nobody counts for two groups."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    required: Annotated[int, Field(ge=1, le=MAX_REQUIRED)]
    approvers: Annotated[list[SubjectName], Field(min_length=1, max_length=64)]


class ApprovalPart(Part):
    """How many distinct people must approve, who may, and within which time."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_WAY, _NAMES_APPROVERS))

    required: Annotated[int, Field(ge=0, le=MAX_REQUIRED, description="0: automatic.")] | None = None
    approvers: (
        Annotated[
            Approvers, Field(description="Who may approve, deny and revoke. With required 0 or groups: who may revoke.")
        ]
        | None
    ) = None
    groups: (
        Annotated[
            list[QuorumPart],
            Field(min_length=1, max_length=8, description="Several groups, each with its own count."),
        ]
        | None
    ) = None
    timeout_seconds: Annotated[int, Field(ge=60, le=WEEK_S)] = 3600
    webhook: (
        Annotated[Name, Field(description="The external system, by its name in the settings, that must approve too.")]
        | None
    ) = None
    automatic_while: OccasionPart | None = None


class WordingPart(Part):
    """What a text must hold (RE2), and in words."""

    pattern: PatternText
    hint: Hint | None = None


class MfaPart(Part):
    """How the requester must have signed in: one of the methods (RFC 8176), and how long ago at most."""

    methods: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=16)]
    max_age_seconds: Annotated[int, Field(ge=1, le=WEEK_S)] | None = None


class LimitsPart(Part):
    """How many at a time, and how often."""

    concurrent_per_subject: Annotated[int, Field(ge=1, le=1000)] | None = None
    concurrent_per_target: Annotated[int, Field(ge=1, le=1000)] | None = None
    requests_per_day: Annotated[int, Field(ge=1, le=10_000)] | None = None


class ExtensionsPart(Part):
    """How often access may be extended, and how long it may last in all from its first opening on."""

    max: Annotated[int, Field(ge=1, le=100)]
    max_total_seconds: Annotated[int, Field(ge=1, le=WEEK_S)]


class BreakGlassPart(Part):
    """Who may open at once and be reviewed afterwards by the approvers."""

    subjects: Subjects
    max_duration_seconds: UpToADay
    review_within_seconds: Annotated[int, Field(ge=60, le=MAX_AHEAD_S)]
    lock_out: Annotated[bool, Field(description="Not again while a review of theirs is overdue.")] = False


class AccessPolicySpec(Part):
    """Subjects, targets and terms."""

    model_config = ConfigDict(json_schema_extra=rules(_ALLOWS_ON_TERMS, _DEFAULT_WITHIN_CAP, _GLASS_IS_REVIEWED))

    priority: Annotated[int, Field(ge=0, le=1000, description="The lowest number is asked first; ties by name.")]
    effect: Effect = Effect.ALLOW
    message: Annotated[Hint, Field(description="What people are told whom it denies.")] | None = None
    subjects: Subjects
    targets: TargetsPart
    max_duration_seconds: UpToADay | None = None
    default_duration_seconds: UpToADay | None = None
    max_start_ahead_seconds: Annotated[int, Field(ge=0, le=MAX_AHEAD_S)] = 0
    extensions: ExtensionsPart | None = None
    schedule: SchedulePart | None = None
    scope: Annotated[ScopePart, Field(description="A ceiling below the targets' own.")] | None = None
    must_name_paths: bool = False
    reason: WordingPart | None = None
    ticket: WordingPart | None = None
    source_cidrs: Annotated[CIDRs | None, Field(alias="sourceCIDRs")] = None
    mfa: MfaPart | None = None
    limits: LimitsPart | None = None
    approval: ApprovalPart | None = None
    break_glass: BreakGlassPart | None = None
    expression: ExpressionText | None = None


class AccessPolicyStatus(Part):
    """Whether it can be understood. One that can't still decides about those whom it names, and permits nothing."""

    observed_generation: int | None = None
    conditions: Conditions = Field(default_factory=list[Condition])
