"""Whether a request may be removed from the cluster: named checks in order, each answers with why it stays.

Nothing that is open, or of which something is still to be done or to be recorded, is ever removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jitgress.domain.event import Event, EventCode
from jitgress.operator.history import has, recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One request: what its status says of its end, what the ledger holds, and whether its grant is still there."""

    says_closed: bool
    has_grant: bool
    history: tuple[Event, ...]


Check = Callable[[Facts, timedelta, datetime], str | None]


def it_is_closed(facts: Facts, _kept_for: timedelta, _now: datetime) -> str | None:
    """Cluster and ledger both say that it is over."""
    is_over = facts.says_closed and recorded(facts.history).closed is not None
    return None if is_over else "it isn't closed"


def nothing_is_open(facts: Facts, _kept_for: timedelta, _now: datetime) -> str | None:
    """Its grant is gone."""
    return "its grant is still there" if facts.has_grant else None


def it_was_kept_long_enough(facts: Facts, kept_for: timedelta, now: datetime) -> str | None:
    """People could look at it for the time that the settings say."""
    closed_at = [event.at for event in facts.history if event.code is EventCode.REQUEST_CLOSED]
    is_long_ago = bool(closed_at) and now >= closed_at[0] + kept_for
    return None if is_long_ago else "it was closed not long ago"


def its_host_was_seen_hidden(facts: Facts, _kept_for: timedelta, _now: datetime) -> str | None:
    """What was open was seen to be closed."""
    is_seen = recorded(facts.history).opened is None or has(facts.history, EventCode.HOST_HIDDEN)
    return None if is_seen else "its host was not seen hidden yet"


def it_was_reviewed(facts: Facts, _kept_for: timedelta, _now: datetime) -> str | None:
    """Nobody forgets a broken glass."""
    opened = recorded(facts.history).opened
    is_done = opened is None or not opened.is_break_glass or has(facts.history, EventCode.BREAK_GLASS_REVIEWED)
    return None if is_done else "its broken glass was not reviewed yet"


CHECKS: Final[tuple[Check, ...]] = (
    it_is_closed,
    nothing_is_open,
    it_was_kept_long_enough,
    its_host_was_seen_hidden,
    it_was_reviewed,
)


def keeps(facts: Facts, kept_for: timedelta, now: datetime) -> str | None:
    """Return why the request stays, or None if it may be removed."""
    return next((reason for check in CHECKS if (reason := check(facts, kept_for, now)) is not None), None)
