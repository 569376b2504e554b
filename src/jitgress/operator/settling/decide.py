"""Whether a request is settled: nothing is left to do, and nobody's decision hangs on it any more (docs/adr/0007).

A settled request isn't in the caches. So whatever is counted or read of the requests of a person must not need it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.domain.window import parse_time
from jitgress.operator.conditions import find_condition

Object = Mapping[str, Any]
KEPT: Final = timedelta(hours=25)
"""From its creation: a policy may limit how many requests somebody makes in 24 hours. The rest is for clocks."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One request, and the other requests of the same person that the cache holds."""

    request: Object
    others: tuple[Object, ...]


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
    made_at = _made_at(facts.request)
    running = [each for each in facts.others if not _is_closed(each)]
    return not any("grant" not in _status(each) or _made_at(each) <= made_at for each in running)


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


def settled_among(facts: Iterable[Facts], now: datetime, most: int) -> list[Object]:
    """Return some of the settled requests, the elder first."""
    settled = [each.request for each in facts if is_settled(each, now)]
    return sorted(settled, key=_made_at)[:most]


def _is_closed(found: Object) -> bool:
    return find_condition(_status(found), "Closed") is not None


def _status(found: Object) -> Object:
    status: Object = found.get("status", {})
    return status


def _made_at(found: Object) -> str:
    """Return the creation time as the API server writes it: as texts these have the order of the times."""
    return str(found["metadata"]["creationTimestamp"])
