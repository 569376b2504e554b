"""No more grants are open than the policy counts, however many requests come at once, and whatever dies between."""

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest

from jitgress.domain.course import EXPIRED
from jitgress.domain.event import Event
from jitgress.domain.subject import Subject
from jitgress.kube.resources import ACCESS_REQUESTS
from jitgress.operator import record
from jitgress.operator.openings import Openings
from tests.builders import NOW, a_grant, a_request, after
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_request_object
from tests.unit.operator.cluster import Cluster, in_a_cluster
from tests.unit.operator.held import some_caches, stored
from tests.unit.operator.lives import add_policy, ask, ended, grants, review

AMY: Final = Subject("amy", frozenset({"auto"}))
ANDY: Final = Subject("andy", frozenset({"auto"}))
OPENED: Final = record.opened(a_request(), a_grant(), [], [], NOW)


async def limited(cluster: Cluster, **limits: Any) -> None:
    await cluster.fill()
    await add_policy(cluster, "auto", "auto", limits=limits)


@pytest.mark.parametrize(
    ("limits", "people"),
    [({"concurrentPerSubject": 1}, [AMY, AMY, AMY]), ({"concurrentPerTarget": 1}, [AMY, ANDY, AMY])],
    ids=["per subject", "per target"],
)
def test_of_several_requests_at_once_one_takes_the_last_place(limits: dict[str, int], people: list[Subject]) -> None:
    async def story(cluster: Cluster) -> None:
        await limited(cluster, **limits)
        for number, who in enumerate(people):
            await cluster.api.create(ACCESS_REQUESTS, a_request_object(f"request-{number}", requester=who))
        cluster.start()
        await asyncio.sleep(5)

        assert len(grants(cluster)) == 1
        ends = [await ended(cluster, f"request-{number}") for number in range(len(people))]
        assert sorted(map(str, ends)) == ["('Denied', 'limit_reached')"] * (len(people) - 1) + ["None"]

    in_a_cluster(story)


@pytest.mark.parametrize("calls", range(12))
def test_an_opening_that_a_killed_process_recorded_is_counted_by_the_next(calls: int) -> None:
    async def story(cluster: Cluster) -> None:
        await limited(cluster, concurrentPerSubject=1)
        process = cluster.start()
        await asyncio.sleep(3)
        process.faults.calls_to_live = calls
        for number in range(2):
            await cluster.api.create(ACCESS_REQUESTS, a_request_object(f"request-{number}", requester=AMY))
        await asyncio.sleep(1)
        await process.kill()
        cluster.start()
        await asyncio.sleep(15)

        assert len(grants(cluster)) == 1

    in_a_cluster(story)


def test_a_place_is_free_again_once_what_took_it_is_given_back() -> None:
    async def story(cluster: Cluster) -> None:
        await limited(cluster, concurrentPerSubject=1)
        cluster.start()
        first = await ask(cluster, "first", AMY)
        await review(cluster, first, AMY, "Revoke")
        await ask(cluster, "second", AMY)

        assert [each["request"]["name"] for each in grants(cluster)] == ["second"]

    in_a_cluster(story)


def test_nobody_asks_more_often_within_a_day_than_the_policy_permits() -> None:
    async def story(cluster: Cluster) -> None:
        await limited(cluster, requestsPerDay=2)
        cluster.start()
        for name in ("first", "second", "third"):
            await ask(cluster, name, AMY)
        assert len(grants(cluster)) == 2
        assert await ended(cluster, "third") == ("Denied", "limit_reached")

        await ask(cluster, "other", ANDY)
        assert await ended(cluster, "other") is None

        await cluster.processes[0].stop()
        await asyncio.sleep(24 * 3600)
        cluster.start()
        await asyncio.sleep(10)
        await ask(cluster, "tomorrow", AMY)
        assert await ended(cluster, "tomorrow") is None

    in_a_cluster(story)


def test_what_was_recorded_counts_until_the_cache_shows_it() -> None:
    openings, grant = Openings(), a_grant()
    openings.add(grant)

    before = tuple(openings.running(some_caches(), "jitgress-system", after(1)))
    found = stored({"metadata": {"name": grant.id, "namespace": "jitgress-system"}, "spec": {}})
    shown = tuple(openings.running(some_caches(grants=[found]), "jitgress-system", after(1)))

    assert (before, shown) == ((grant,), ())
    assert openings.running(some_caches(), "jitgress-system", after(1)) == ()


async def test_what_an_earlier_process_recorded_is_recalled_once() -> None:
    ledger, request = SimulatedLedger(), a_request()
    await ledger.append(record.opened(request, a_grant(), [], [], NOW))
    caches = some_caches(requests=[stored(a_request_object(), uid="request-1")])
    openings = Openings()

    await openings.recall(caches, ledger)
    openings.forget("request-1")
    await openings.recall(caches, ledger)

    assert openings.running(some_caches(), "jitgress-system", after(1)) == ()


@pytest.mark.parametrize(
    ("events", "status", "counted"),
    [
        ([OPENED], {}, 1),
        ([OPENED], {"grant": "request-1"}, 0),
        ([OPENED, record.closed(a_request(), EXPIRED, None, NOW)], {}, 0),
        ([record.received(a_request(), NOW)], {}, 0),
        ([replace(OPENED, data={})], {}, 0),
    ],
    ids=["not made yet", "made", "over", "not opened", "unreadable"],
)
async def test_what_is_recalled_is_what_will_be_made_yet(
    events: list[Event], status: dict[str, str], counted: int
) -> None:
    ledger, openings = SimulatedLedger(list(events)), Openings()

    await openings.recall(some_caches(requests=[stored(a_request_object(), uid="request-1", status=status)]), ledger)

    assert len(list(openings.running(some_caches(), "jitgress-system", after(1)))) == counted


def test_what_has_ended_or_was_closed_counts_no_more() -> None:
    openings, other = Openings(), a_grant(request=a_request(uid="request-2"))
    openings.add(a_grant())
    openings.add(other)
    openings.forget("request-1")

    assert openings.running(some_caches(), "jitgress-system", after(1799)) == (other,)
    assert openings.running(some_caches(), "jitgress-system", after(1800)) == ()
