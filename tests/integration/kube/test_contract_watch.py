"""Watches: every change once and in order, from the version that is named; real and simulated alike."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_TARGETS, CONFIG_MAPS, Resource
from tests.integration.kube.contract import Cluster, a_target_spec, version

PATIENCE_S = 10.0
LONG_S = 60
SPECS: dict[Resource, dict[str, Any]] = {CONFIG_MAPS: {"data": {"x": "1"}}, ACCESS_TARGETS: {"spec": a_target_spec()}}


@pytest.fixture(params=list(SPECS), ids=["config map", "target"])
def resource(request: pytest.FixtureRequest) -> Resource:
    assert isinstance(request.param, Resource)
    return request.param


async def create(cluster: Cluster, resource: Resource, name: str = "one", namespace: str | None = None) -> Object:
    return await cluster.api.create(resource, cluster.a(resource, name, namespace=namespace, **SPECS[resource]))


async def label(cluster: Cluster, resource: Resource, found: Object, value: str) -> Object:
    return await cluster.api.replace(resource, {**found, "metadata": {**found["metadata"], "labels": {"value": value}}})


async def now(cluster: Cluster, resource: Resource) -> str:
    page = await cluster.api.list_page(resource, cluster.namespace, limit=1, next_page=None)
    return page.resource_version


async def take(events: AsyncGenerator[Object], number: int) -> list[tuple[str, Object]]:
    """Return the next events that are no bookmarks."""
    taken: list[tuple[str, Object]] = []
    async with asyncio.timeout(PATIENCE_S), aclosing(events):
        while len(taken) < number:
            event = await anext(events)
            if event["type"] != "BOOKMARK":
                taken.append((event["type"], event["object"]))
    return taken


async def test_a_watch_tells_what_happened_after_a_version(cluster: Cluster, resource: Resource) -> None:
    before = await create(cluster, resource, "before")
    since = await now(cluster, resource)
    added = await create(cluster, resource)
    modified = await label(cluster, resource, added, "1")
    await cluster.api.delete(resource, "one", cluster.namespace)
    again = await label(cluster, resource, before, "2")
    events = await take(cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S), 4)
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED", "MODIFIED"]
    assert [found for kind, found in events if kind != "DELETED"] == [added, modified, again]


async def test_a_watch_tells_what_happens_while_it_is_open(cluster: Cluster, resource: Resource) -> None:
    since = await now(cluster, resource)
    watch = cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S)
    taking = asyncio.create_task(take(watch, 2))
    first = await create(cluster, resource, "a")
    await asyncio.sleep(0)
    second = await create(cluster, resource, "b")
    assert await taking == [("ADDED", first), ("ADDED", second)]


async def test_a_deletion_is_told_with_the_last_content_and_a_version_of_its_own(
    cluster: Cluster, resource: Resource
) -> None:
    last = await label(cluster, resource, await create(cluster, resource), "last")
    since = await now(cluster, resource)
    await cluster.api.delete(resource, "one", cluster.namespace)
    ((kind, found),) = await take(
        cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S), 1
    )
    assert kind == "DELETED"
    assert found["metadata"]["uid"] == last["metadata"]["uid"]
    assert found["metadata"]["labels"] == {"value": "last"}
    assert version(found) > version(last)


async def test_versions_never_go_back_in_a_watch(cluster: Cluster, resource: Resource) -> None:
    since = await now(cluster, resource)
    for number in range(3):
        changed = await label(cluster, resource, await create(cluster, resource), str(number))
        await cluster.api.delete(resource, "one", cluster.namespace, uid=changed["metadata"]["uid"])
    events = await take(cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S), 9)
    versions = [version(found) for _, found in events]
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED"] * 3
    assert versions == sorted(set(versions))


async def test_a_watch_goes_on_from_any_event(cluster: Cluster, resource: Resource) -> None:
    since = await now(cluster, resource)
    made = [await create(cluster, resource, name) for name in ("a", "b", "c")]
    from_there = str(version(made[0]))
    events = await take(
        cluster.api.watch(resource, cluster.namespace, resource_version=from_there, timeout_s=LONG_S), 2
    )
    everything = await take(cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S), 3)
    assert [found for _, found in events] == made[1:]
    assert [found for _, found in everything] == made


async def test_a_watch_of_one_name_tells_of_that_one_alone(cluster: Cluster, resource: Resource) -> None:
    since = await now(cluster, resource)
    other = await create(cluster, resource, "other")
    mine = await create(cluster, resource, "mine")
    await label(cluster, resource, other, "1")
    changed = await label(cluster, resource, mine, "2")
    events = await take(
        cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S, name="mine"), 2
    )
    assert events == [("ADDED", mine), ("MODIFIED", changed)]


async def test_a_watch_of_one_namespace_tells_nothing_of_others(cluster: Cluster, resource: Resource) -> None:
    since = await now(cluster, resource)
    there = await create(cluster, resource, namespace=cluster.elsewhere)
    here = await create(cluster, resource)
    mine = cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=LONG_S)
    every = cluster.api.watch(resource, None, resource_version=since, timeout_s=LONG_S)
    assert await take(mine, 1) == [("ADDED", here)]
    assert await take(every, 2) == [("ADDED", there), ("ADDED", here)]


async def test_a_watch_ends_by_itself_after_a_bookmark_from_which_one_goes_on(cluster: Cluster) -> None:
    resource = ACCESS_TARGETS
    since = await now(cluster, resource)
    await create(cluster, resource, "first")
    watch = cluster.api.watch(resource, cluster.namespace, resource_version=since, timeout_s=4)
    async with asyncio.timeout(PATIENCE_S), aclosing(watch):
        first = await anext(watch)
        unseen = await create(cluster, resource, namespace=cluster.elsewhere)
        rest = [event async for event in watch]
    bookmark = rest[-1]["object"]
    missed = await create(cluster, resource)
    later = cluster.api.watch(
        resource, cluster.namespace, resource_version=bookmark["metadata"]["resourceVersion"], timeout_s=LONG_S
    )
    assert first["type"] == "ADDED"
    assert {event["type"] for event in rest} == {"BOOKMARK"}
    assert version(bookmark) >= version(unseen)
    assert await take(later, 1) == [("ADDED", missed)]
