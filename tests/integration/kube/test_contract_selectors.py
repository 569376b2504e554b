"""Lists and watches by a field of the status, and two who apply one status; real and simulated alike."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REQUESTS
from jitgress.operator.settled import NOT_SETTLED, SETTLED
from tests.integration.kube.contract import Cluster, a_request_spec

PATIENCE_S = 20.0


async def ask(cluster: Cluster, name: str) -> Object:
    return await cluster.api.create(ACCESS_REQUESTS, cluster.a(ACCESS_REQUESTS, name, spec=a_request_spec()))


async def say(cluster: Cluster, name: str, status: dict[str, Any], manager: str = "jitgress") -> Object:
    return await cluster.api.apply_status(ACCESS_REQUESTS, name, cluster.namespace, status, manager=manager)


async def names_by(cluster: Cluster, selector: str, *, is_brief: bool = False) -> list[str]:
    page = await cluster.api.list_page(
        ACCESS_REQUESTS, cluster.namespace, limit=500, next_page=None, selector=selector, is_brief=is_brief
    )
    return [each["metadata"]["name"] for each in page.items]


async def told(events: AsyncGenerator[Object]) -> tuple[str, str]:
    async with asyncio.timeout(PATIENCE_S):
        async for event in events:
            if event["type"] != "BOOKMARK":
                return event["type"], event["object"]["metadata"]["name"]
    raise AssertionError("the watch ended")


async def test_a_list_is_narrowed_by_a_field_that_some_have(cluster: Cluster) -> None:
    for name in ("settled", "unsettled", "new"):
        await ask(cluster, name)
    await say(cluster, "settled", {"settled": True})
    await say(cluster, "unsettled", {"settled": False})

    assert await names_by(cluster, SETTLED) == ["settled"]
    assert await names_by(cluster, SETTLED, is_brief=True) == ["settled"]
    assert await names_by(cluster, NOT_SETTLED) == ["new", "unsettled"]


async def test_a_watch_says_deleted_of_what_is_selected_no_more_and_added_of_what_is_again(cluster: Cluster) -> None:
    found = await ask(cluster, "one")
    watch = cluster.api.watch(
        ACCESS_REQUESTS,
        cluster.namespace,
        resource_version=found["metadata"]["resourceVersion"],
        timeout_s=60,
        selector=NOT_SETTLED,
    )
    async with aclosing(watch) as events:
        await say(cluster, "one", {"message": "closed"})
        assert await told(events) == ("MODIFIED", "one")

        await say(cluster, "one", {"settled": True}, "another")
        assert await told(events) == ("DELETED", "one")

        await say(cluster, "one", {}, "another")
        assert await told(events) == ("ADDED", "one")


async def test_what_is_not_selected_is_not_told(cluster: Cluster) -> None:
    first = await ask(cluster, "hidden")
    await say(cluster, "hidden", {"settled": True})
    watch = cluster.api.watch(
        ACCESS_REQUESTS,
        cluster.namespace,
        resource_version=first["metadata"]["resourceVersion"],
        timeout_s=60,
        selector=SETTLED,
    )
    async with aclosing(watch) as events:
        assert await told(events) == ("ADDED", "hidden")
        await ask(cluster, "other")
        await cluster.api.delete(ACCESS_REQUESTS, "hidden", cluster.namespace)

        assert await told(events) == ("DELETED", "hidden")


async def test_who_applies_a_status_leaves_alone_what_another_manager_says(cluster: Cluster) -> None:
    await ask(cluster, "one")
    await say(cluster, "one", {"message": "closed", "url": "https://a.example.test"})
    await say(cluster, "one", {"settled": True}, "another")

    found = await say(cluster, "one", {"message": "closed for good"})

    assert found["status"] == {"message": "closed for good", "settled": True}
