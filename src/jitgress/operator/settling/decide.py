"""Whether a request is settled: nothing is left to do, and nobody's decision hangs on it any more (docs/adr/0007).

A settled request isn't in the caches. So whatever is counted or read of the requests of a person must not need it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.domain.window import parse_time
from jitgress.operator.conditions import find_condition

Object = Mapping[str, Any]
KEPT: Final = timedelta(hours=25)
"""From its creation: a policy may limit how many requests somebody makes in 24 hours. The rest is for clocks."""


@dataclass(frozen=True, slots=True)
class Running:
    """What the requests of one person that aren't over say together."""

    is_any_undecided: bool = False
    oldest_opened: str | None = None
    """When the oldest of those that were opened was made."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One request, and what is running of the same person."""

    request: Object
    running: Running


Check = Callable[[Facts, datetime], bool]


def it_is_closed(facts: Facts, _now: datetime) -> bool:
    """It is over."""
    return _is_closed(facts.request)


def its_host_was_seen_hidden(facts: Facts, _now: datetime) -> bool:
    """What was open was seen to be closed."""
    status = _status(facts.request)
    return "grant" not in status or status.get("hiddenAt") is not None


def it_was_reviewed(facts: Facts, _now: datetime) -> bool:
    """Nobody forgets a broken glass."""
    status = _status(facts.request)
    return "breakGlass" not in status or "reviewedAt" in status["breakGlass"]


def it_is_of_another_day(facts: Facts, now: datetime) -> bool:
    """It counts no more among those that somebody made in a day."""
    return now >= parse_time(_made_at(facts.request)) + KEPT


def nobody_looks_back_at_it(facts: Facts, _now: datetime) -> bool:
    """No request of the same person is undecided, or open and older: for these the later ones tell of their groups."""
    running = facts.running
    is_any_older = running.oldest_opened is not None and running.oldest_opened <= _made_at(facts.request)
    return not running.is_any_undecided and not is_any_older


CHECKS: Final[tuple[Check, ...]] = (
    it_is_closed,
    its_host_was_seen_hidden,
    it_was_reviewed,
    it_is_of_another_day,
    nobody_looks_back_at_it,
)


def is_settled(facts: Facts, now: datetime) -> bool:
    """Tell whether the operator needs to follow the request no more."""
    return all(check(facts, now) for check in CHECKS)


def settled_of(requests: Collection[Object], now: datetime) -> list[Object]:
    """Return the settled ones of all the `requests` of one person. Looks at each of them twice, however many."""
    running = running_of(requests)
    return [each for each in requests if is_settled(Facts(each, running), now)]


def running_of(requests: Iterable[Object]) -> Running:
    """Return what is running among the requests of one person."""
    running = [each for each in requests if not _is_closed(each)]
    opened = [_made_at(each) for each in running if "grant" in _status(each)]
    return Running(is_any_undecided=len(opened) < len(running), oldest_opened=min(opened, default=None))


def eldest(requests: Iterable[Object], most: int) -> list[Object]:
    """Return some of the requests, the elder first."""
    return sorted(requests, key=_made_at)[:most]


def _is_closed(found: Object) -> bool:
    return find_condition(_status(found), "Closed") is not None


def _status(found: Object) -> Object:
    status: Object = found.get("status", {})
    return status


def _made_at(found: Object) -> str:
    """Return the creation time as the API server writes it: as texts these have the order of the times."""
    return str(found["metadata"]["creationTimestamp"])
