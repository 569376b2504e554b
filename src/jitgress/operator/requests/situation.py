"""What else counts in the decision about a request: what its requester holds, how often they asked, what it extends.

Everything is read at once, without waiting, so that what is counted is of one moment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.crds.reading import texts
from jitgress.crds.values import grant_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant
from jitgress.domain.request import Request
from jitgress.domain.situation import Extended, Situation
from jitgress.domain.window import format_time, parse_time
from jitgress.operator.answers import answers
from jitgress.operator.caches import Object, understood
from jitgress.operator.conditions import find_condition
from jitgress.operator.history import recorded
from jitgress.operator.successors import successor
from jitgress.operator.world import World

_DAY: Final = timedelta(hours=24)


def situation(request: Request, history: tuple[Event, ...], extended: Extended | None, world: World) -> Situation:
    """Return the situation of `request`. `extended` is the grant that it extends, if it extends one."""
    now, caches = world.clock.now(), world.caches
    others = [each for each in _open_grants(request, world, now) if each.id != request.ref.uid]
    asked = [each for each in caches.requests_of(request.requester.username) if _uid(each) != request.ref.uid]
    return Situation(
        is_opened=recorded(history).opened is not None,
        open_of_subject=sum(each.subject.username == request.requester.username for each in others),
        open_on_target=sum(
            (each.target.namespace, each.target.name) == (request.ref.namespace, request.target) for each in others
        ),
        asked_within_day=_asked_within_day(request, asked),
        overdue_reviews=sum(is_overdue(each, now) for each in asked),
        groups_now=_groups_now(request, asked),
        extended=extended,
        successor=successor(request.ref, request.requester.username, caches),
        answers=answers(history),
    )


def is_overdue(found: Object, now: datetime) -> bool:
    """Tell whether a break-glass request should have been reviewed by `now`, and was not."""
    status: Mapping[str, Any] = found.get("status", {})
    due = status.get("breakGlass", {}).get("reviewDueAt")
    is_reviewed = (find_condition(status, "Reviewed") or {}).get("status") == "True"
    return due is not None and not is_reviewed and parse_time(due) <= now


def _open_grants(request: Request, world: World, now: datetime) -> list[Grant]:
    """Return the grants that may count: of the same person, or on the same target."""
    caches = world.caches
    found = {
        _uid(each): each
        for each in (
            *caches.grants_of(request.requester.username),
            *caches.grants_of_target(request.ref.namespace, request.target),
        )
    }
    shown = [understood(grant_value, each) for each in found.values()]
    running = [each for each in shown if each is not None and not each.window.has_ended(now)]
    return [*running, *world.openings.running(caches, world.settings.namespace, now)]


def _asked_within_day(request: Request, others: Iterable[Object]) -> int:
    """Count the requests made within the 24 hours before `request`; of the same second the one with the lower UID was.

    The API server writes all creation times alike, in whole seconds of UTC: as texts they have the order of the times.
    """
    since, until = _stamp(request.created_at - _DAY), (_stamp(request.created_at), request.ref.uid)
    return sum(since < _made_at(each) and (_made_at(each), _uid(each)) < until for each in others)


def _groups_now(request: Request, others: Iterable[Object]) -> frozenset[str] | None:
    """Return the groups that the requester stated last, if they asked again since. Admission compared them."""
    asked_at = _stamp(request.created_at)
    later = [each for each in others if _made_at(each) > asked_at]
    if not later:
        return None
    last = max(later, key=lambda each: (_made_at(each), _uid(each)))
    try:
        return frozenset(texts(last["spec"].get("requester", {}), "groups"))
    except InvalidValueError:
        return frozenset()


def _made_at(found: Object) -> str:
    return str(found["metadata"]["creationTimestamp"])


def _stamp(at: datetime) -> str:
    """Return `at` as the API server writes creation times (metav1.Time)."""
    return format_time(at)[:19] + "Z"


def _uid(found: Object) -> str:
    return str(found["metadata"]["uid"])
