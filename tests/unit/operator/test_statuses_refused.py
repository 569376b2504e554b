"""A status that the API server refuses keeps no other one back, and nothing that must be safe hangs on it."""

import asyncio
from collections.abc import Callable

from jitgress.domain.event import EventCode
from jitgress.kube.errors import InvalidObjectError, UnreachableError
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS
from jitgress.operator.conditions import find_condition
from tests.builders import CAROL, CHRIS
from tests.simulators.kube_api import Call
from tests.simulators.objects import a_review_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state
from tests.unit.operator.lives import ask, events, grants, review, status


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
    request = await api.create(ACCESS_REQUESTS, a_request_object())
    approval = await api.create(ACCESS_REVIEWS, a_review_object(dict(request)))
    caches = some_caches(
        requests=[request], reviews=[approval], targets=[a_ready_target()], policies=[stored(a_policy_object())]
    )
    world = World(api=api, caches=caches, ledger=SimulatedLedger(), settings=OperatorSettings(), clock=clock)
    gathered = await gather(("shop", "alice-orders"), world)
    assert gathered is not None
    facts, plan = settled(gathered, clock.now())
    assert plan.grant is not None
    if was_active:
        await world.ledger.append(record.active(facts.request, plan.grant, clock.now()))

    await RequestApplier(world, EventRecorder(api, clock)).apply(facts, plan, (), is_repeat=True)

    assert await api.find(ACCESS_GRANTS, plan.grant.id, "jitgress-system") is None or not was_active
