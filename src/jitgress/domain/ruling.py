"""What can be decided about a request: a closed union, so that nothing can be forgotten.

Only `Permitted` opens anything, and only inside its window.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from jitgress.domain.approval import Quorum
from jitgress.domain.denial import Denial
from jitgress.domain.review import JudgedReview, Review
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import SubjectRef
from jitgress.domain.window import Window


@dataclass(frozen=True, slots=True)
class Denied:
    """Policy, or an approver, says no."""

    denial: Denial


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """Approvals are missing. `until` is the first moment at which an approval counts for nothing."""

    required: int
    approved_by: tuple[str, ...]
    missing: tuple[Quorum, ...]
    """The quorums that lack somebody, each with the number that it still needs."""
    webhook: str | None = None
    """The external system whose answer is missing."""
    until: datetime

    @property
    def approvers(self) -> tuple[SubjectRef, ...]:
        """Who could bring it nearer, each once."""
        return tuple(dict.fromkeys(ref for quorum in self.missing for ref in quorum.approvers))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """All that the terms ask for is there. `window` may lie wholly in the past, or in the future."""

    scope: Scope
    window: Window
    approved_by: tuple[str, ...]
    sources: Sources = ANYWHERE
    since: datetime
    """When the first of a chain of extensions began; the window's own beginning where it extends nothing."""
    extensions: int = 0
    review_by: datetime | None = None
    """Break-glass only: when it must have been reviewed."""
    claims: frozenset[tuple[str, str]] = frozenset()
    """The requester's claims that it rests on: who has lost one of them doesn't use it."""


@dataclass(frozen=True, slots=True)
class Unexamined:
    """Nobody looked at the target's present generation yet: wait, open nothing new.

    `permitted` is what would be: an open grant stays only as far as that goes.
    """

    permitted: Permitted


Ruling: TypeAlias = Denied | Unexamined | Awaiting | TimedOut | Stopped | Permitted


@dataclass(frozen=True, slots=True)
class Decision:
    """A ruling, the policy that decided, how each review was judged, and why, in words.

    `reviewed` is the review of a break-glass grant after it was opened, if there is one.
    """

    ruling: Ruling
    policy: str | None
    reviews: tuple[JudgedReview, ...]
    reasons: tuple[str, ...]
    reviewed: Review | None = None
    is_limited: bool = False
    """The policy counts what is open: no two such decisions may be carried out at the same time."""
