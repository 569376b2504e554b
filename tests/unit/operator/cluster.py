"""A simulated cluster with a gate, in which operators run in virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_TARGETS, SERVICES, Resource
from jitgress.operator.conditions import find_condition
from jitgress.operator.consults.consultant import Consultant, NoConsultant
from jitgress.operator.ports import Notifier, SilentNotifier
from jitgress.operator.settings import OperatorSettings
from tests.simulators.ingress import SimulatedGate, SimulatedIngress
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

SETTLED_S: Final = 3.0


@dataclass(slots=True)
class Cluster:
    """A cluster with a gate; `start` adds an operator process."""

    clock: VirtualClock
    api: SimulatedApi = field(init=False)
    ledger: SimulatedLedger = field(default_factory=SimulatedLedger)
    gate: SimulatedGate = field(init=False)
    ingress: SimulatedIngress = field(init=False)
    processes: list[OperatorProcess] = field(default_factory=list)
    consultant: Consultant = field(default_factory=NoConsultant)
    notifier: Notifier = field(default_factory=SilentNotifier)

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
            consultant=self.consultant,
            notifier=self.notifier,
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

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # nobody reads that
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(whole(Cluster(VirtualClock(loop))))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
        structlog.reset_defaults()


def state(request: dict[str, Any]) -> str | None:
    found = find_condition(request.get("status", {}), "Active")
    return None if found is None else str(found["reason"])
