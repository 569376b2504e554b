"""Who leads no more changes nothing and records nothing; reading is free."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from jitgress.domain.event import Event, EventCode
from jitgress.kube.client import KubeApi
from jitgress.kube.resources import ACCESS_TARGETS
from jitgress.operator.fence import FencedApi, FencedLedger, NotLeadingError
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_target_object

EVENT = Event(id="e1", code=EventCode.GRANT_OPENED, at=datetime(2026, 1, 1, tzinfo=UTC), actor="operator")
Change = Callable[[KubeApi], Awaitable[object]]


async def replaced(api: KubeApi) -> object:
    found = await api.get(ACCESS_TARGETS, "orders", "shop")
    return await api.replace(ACCESS_TARGETS, {**found, "metadata": {**found["metadata"], "labels": {"a": "b"}}})


CHANGES: dict[str, Change] = {
    "create": lambda api: api.create(ACCESS_TARGETS, a_target_object("new")),
    "replace": replaced,
    "apply": lambda api: api.apply(ACCESS_TARGETS, a_target_object(host="other.example.test")),
    "apply_status": lambda api: api.apply_status(ACCESS_TARGETS, "orders", "shop", {"address": "127.0.0.1:1"}),
    "delete": lambda api: api.delete(ACCESS_TARGETS, "orders", "shop"),
}


async def an_api() -> SimulatedApi:
    api = SimulatedApi(HandClock())
    await api.create(ACCESS_TARGETS, a_target_object())
    return api


@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
async def test_another_process_changes_nothing(change: Change) -> None:
    api = await an_api()
    before = api.versions.revision
    with pytest.raises(NotLeadingError):
        await change(FencedApi(api, lambda: False))
    assert api.versions.revision == before


@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
async def test_the_leader_changes_what_it_wants(change: Change) -> None:
    api = await an_api()
    before = api.versions.revision
    await change(FencedApi(api, lambda: True))
    assert api.versions.revision == before + 1


async def test_leadership_is_asked_for_at_every_change() -> None:
    answers = iter((True, False))
    fenced = FencedApi(await an_api(), lambda: next(answers))
    await fenced.delete(ACCESS_TARGETS, "orders", "shop")
    with pytest.raises(NotLeadingError):
        await fenced.create(ACCESS_TARGETS, a_target_object())


async def test_everybody_reads() -> None:
    api = await an_api()
    fenced = FencedApi(api, lambda: False)
    found = await fenced.get(ACCESS_TARGETS, "orders", "shop")
    page = await fenced.list_page(ACCESS_TARGETS, "shop", limit=5, next_page=None)
    async with aclosing(fenced.watch(ACCESS_TARGETS, "shop", resource_version="1", timeout_s=5)) as watch:
        event = await anext(watch)
    assert await fenced.find(ACCESS_TARGETS, "none", "shop") is None
    assert [found, event["object"], *page.items] == [await api.get(ACCESS_TARGETS, "orders", "shop")] * 3


async def test_only_the_leader_records() -> None:
    ledger = SimulatedLedger()
    with pytest.raises(NotLeadingError):
        await FencedLedger(ledger, lambda: False).append(EVENT)
    assert ledger.entries == []
    assert await FencedLedger(ledger, lambda: True).append(EVENT) == EVENT
    assert await FencedLedger(ledger, lambda: False).history("nobody") == ()
