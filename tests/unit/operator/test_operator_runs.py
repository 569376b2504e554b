"""The operator as one process against a simulated cluster, in virtual time: what it starts with, and who may act."""

import asyncio
from collections.abc import Callable

import pytest

from jitgress.domain.event import EventCode
from jitgress.kube.errors import UnreachableError
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    EVENTS,
    HTTP_ROUTES,
    INGRESSES,
    LEASES,
    Resource,
)
from jitgress.operator.settings import OperatorSettings, RouteKind
from tests.simulators.ingress import gate_lease
from tests.simulators.kube_api import Call
from tests.simulators.objects import (
    a_policy_object,
    a_request_object,
    a_review_object,
)
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state
from tests.unit.operator.held import an_http_route


def test_a_cluster_without_the_gateway_api_is_served_by_ingresses() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.api.absent = {HTTP_ROUTES}
        await cluster.fill()
        cluster.start()

        assert state(await cluster.ask_and_approve()) == "Active"
        assert len(cluster.all_of(INGRESSES)) == 1

    in_a_cluster(story)


def test_a_stray_route_of_the_kind_that_isnt_chosen_is_removed() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        stray = an_http_route(
            "orders.example.test",
            name="jitgress-left-behind",
            namespace="jitgress-system",
            labels={"app.kubernetes.io/managed-by": "jitgress"},
            annotations={"jitgress.dev/host": "orders.example.test"},
        )
        await cluster.api.create(HTTP_ROUTES, stray)
        cluster.start()
        await asyncio.sleep(SETTLED_S)

        assert cluster.all_of(HTTP_ROUTES) == []
        assert [event.code for event in cluster.ledger.entries] == [EventCode.ROUTE_REMOVED]

    in_a_cluster(story)


def test_hosts_are_published_as_http_routes_where_that_is_chosen() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start(OperatorSettings(route_kind=RouteKind.HTTP_ROUTE))

        assert state(await cluster.ask_and_approve()) == "Active"
        assert [route["spec"]["hostnames"] for route in cluster.all_of(HTTP_ROUTES)] == [["orders.example.test"]]
        assert cluster.all_of(INGRESSES) == []

    in_a_cluster(story)


@pytest.mark.parametrize("late", [ACCESS_POLICIES, ACCESS_TARGETS, ACCESS_REVIEWS], ids=lambda each: each.plural)
def test_nothing_is_decided_before_everything_was_seen(late: Resource) -> None:
    """An empty list of policies denies, and what is closed stays closed."""

    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await cluster.api.create(ACCESS_REQUESTS, a_request_object())

        def refuse(call: Call) -> None:
            if call.resource is late and cluster.clock.monotonic() < 30:
                raise UnreachableError("the API server gave no answer")

        cluster.start(see_call=refuse)
        await asyncio.sleep(20)
        assert cluster.ledger.entries == []
        await asyncio.sleep(40)

        request = await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop")
        assert EventCode.REQUEST_RECEIVED in {event.code for event in cluster.ledger.entries}
        assert state(dict(request)) == "Pending"

    in_a_cluster(story)


def test_an_api_server_that_cant_be_reached_at_first_is_asked_again() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()

        def refuse(_call: Call) -> None:
            if cluster.clock.monotonic() < 10:
                raise UnreachableError("the API server gave no answer")

        cluster.start(see_call=refuse)
        await asyncio.sleep(30)

        assert state(await cluster.ask_and_approve()) == "Active"

    in_a_cluster(story)


def test_of_two_processes_one_acts() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        writes: dict[str, list[str]] = {"first": [], "second": []}

        def noting(who: str) -> Callable[[Call], None]:
            def see(call: Call) -> None:
                if call.verb in {"create", "apply", "apply_status", "delete"} and call.resource is not LEASES:
                    writes[who].append(call.verb)

            return see

        cluster.start(see_call=noting("first"))
        await asyncio.sleep(1)
        cluster.start(see_call=noting("second"))

        assert state(await cluster.ask_and_approve()) == "Active"
        assert writes["first"]
        assert writes["second"] == []

    in_a_cluster(story)


def test_a_successor_finishes_what_a_killed_leader_began() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        leader = cluster.start()
        cluster.start()
        await asyncio.sleep(1)
        request = await cluster.api.create(ACCESS_REQUESTS, a_request_object(duration_s=600))
        await asyncio.sleep(SETTLED_S)
        await leader.kill()
        await cluster.api.create(ACCESS_REVIEWS, a_review_object(dict(request)))
        await asyncio.sleep(20)

        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)


def test_people_are_told_each_step_once() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start()
        await cluster.ask_and_approve()
        grant = cluster.all_of(ACCESS_GRANTS)[0]
        await cluster.api.delete(ACCESS_GRANTS, grant["metadata"]["name"], "jitgress-system")
        await asyncio.sleep(SETTLED_S)

        told = cluster.all_of(EVENTS)

        assert [each["reason"] for each in told] == ["Received", "Reviewed", "Opened", "Active", "Closed"]
        assert [each["note"] for each in told][-1] == "Revoked: its grant was deleted"
        assert {each["regarding"]["name"] for each in told} == {"alice-orders"}
        assert {each["metadata"]["namespace"] for each in told} == {"shop"}

    in_a_cluster(story)


def test_a_gate_that_is_behind_keeps_a_request_opening() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        behind = gate_lease("1", cluster.clock.now(), "behind")
        await cluster.api.apply(LEASES, behind)
        cluster.start()

        assert state(await cluster.ask_and_approve()) == "Opening"
        await asyncio.sleep(30)
        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)


def test_the_removal_of_a_stray_is_recorded_once() -> None:
    async def story(cluster: Cluster) -> None:
        labels = {"app.kubernetes.io/managed-by": "jitgress"}
        stray = an_http_route(
            "orders.example.test", name="jitgress-left-behind", namespace="jitgress-system", labels=labels
        )
        await cluster.api.create(HTTP_ROUTES, stray)
        cluster.start()
        await asyncio.sleep(SETTLED_S)

        assert cluster.all_of(HTTP_ROUTES) == []
        assert [event.code for event in cluster.ledger.entries] == [EventCode.ROUTE_REMOVED]

    in_a_cluster(story)


def test_a_host_that_was_shared_is_seen_hidden_for_both_in_the_end() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, a_policy_object("auto", required=0, priority=1))
        cluster.start()
        for name in ("first", "second"):
            await cluster.api.create(ACCESS_REQUESTS, a_request_object(name, duration_s=600))
        await asyncio.sleep(SETTLED_S)
        for request in cluster.all_of(ACCESS_REQUESTS):
            await cluster.api.delete(ACCESS_GRANTS, request["metadata"]["uid"], "jitgress-system")
            await asyncio.sleep(30)

        assert ["hiddenAt" in request["status"] for request in cluster.all_of(ACCESS_REQUESTS)] == [True, True]

    in_a_cluster(story)
