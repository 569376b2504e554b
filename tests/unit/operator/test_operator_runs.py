"""The operator as one process against a simulated cluster, in virtual time: what it starts with, and who may act."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import structlog

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
    SERVICES,
    Resource,
)
from jitgress.operator.conditions import find_condition
from jitgress.operator.settings import OperatorSettings, RouteKind
from tests.simulators.ingress import SimulatedGate, SimulatedIngress, gate_lease
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import (
    a_policy_object,
    a_request_object,
    a_review_object,
    a_service_object,
    a_target_object,
)
from tests.simulators.operator_process import OperatorProcess
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop
from tests.unit.operator.held import an_http_route

SETTLED_S: Final = 3.0


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """What these operators log is nobody's to read."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclass(slots=True)
class Cluster:
    """A cluster with a gate; `start` adds an operator process."""

    clock: VirtualClock
    api: SimulatedApi = field(init=False)
    ledger: SimulatedLedger = field(default_factory=SimulatedLedger)
    gate: SimulatedGate = field(init=False)
    ingress: SimulatedIngress = field(init=False)
    processes: list[OperatorProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api = SimulatedApi(self.clock)
        self.gate = SimulatedGate(self.api, self.clock)
        self.ingress = SimulatedIngress(self.api, self.clock, self.gate)

    async def fill(self) -> None:
        """Put in a target with its Service, and a policy that wants one approval."""
        await self.api.create(SERVICES, a_service_object())
        await self.api.create(ACCESS_TARGETS, a_target_object())
        await self.api.create(ACCESS_POLICIES, a_policy_object())

    def start(
        self, settings: OperatorSettings | None = None, see_call: Callable[[Call], None] = lambda _: None
    ) -> OperatorProcess:
        process = OperatorProcess(
            api=self.api,
            ledger=self.ledger,
            prober=self.ingress,
            clock=self.clock,
            name=f"operator-{len(self.processes)}",
            settings=settings or OperatorSettings(),
            see_call=see_call,
        )
        self.processes.append(process)
        process.start()
        return process

    async def ask_and_approve(self) -> dict[str, Any]:
        """Make a request and its approval, and return the request once everything settled."""
        request = await self.api.create(ACCESS_REQUESTS, a_request_object(duration_s=600))
        await asyncio.sleep(SETTLED_S)
        await self.api.create(ACCESS_REVIEWS, a_review_object(dict(request)))
        await asyncio.sleep(SETTLED_S)
        return dict(await self.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))

    def all_of(self, resource: Resource) -> list[dict[str, Any]]:
        return [dict(found) for key, found in self.api.versions.objects.items() if key.resource is resource]


def in_a_cluster(story: Callable[[Cluster], Awaitable[None]]) -> None:
    """Run a story in virtual time, and end whatever it started."""

    async def whole(cluster: Cluster) -> None:
        gate = asyncio.get_running_loop().create_task(cluster.gate.follow(0.2))
        try:
            await story(cluster)
        finally:
            for process in cluster.processes:
                await process.kill()
            gate.cancel()
            await asyncio.gather(gate, return_exceptions=True)

    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(whole(Cluster(VirtualClock(loop))))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def state(request: dict[str, Any]) -> str | None:
    found = find_condition(request.get("status", {}), "Active")
    return None if found is None else str(found["reason"])


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
