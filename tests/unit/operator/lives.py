"""What people do in a simulated cluster beside asking once: each a call, and then everything settles."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jitgress.domain.event import Event, EventCode
from jitgress.domain.subject import Subject
from jitgress.domain.window import format_time
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_TARGETS
from jitgress.operator.conditions import find_condition
from tests.builders import ALICE, CAROL
from tests.simulators.objects import a_policy_object, a_request_object, a_review_object
from tests.unit.operator.cluster import SETTLED_S, Cluster


async def ask(cluster: Cluster, name: str = "alice-orders", who: Subject = ALICE, **fields: Any) -> dict[str, Any]:
    """Make a request for 10 minutes; `fields` add to its spec, None takes one away."""
    body = a_request_object(name, requester=who, duration_s=600)
    body["spec"] = _with(body["spec"], fields)
    made = await cluster.api.create(ACCESS_REQUESTS, body)
    await asyncio.sleep(SETTLED_S)
    return dict(made)


async def review(
    cluster: Cluster, request: Mapping[str, Any], who: Subject = CAROL, decision: str = "Approve", **fields: Any
) -> None:
    name = f"{request['metadata']['name']}-{who.username}-{decision.lower()}-{cluster.api.versions.revision}"
    body = a_review_object(dict(request), decision, who, name=name)
    body["spec"] |= fields
    await cluster.api.create(ACCESS_REVIEWS, body)
    await asyncio.sleep(SETTLED_S)


async def edit_policy(cluster: Cluster, name: str = "standard", **fields: Any) -> None:
    """Change a policy's spec; None takes a field away."""
    found = await cluster.api.get(ACCESS_POLICIES, name)
    await cluster.api.replace(ACCESS_POLICIES, {**found, "spec": _with(found["spec"], fields)})
    await asyncio.sleep(SETTLED_S)


async def edit_target(cluster: Cluster, **fields: Any) -> None:
    found = await cluster.api.get(ACCESS_TARGETS, "orders", "shop")
    await cluster.api.replace(ACCESS_TARGETS, {**found, "spec": found["spec"] | fields})
    await asyncio.sleep(SETTLED_S)


async def add_policy(cluster: Cluster, name: str, group: str, priority: int = 100, **fields: Any) -> None:
    body = a_policy_object(name, group=group, required=0, priority=priority)
    body["spec"] = _with(body["spec"], fields)
    await cluster.api.create(ACCESS_POLICIES, body)
    await asyncio.sleep(SETTLED_S)


def in_s(cluster: Cluster, seconds: float) -> str:
    """Return a time so many seconds from now, as people write it."""
    return format_time(cluster.clock.now() + timedelta(seconds=seconds))


def grants(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the specs of the grants that there are."""
    return [each["spec"] for each in cluster.all_of(ACCESS_GRANTS)]


def events(cluster: Cluster, code: EventCode, name: str = "alice-orders") -> list[Event]:
    return [each for each in cluster.ledger.entries if each.code is code and each.request and each.request.name == name]


def codes(cluster: Cluster, name: str = "alice-orders") -> list[str]:
    """Return what the ledger tells of a request, in order."""
    return [each.code.value for each in cluster.ledger.entries if each.request and each.request.name == name]


async def status(cluster: Cluster, name: str = "alice-orders") -> dict[str, Any]:
    found = await cluster.api.get(ACCESS_REQUESTS, name, "shop")
    told: dict[str, Any] = found.get("status", {})
    return told


async def ended(cluster: Cluster, name: str = "alice-orders") -> tuple[str, str] | None:
    """Return why a request is over: the reason, and the code of the denial if there was one."""
    told = await status(cluster, name)
    closed = find_condition(told, "Closed")
    return None if closed is None else (closed["reason"], told.get("denial", {}).get("code", ""))


def _with(spec: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**spec, **fields}.items() if value is not None}
