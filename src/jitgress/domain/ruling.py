"""What can be decided about a request: a closed union, so that nothing can be forgotten.

Only `Permitted` opens anything, and only inside its window.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from jitgress.domain.denial import Denial
from jitgress.domain.review import JudgedReview, Review
from jitgress.domain.scope import Scope
from jitgress.domain.subject import SubjectRef
from jitgress.domain.window import Window


@dataclass(frozen=True, slots=True)
class Denied:
    """Policy, or an approver, says no."""

    denial: Denial


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Approvals are missing. `until` is the first moment at which an approval counts for nothing."""

    required: int
    approved_by: tuple[str, ...]
    approvers: tuple[SubjectRef, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody approved in time."""

    at: datetime


class StopKind(StrEnum):
    """How a Revoke review ends a request; see the glossary: by others, by the requester."""

    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    GIVEN_BACK = "given back"


@dataclass(frozen=True, slots=True)
class Stopped:
    """A counted review ended it."""

    kind: StopKind
    review: Review


@dataclass(frozen=True, slots=True)
class Permitted:
    """All that the terms ask for is there. `window` may lie wholly in the past."""

    scope: Scope
    window: Window
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unexamined:
    """Nobody looked at the target's present generation yet: wait, open nothing new.

    `permitted` is what would be: an open grant stays only as far as that goes.
    """

    permitted: Permitted


Ruling: TypeAlias = Denied | Unexamined | Awaiting | TimedOut | Stopped | Permitted


@dataclass(frozen=True, slots=True)
class Decision:
    """A ruling, the policy that decided, how each review was judged, and why, in words."""

    ruling: Ruling
    policy: str | None
    reviews: tuple[JudgedReview, ...]
    reasons: tuple[str, ...]
