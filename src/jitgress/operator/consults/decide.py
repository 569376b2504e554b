"""When an approval webhook is asked again: as it wishes within bounds, or else after ever longer, with jitter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from jitgress.domain.answer import Answer
from jitgress.kube.backoff import Backoff
from jitgress.operator.consults.consultant import Undecided, Unheard

SOONEST: Final = timedelta(seconds=5)
LATEST: Final = timedelta(minutes=5)
MOST_AT_ONCE: Final = 4  # questions to one webhook at a time: what a small service answers without a queue of its own

Random = Callable[[], float]
"""Yields a number in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one question stands. `due` is a time of the monotonic clock, before which it isn't asked again."""

    question_id: str
    asked: int = 0
    postponed: int = 0
    """How often its webhook was busy with others."""
    due: float = 0.0
    unrecorded: Answer | None = None
    """What was answered and could not be recorded yet: it isn't asked for again."""


def pause(reply: Undecided | Unheard, asked: int, random: Random) -> timedelta:
    """Return how long to wait after the reply to the question that was asked `asked` times."""
    if reply.retry_after is None:
        return Backoff(random, first=2 * SOONEST, cap=LATEST).delay(asked)
    wished = min(max(reply.retry_after, SOONEST), LATEST)
    return min(wished * (1 + random() / 10), LATEST)


def postponement(postponed: int, random: Random) -> timedelta:
    """Return how long to wait for a webhook that is busy with others."""
    return Backoff(random, first=timedelta(seconds=1), cap=timedelta(seconds=30)).delay(postponed)
