"""A status that the API server refuses keeps no other one back, and nothing that must be safe hangs on it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from jitgress.domain.event import EventCode
from jitgress.kube.errors import InvalidObjectError, UnreachableError
from jitgress.kube.events import EventRecorder
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS
from jitgress.operator import record
from jitgress.operator.conditions import find_condition
from jitgress.operator.requests.apply import RequestApplier
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.world import World
from tests.builders import CAROL, CHRIS, a_request, a_review, after
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_request_object, a_review_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state
from tests.unit.operator.held import some_caches
from tests.unit.operator.lives import ask, events, grants, review, status
from tests.unit.operator.request_facts import settled, some_facts


def refusing(is_refused: Callable[[Call], bool]) -> Callable[[Call], None]:
    """Return an API server's way with statuses: those that `is_refused` names are."""

    def see(call: Call) -> None:
        if call.verb == "apply_status" and is_refused(call):
            raise InvalidObjectError("spec: Internal error: no such overload", status=422)

    return see


def of_requests(call: Call) -> bool:
    return call.resource is ACCESS_REQUESTS


def judged(cluster: Cluster) -> set[str]:
    """Return the names of the reviews that have a status."""
    found = cluster.all_of(ACCESS_REVIEWS)
    return {each["metadata"]["name"] for each in found if find_condition(each.get("status", {}), "Counted")}


def test_a_status_that_is_refused_keeps_no_other_one_back() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start(see_call=refusing(lambda call: call.name == "b"))
        request = await ask(cluster)
        for name, who in (("a", CAROL), ("b", CHRIS), ("c", CAROL), ("d", CHRIS)):
            await cluster.api.create(ACCESS_REVIEWS, a_review_object(request, "Approve", who, name=name))
        await asyncio.sleep(SETTLED_S)

        assert judged(cluster) == {"a", "c", "d"}
        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)


def test_reviews_are_told_of_though_the_status_of_their_request_is_refused() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start(see_call=refusing(of_requests))
        await review(cluster, await ask(cluster))

        assert await status(cluster) == {}
        assert len(judged(cluster)) == 1

    in_a_cluster(story)


def test_a_status_that_was_refused_is_written_as_soon_as_it_is_taken() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        is_refused = True
        cluster.start(see_call=refusing(lambda call: of_requests(call) and is_refused))
        await review(cluster, await ask(cluster))
        is_refused = False
        await asyncio.sleep(60)

        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)


def test_an_api_server_that_gives_no_answer_isnt_asked_for_every_status() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        asked: list[str | None] = []

        def see(call: Call) -> None:
            if call.verb == "apply_status" and call.resource in {ACCESS_REQUESTS, ACCESS_REVIEWS}:
                asked.append(call.name)
                raise UnreachableError("the API server gave no answer")

        cluster.start(see_call=see)
        await review(cluster, await ask(cluster))

        assert set(asked) == {"alice-orders"}

    in_a_cluster(story)


def test_a_deleted_grant_is_never_made_again_though_no_status_tells_that_it_was_there() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start(see_call=refusing(of_requests))
        await review(cluster, await ask(cluster))
        (grant,) = cluster.all_of(ACCESS_GRANTS)
        assert events(cluster, EventCode.GRANT_ACTIVE)

        await cluster.api.delete(ACCESS_GRANTS, grant["metadata"]["name"], "jitgress-system")
        await asyncio.sleep(60)

        assert grants(cluster) == []
        (closed,) = events(cluster, EventCode.REQUEST_CLOSED)
        assert closed.data["reason"] == "Revoked"

    in_a_cluster(story)


@pytest.mark.parametrize("was_active", [True, False], ids=["active", "opened alone"])
async def test_the_ledger_is_asked_again_before_a_grant_that_is_missing_is_made(*, was_active: bool) -> None:
    """Another process can have recorded that it was there since this one read the ledger."""
    clock = HandClock()
    api = SimulatedApi(clock)
    uid = (await api.create(ACCESS_REQUESTS, a_request_object()))["metadata"]["uid"]
    asked = replace(some_facts(a_review(request_uid=uid)), request=a_request(uid=uid))
    facts, plan = settled(asked, after(60))
    assert plan.grant is not None
    later = [record.active(facts.request, plan.grant, after(61))] if was_active else []
    ledger = SimulatedLedger([*facts.history, *later])
    world = World(api=api, caches=some_caches(), ledger=ledger, settings=OperatorSettings(), clock=clock)

    await RequestApplier(world, EventRecorder(api, clock)).apply(facts, plan, (), is_repeat=True)

    found = await api.find(ACCESS_GRANTS, uid, "jitgress-system")
    assert (found is not None) is not was_active
