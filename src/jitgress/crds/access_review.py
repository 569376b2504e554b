"""AccessReview: an approver's answer to one very request. Only ever added."""

from typing import Annotated

from pydantic import ConfigDict, Field

from jitgress.crds.access_request import IMMUTABLE, RequestName
from jitgress.crds.fields import (
    MAX_TEXT,
    PLAIN_TEXT,
    Condition,
    Conditions,
    Identity,
    Methods,
    Part,
    Paths,
    Time,
    UpToADay,
    rule,
    rules,
)
from jitgress.domain.review import ReviewDecision

_NARROWS_APPROVALS = rule(
    "self.decision == 'Approve' || !(has(self.durationSeconds) || has(self.startTime) || has(self.paths)"
    " || has(self.methods))",
    "only an approval can shorten or narrow: leave durationSeconds, startTime, paths and methods out",
)


class AccessReviewSpec(Part):
    """Who answers what."""

    model_config = ConfigDict(json_schema_extra=rules(IMMUTABLE, _NARROWS_APPROVALS))

    request: RequestName
    decision: ReviewDecision
    reviewer: Identity
    comment: Annotated[str, Field(max_length=MAX_TEXT, json_schema_extra=rules(PLAIN_TEXT))] | None = None
    duration_seconds: Annotated[UpToADay, Field(description="Shorter than asked for.")] | None = None
    start_time: Annotated[Time, Field(description="Later than asked for.")] | None = None
    paths: Annotated[Paths, Field(description="Fewer than asked for.")] | None = None
    methods: Annotated[Methods, Field(description="Fewer than asked for.")] | None = None


class AccessReviewStatus(Part):
    """Whether the review counts."""

    conditions: Conditions = Field(default_factory=list[Condition])
