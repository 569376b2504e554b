"""What is settled is said so in the cluster, leaves the operator's lists by that, and is still found when needed."""

import asyncio
from typing import Any

import pytest

from jitgress.crds.values import request_value
from jitgress.domain.course import Close, CloseReason
from jitgress.domain.subject import Subject
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS
from jitgress.operator import record
from jitgress.operator.requests.gather import gather
from jitgress.operator.retention.reconcile import RetentionReconciler
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.settled import NOT_SETTLED
from jitgress.operator.settling.reconcile import EVERYTHING, SettlingReconciler
from jitgress.operator.world import World
from tests.builders import ALICE, minutes
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_request_object, a_review_object
from tests.unit.operator.held import some_caches

CLOSED: dict[str, Any] = {"message": "denied", "conditions": [{"type": "Closed", "status": "True", "reason": "Denied"}]}
HOUR_S = 3600.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def api(clock: HandClock) -> SimulatedApi:
    return SimulatedApi(clock)


async def a_closed_request(api: SimulatedApi, name: str = "alice-orders") -> Object:
    await api.create(ACCESS_REQUESTS, a_request_object(name, requester=ALICE))
    return await api.apply_status(ACCESS_REQUESTS, name, "shop", CLOSED)


async def followed(api: SimulatedApi) -> list[Object]:
    page = await api.list_page(ACCESS_REQUESTS, None, limit=500, next_page=None, selector=NOT_SETTLED)
    return list(page.items)


async def a_world(api: SimulatedApi, clock: HandClock) -> World:
    """Return the world as it is after a restart."""
    reviews = (await api.list_page(ACCESS_REVIEWS, None, limit=500, next_page=None)).items
    caches = some_caches(requests=await followed(api), reviews=reviews)
    settings = OperatorSettings(retention=minutes(48 * 60))
    return World(api=api, caches=caches, ledger=SimulatedLedger(), settings=settings, clock=clock)


async def test_a_settled_request_is_followed_no_more_and_its_status_stays(api: SimulatedApi, clock: HandClock) -> None:
    await a_closed_request(api)
    clock.advance(26 * HOUR_S)

    await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)

    found = await api.get(ACCESS_REQUESTS, "alice-orders", "shop")
    assert found["status"] == CLOSED | {"settled": True}
    assert await followed(api) == []


async def test_others_work_between_two_people(api: SimulatedApi, clock: HandClock) -> None:
    for number in range(3):
        await api.create(ACCESS_REQUESTS, a_request_object(f"request-{number}", requester=Subject(f"person-{number}")))
    sweeping = asyncio.create_task(SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING))

    turns = 0
    while not sweeping.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 3


async def test_what_was_closed_today_stays(api: SimulatedApi, clock: HandClock) -> None:
    await a_closed_request(api)

    await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)

    assert len(await followed(api)) == 1


async def test_it_comes_back_sooner_while_there_is_more_than_one_sweep_takes(
    api: SimulatedApi, clock: HandClock
) -> None:
    for number in range(201):
        await a_closed_request(api, f"alice-{number}")
    clock.advance(26 * HOUR_S)

    first = await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)
    second = await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)

    assert first is not None
    assert second is not None
    assert first < second
    assert await followed(api) == []


async def test_a_review_of_a_settled_request_is_judged_by_all_of_it(api: SimulatedApi, clock: HandClock) -> None:
    request = await a_closed_request(api)
    clock.advance(26 * HOUR_S)
    await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)
    await api.create(ACCESS_REVIEWS, a_review_object(dict(request)))

    facts = await gather(("shop", "alice-orders"), await a_world(api, clock))

    assert facts is not None
    assert facts.request.reason == request["spec"]["reason"]
    assert len(facts.reviews) == 1


async def test_a_review_whose_request_is_settled_is_no_orphan(api: SimulatedApi, clock: HandClock) -> None:
    request = await a_closed_request(api)
    await api.create(ACCESS_REVIEWS, a_review_object(dict(request)))
    clock.advance(72 * HOUR_S)
    await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)

    await RetentionReconciler(await a_world(api, clock)).reconcile("everything")

    assert len((await api.list_page(ACCESS_REVIEWS, None, limit=500, next_page=None)).items) == 1


async def test_a_settled_request_is_removed_in_its_time_as_well(api: SimulatedApi, clock: HandClock) -> None:
    request = request_value(await a_closed_request(api))
    closed = record.closed(request, Close(CloseReason.DENIED, "denied"), None, clock.now())
    clock.advance(72 * HOUR_S)
    await SettlingReconciler(await a_world(api, clock)).reconcile(EVERYTHING)
    world = await a_world(api, clock)
    await world.ledger.append(closed)

    await RetentionReconciler(world).reconcile("everything")

    assert await api.find(ACCESS_REQUESTS, "alice-orders", "shop") is None
