"""Reads everything that the decision about one request needs into one frozen value."""

from collections.abc import Iterable, Mapping
from typing import Any

from jitgress.crds.values import grant_value, request_value, review_value
from jitgress.domain.course import Close, CloseReason
from jitgress.domain.event import Event, EventCode
from jitgress.domain.grant import Grant
from jitgress.domain.request import RequestRef
from jitgress.domain.situation import Extended
from jitgress.domain.terms import UNLIMITED
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS
from jitgress.operator.caches import Caches, Key, Object, understood
from jitgress.operator.conditions import find_condition
from jitgress.operator.history import has, recorded
from jitgress.operator.requests.facts import Facts, GrantSight
from jitgress.operator.requests.situation import situation
from jitgress.operator.world import World


async def gather(key: Key, world: World) -> Facts | None:
    """Return the facts of the request `key`, or None if it isn't there or can't be understood."""
    found = world.caches.requests.get(*key) or await _uncached(key, world)
    request = None if found is None else understood(request_value, found)
    if found is None or request is None:
        return None
    status: Mapping[str, Any] = found.get("status", {})
    reviews = tuple(_reviews_of(found, world.caches))
    values = (understood(review_value, each) for each in reviews)
    history = await world.ledger.history(request.ref.uid)
    was_created = "grant" in status or has_been_active(history)
    extended = await _extended(request.extends, world) if request.extends is not None else None
    sight = await grant_sight(request.ref.uid, world, must_look=was_created and not is_told_closed(status))
    target, policies = world.caches.target((request.ref.namespace, request.target)), world.caches.policies_index()
    policy = None if target is None else policies.deciding(request.requester, target)
    limits = UNLIMITED if policy is None else policy.limits
    return Facts(
        request=request,
        generation=found["metadata"].get("generation", 1),
        target=target,
        policies=policies,
        reviews=tuple(value for value in values if value is not None),
        history=history,
        situation=situation(request, history, extended, limits, world),
        sight=sight,
        was_created=was_created,
        status=status,
        review_statuses={each["metadata"]["name"]: each.get("status", {}) for each in reviews},
    )


def is_told_closed(status: Mapping[str, Any]) -> bool:
    """Tell whether a request's status says that it is over, which is said once its grant is removed."""
    return find_condition(status, "Closed") is not None


def has_been_active(history: Iterable[Event]) -> bool:
    """Tell whether the ledger says that the grant was there: that holds where no status could be written."""
    return has(history, EventCode.GRANT_ACTIVE)


async def _extended(ref: RequestRef, world: World) -> Extended | None:
    """Return the grant of the request `ref`. One that was stopped is over, whether or not that is recorded yet."""
    history = await world.ledger.history(ref.uid)
    past = recorded(history)
    if past.opened is None:
        return None
    found = world.caches.requests.get(ref.namespace, ref.name)
    was_created = has_been_active(history) or (found is not None and "grant" in found.get("status", {}))
    is_gone = was_created and await grant_sight(ref.uid, world, must_look=True) is None
    has_ended = past.opened.window.has_ended(world.clock.now())
    is_stopped = (is_gone and not has_ended) if past.closed is None else _is_stopped(past.closed, past.opened)
    return Extended(past.opened, is_over=is_gone or past.closed is not None, is_stopped=is_stopped)


def _is_stopped(closed: Close, opened: Grant) -> bool:
    """Tell whether a grant was ended by others: not by its time, nor given back by the person whom it was for."""
    by_itself = (CloseReason.EXPIRED, CloseReason.SUPERSEDED, CloseReason.WITHDRAWN)
    return closed.reason not in by_itself and closed.by != opened.subject.username


async def _uncached(key: Key, world: World) -> Object | None:
    """Return a request that the caches don't hold, because it is settled or too new, or None if there is none."""
    namespace, name = key
    return await world.api.find(ACCESS_REQUESTS, name, namespace) if namespace and name else None


async def grant_sight(name: str, world: World, *, must_look: bool) -> GrantSight | None:
    """Return the grant as it stands in the API.

    A cache can lag behind what this process itself created, so `must_look` asks the API server before it is said that
    a grant is gone.
    """
    found: Object | None = world.caches.grants.get(world.settings.namespace, name)
    if found is None and must_look:
        found = await world.api.find(ACCESS_GRANTS, name, world.settings.namespace)
    if found is None:
        return None
    probed = find_condition(found.get("status", {}), "Probed") or {}
    return GrantSight(
        grant=understood(grant_value, found),
        resource_version=found["metadata"]["resourceVersion"],
        uid=found["metadata"]["uid"],
        is_probed=probed.get("status") == "True",
        failure=probed.get("message") if probed.get("status") == "False" else None,
    )


def _reviews_of(request: Object, caches: Caches) -> list[Object]:
    metadata = request["metadata"]
    return [
        review
        for review in caches.reviews_of(metadata["uid"])
        if review["metadata"]["namespace"] == metadata["namespace"]
    ]
