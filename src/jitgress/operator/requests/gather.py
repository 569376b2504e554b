"""Reads everything that the decision about one request needs into one frozen value."""

from collections.abc import Mapping
from typing import Any

from jitgress.crds.values import grant_value, request_value, review_value
from jitgress.domain.request import RequestRef
from jitgress.domain.situation import Extended
from jitgress.domain.terms import UNLIMITED
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS
from jitgress.operator.caches import Caches, Key, Object, understood
from jitgress.operator.conditions import find_condition
from jitgress.operator.history import recorded
from jitgress.operator.requests.facts import Facts, GrantSight
from jitgress.operator.requests.situation import situation
from jitgress.operator.world import World


async def gather(key: Key, world: World) -> Facts | None:
    """Return the facts of the request `key`, or None if it isn't there or can't be understood."""
    found = world.caches.requests.get(*key) or await _settled(key, world)
    request = None if found is None else understood(request_value, found)
    if found is None or request is None:
        return None
    status: Mapping[str, Any] = found.get("status", {})
    was_created = "grant" in status
    reviews = tuple(_reviews_of(found, world.caches))
    values = (understood(review_value, each) for each in reviews)
    history = await world.ledger.history(request.ref.uid)
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


async def _extended(ref: RequestRef, world: World) -> Extended | None:
    """Return the grant of the request `ref`. One that was stopped is over, whether or not that is recorded yet."""
    past = recorded(await world.ledger.history(ref.uid))
    if past.opened is None:
        return None
    found = world.caches.requests.get(ref.namespace, ref.name)
    was_created = found is not None and "grant" in found.get("status", {})
    is_gone = was_created and await grant_sight(ref.uid, world, must_look=True) is None
    return Extended(past.opened, is_over=is_gone or past.closed is not None)


async def _settled(key: Key, world: World) -> Object | None:
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
