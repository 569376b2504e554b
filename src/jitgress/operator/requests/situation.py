"""What else counts in the decision about a request: what its requester holds, how often they asked, what it extends.

Everything is read at once, without waiting, so that what is counted is of one moment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.crds.reading import texts
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event
from jitgress.domain.request import Request
from jitgress.domain.situation import Extended, Situation
from jitgress.domain.terms import Limits
from jitgress.domain.window import format_time, parse_time
from jitgress.operator.answers import answers
from jitgress.operator.caches import Caches, Object
from jitgress.operator.conditions import find_condition
from jitgress.operator.history import recorded
from jitgress.operator.successors import successor
from jitgress.operator.world import World

_DAY: Final = timedelta(hours=24)


def situation(
    request: Request, history: tuple[Event, ...], extended: Extended | None, limits: Limits, world: World
) -> Situation:
    """Return the situation of `request`. `extended` is the grant that it extends, if it extends one.

    What neither `limits`, those of the deciding policy, nor break-glass ask for isn't counted: somebody may have
    thousands of grants.
    """
    caches, is_opened = world.caches, recorded(history).opened is not None
    of_subject, on_target = (0, 0) if is_opened else _open_grants(request, limits, world)
    return Situation(
        is_opened=is_opened,
        open_of_subject=of_subject,
        open_on_target=on_target,
        asked_within_day=0 if limits.per_day is None else _asked_within_day(request, _others(request, caches)),
        overdue_reviews=_overdue_reviews(request, world) if request.break_glass else 0,
        groups_now=_groups_now(request, caches),
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


def _open_grants(request: Request, limits: Limits, world: World) -> tuple[int, int]:
    """Return how many other grants the requester has, and how many the target has, where a policy limits them.

    Breaking the glass is not counted: nobody should do without it because they used it.
    """
    caches, now, ref = world.caches, world.clock.now(), request.ref
    running = world.openings.running(caches, world.settings.namespace, now)
    recent = [each for each in running if each.request.uid != ref.uid and not each.is_break_glass]
    of_subject = on_target = 0
    if limits.per_subject is not None:
        username = request.requester.username
        of_subject = _running(caches.grants_of(username), ref.uid, now)
        of_subject += sum(each.subject.username == username for each in recent)
    if limits.per_target is not None:
        place = (ref.namespace, request.target)
        on_target = _running(caches.grants_of_target(*place), ref.uid, now)
        on_target += sum((each.target.namespace, each.target.name) == place for each in recent)
    return of_subject, on_target


def _running(grants: Iterable[Object], uid: str, now: datetime) -> int:
    """Count the grants that have not ended, but for the request's own. The operator writes all ends alike, as texts."""
    others = (each for each in grants if _name(each) != uid and "reviewBy" not in each["spec"])
    return sum(str(each["spec"].get("notAfter")) > format_time(now) for each in others)


def _others(request: Request, caches: Caches) -> list[Object]:
    """Return the other requests of the same person. There may be thousands: only who needs them asks."""
    return [each for each in caches.requests_of(request.requester.username) if _uid(each) != request.ref.uid]


def _overdue_reviews(request: Request, world: World) -> int:
    return sum(is_overdue(each, world.clock.now()) for each in _others(request, world.caches))


def _asked_within_day(request: Request, others: Iterable[Object]) -> int:
    """Count the requests made within the 24 hours before `request`; of the same second the one with the lower UID was.

    The API server writes all creation times alike, in whole seconds of UTC: as texts they have the order of the times.
    """
    since, until = _stamp(request.created_at - _DAY), (_stamp(request.created_at), request.ref.uid)
    counted = (each for each in others if not each["spec"].get("breakGlass"))
    return sum(since < _made_at(each) and _made(each) < until for each in counted)


def _groups_now(request: Request, caches: Caches) -> frozenset[str] | None:
    """Return the groups that the requester stated last, if they asked again since. Admission compared them.

    Where they never stated others it isn't asked who came later: the same groups and none decide alike.
    """
    requester = request.requester
    if caches.has_stated_only(requester.groups, requester.username):
        return None
    asked_at = _stamp(request.created_at)
    later = (each for each in _others(request, caches) if _made_at(each) > asked_at)
    last = max(later, key=_made, default=None)
    if last is None:
        return None
    try:
        return frozenset(texts(last["spec"].get("requester", {}), "groups"))
    except InvalidValueError:
        return frozenset()


def _made(found: Object) -> tuple[str, str]:
    return _made_at(found), _uid(found)


def _made_at(found: Object) -> str:
    return str(found["metadata"]["creationTimestamp"])


def _stamp(at: datetime) -> str:
    """Return `at` as the API server writes creation times (metav1.Time)."""
    return format_time(at)[:19] + "Z"


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])


def _uid(found: Object) -> str:
    return str(found["metadata"]["uid"])
