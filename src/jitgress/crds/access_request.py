"""AccessRequest: what somebody asks for. Its spec never changes."""

from typing import Annotated

from pydantic import ConfigDict, Field

from jitgress.crds.fields import (
    MAX_TEXT,
    PLAIN_TEXT,
    Condition,
    Conditions,
    Identity,
    Methods,
    Name,
    Part,
    Paths,
    Time,
    Uid,
    UpToADay,
    Username,
    matching,
    rule,
    rules,
)
from jitgress.domain.review import ReviewDecision

IMMUTABLE = rule(
    "self == oldSelf",
    "spec can't be changed: make a new object instead",
    reason="FieldValueForbidden",
)


class RequestName(Part):
    """A request in the same namespace by name and UID, so that one made again under the name inherits nothing."""

    name: Name
    uid: Uid


class AccessRequestSpec(Part):
    """A target in the same namespace, a reason, a time, and no more than the paths and methods needed."""

    model_config = ConfigDict(json_schema_extra=rules(IMMUTABLE))

    target: Name
    requester: Identity
    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_TEXT,
            json_schema_extra=rules(
                matching(
                    r"[\p{L}\p{N}]",
                    "spec.reason must say what the access is for: name the incident, ticket or task",
                ),
                PLAIN_TEXT,
            ),
        ),
    ]
    ticket: Annotated[str, Field(min_length=1, max_length=128, json_schema_extra=rules(PLAIN_TEXT))] | None = None
    duration_seconds: Annotated[UpToADay, Field(description="Absent: the policy's default.")] | None = None
    start_time: Annotated[Time, Field(description="Absent: as soon as it is permitted.")] | None = None
    end_time: Annotated[Time, Field(description="Never open at or after this, such as the end of a change.")] | None = (
        None
    )
    paths: Paths | None = None
    methods: Methods | None = None
    extends: Annotated[RequestName, Field(description="The request whose access is to last longer.")] | None = None
    break_glass: Annotated[bool, Field(description="Open at once, and be reviewed afterwards.")] = False


class ApprovalsPart(Part):
    """How far the approvals are."""

    required: int
    counted: int
    by: Annotated[list[str], Field(max_length=100)]


class WindowPart(Part):
    """The time during which access is open; the end is outside."""

    not_before: Time
    not_after: Time


class DenialPart(Part):
    """Why it was denied, for programs: `code` is stable, `remedy` says what would change the answer."""

    code: Annotated[str, Field(max_length=63)]
    message: Annotated[str, Field(max_length=MAX_TEXT)]
    remedy: Annotated[str, Field(max_length=MAX_TEXT)] | None = None


class BreakGlassPart(Part):
    """Until when it must be reviewed, and who did so."""

    review_due_at: Time
    reviewed_at: Time | None = None
    reviewed_by: Username | None = None
    verdict: ReviewDecision | None = None


class AccessRequestStatus(Part):
    """What became of the request. Derived; nothing reads it back as truth."""

    observed_generation: int | None = None
    message: Annotated[str, Field(max_length=2 * MAX_TEXT)] | None = None
    denial: DenialPart | None = None
    policy: Name | None = None
    approvals: ApprovalsPart | None = None
    waiting_for: Annotated[list[str], Field(max_length=600)] | None = None
    window: WindowPart | None = None
    url: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    grant: Name | None = None
    extensions: Annotated[int, Field(description="How many extensions led to it.")] | None = None
    break_glass: BreakGlassPart | None = None
    active_at: Time | None = None
    closed_at: Time | None = None
    hidden_at: Time | None = None
    lateness_milliseconds: (
        Annotated[int, Field(description="From the end of the access to the look that found the host hidden.")] | None
    ) = None
    settled: Annotated[bool, Field(description="Nothing is left to do: the operator follows it no more.")] | None = None
    conditions: Conditions = Field(default_factory=list[Condition])
