"""AccessReview: an approver's answer to one very request. Only ever added."""

from typing import Annotated

from pydantic import ConfigDict, Field

from jitgress.crds.access_request import IMMUTABLE
from jitgress.crds.fields import MAX_TEXT, PLAIN_TEXT, Condition, Conditions, Identity, Name, Part, Uid, rules
from jitgress.domain.review import ReviewDecision


class RequestName(Part):
    """The request by name and UID, so that one made again under the name inherits nothing."""

    name: Name
    uid: Uid


class AccessReviewSpec(Part):
    """Who answers what."""

    model_config = ConfigDict(json_schema_extra=rules(IMMUTABLE))

    request: RequestName
    decision: ReviewDecision
    reviewer: Identity
    comment: Annotated[str, Field(max_length=MAX_TEXT, json_schema_extra=rules(PLAIN_TEXT))] | None = None


class AccessReviewStatus(Part):
    """Whether the review counts."""

    conditions: Conditions = Field(default_factory=list[Condition])
