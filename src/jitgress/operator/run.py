"""The operator as one process: reflectors keep the caches, the caches' changes wake the concerns, one leader acts."""

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from jitgress.domain.clock import Clock
from jitgress.kube.client import KubeApi
from jitgress.kube.controller import Controller, ControllerMetrics, Reconcile
from jitgress.kube.errors import KubeError, NotFoundError
from jitgress.kube.events import EventRecorder
from jitgress.kube.lease import Elector
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    HTTP_ROUTES,
    INGRESSES,
    LEASES,
    SERVICES,
    Resource,
)
from jitgress.operator.caches import Caches
from jitgress.operator.exposure.reconcile import ExposureReconciler
from jitgress.operator.fence import FencedApi, FencedLedger
from jitgress.operator.grants.reconcile import GrantReconciler
from jitgress.operator.ports import Ledger, Prober
from jitgress.operator.requests.apply import RequestApplier
from jitgress.operator.requests.reconcile import RequestReconciler
from jitgress.operator.routes.reconcile import RouteReconciler
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.targets.reconcile import TargetReconciler
from jitgress.operator.waking import Concerns, Waker
from jitgress.operator.world import World

K = TypeVar("K", bound=Hashable)
_log = structlog.get_logger()
_RESOURCES: Final = {
    "requests": ACCESS_REQUESTS,
    "reviews": ACCESS_REVIEWS,
    "targets": ACCESS_TARGETS,
    "policies": ACCESS_POLICIES,
    "grants": ACCESS_GRANTS,
    "services": SERVICES,
    "leases": LEASES,
}
_ROUTES: Final = {"ingresses": INGRESSES, "http_routes": HTTP_ROUTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What the operator is made of. `run` follows the cluster at once and acts while `elector` leads."""

    api: KubeApi
    ledger: Ledger
    prober: Prober
    clock: Clock
    settings: OperatorSettings
    elector: Elector
    metrics: ControllerMetrics

    async def run(self) -> None:
        """Run until cancelled."""
        reflectors = await self._reflectors()
        async with asyncio.TaskGroup() as tasks:
            for reflector in reflectors.values():
                tasks.create_task(reflector.run())
            # Nothing is decided on half a picture: an empty list of policies denies, a missing target closes.
            for reflector in reflectors.values():
                await reflector.synced.wait()
            _log.info("operator_synced", resources=len(reflectors))
            await self.elector.lead(lambda: self._act(reflectors))

    async def _act(self, reflectors: dict[str, Reflector]) -> None:
        """Reconcile everything, then what changes, until cancelled."""
        concerns = self._concerns(_caches(reflectors))
        waker = Waker(concerns, _caches(reflectors), self.settings)
        unsubscribe = [reflector.subscribe(waker.subscriber(name)) for name, reflector in reflectors.items()]
        try:
            waker.wake_all()
            async with asyncio.TaskGroup() as tasks:
                for run in concerns.runs():
                    tasks.create_task(run())
        finally:
            for forget in unsubscribe:
                forget()

    def _concerns(self, caches: Caches) -> Concerns:
        api = FencedApi(self.api, self.elector.may_act)
        ledger = FencedLedger(self.ledger, self.elector.may_act)
        world = World(api=api, caches=caches, ledger=ledger, settings=self.settings, clock=self.clock)
        applier = RequestApplier(world, EventRecorder(api, self.clock))
        requests = self._controller("requests", RequestReconciler(world, applier).reconcile)
        exposure = ExposureReconciler(world, self.prober, poke=requests.add)
        return Concerns(
            requests=requests,
            targets=self._controller("targets", TargetReconciler(world).reconcile),
            grants=self._controller("grants", GrantReconciler(world).reconcile),
            routes=self._controller("routes", RouteReconciler(world).reconcile),
            exposure=self._controller("exposure", exposure.reconcile),
        )

    async def _reflectors(self) -> dict[str, Reflector]:
        """Return one reflector a resource; route kinds that the cluster doesn't serve are left out."""
        served = {name: resource for name, resource in _ROUTES.items() if await self._is_served(resource)}
        return {
            name: Reflector(self.api, resource, self.clock, namespace=self._namespace_of(resource))
            for name, resource in (_RESOURCES | served).items()
        }

    def _namespace_of(self, resource: Resource) -> str | None:
        return self.settings.namespace if resource in {ACCESS_GRANTS, LEASES} else None

    async def _is_served(self, resource: Resource) -> bool:
        """Ask until there is an answer: an API server that can't be reached says nothing about what it serves."""
        while True:
            try:
                await self.api.list_page(resource, None, limit=1, next_page=None)
            except NotFoundError:
                return False
            except KubeError as error:
                _log.warning("api_not_reached", resource=resource.plural, error=error.message)
                await asyncio.sleep(1)
            else:
                return True

    def _controller(self, name: str, reconcile: Reconcile[K]) -> Controller[K]:
        return Controller(
            name,
            reconcile,
            self.clock,
            self.metrics,
            workers=self.settings.workers,
            may_act=self.elector.may_act,
        )


def _caches(reflectors: Mapping[str, Reflector]) -> Caches:
    return Caches(
        requests=reflectors["requests"],
        reviews=reflectors["reviews"],
        targets=reflectors["targets"],
        policies=reflectors["policies"],
        grants=reflectors["grants"],
        services=reflectors["services"],
        leases=reflectors["leases"],
        ingresses=reflectors.get("ingresses"),
        http_routes=reflectors.get("http_routes"),
    )
