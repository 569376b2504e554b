"""What an approver answers. Reviews are facts that are only ever added."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jitgress.domain.subject import Subject


class ReviewDecision(StrEnum):
    """The three answers."""

    APPROVE = "Approve"
    DENY = "Deny"
    REVOKE = "Revoke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """How an approver allows less than was asked for: shorter, fewer paths and methods, a later start. Never more."""

    duration: timedelta | None = None
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    start_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One AccessReview. `request_uid` says of which very request: one made again under its name inherits nothing."""

    uid: str
    name: str
    request_uid: str
    decision: ReviewDecision
    reviewer: Subject
    created_at: datetime
    comment: str = ""
    narrowing: Narrowing = Narrowing()
    is_barred: bool = False
    """The ledger holds that it did not count: as an approval it never does, whatever policy says later."""


class ReviewStanding(StrEnum):
    """Whether a review counts, and if not, why. The words are condition reasons."""

    COUNTED = "Counted"
    SELF_REVIEW = "SelfReview"
    NOT_ENTITLED = "NotEntitled"
    LATE = "Late"
    DUPLICATE = "Duplicate"
    NOT_NEEDED = "NotNeeded"
    NO_POLICY = "NoPolicy"


@dataclass(frozen=True, slots=True)
class JudgedReview:
    """A review and its standing, with the sentence for its author."""

    review: Review
    standing: ReviewStanding
    message: str

    @property
    def counts(self) -> bool:
        """Tell whether the review has an effect."""
        return self.standing is ReviewStanding.COUNTED
