"""The operator as one process: reflectors keep the caches, the caches' changes wake the concerns, one leader acts."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
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
from jitgress.operator.consults.consultant import Consultant, NoConsultant
from jitgress.operator.consults.decide import MOST_AT_ONCE
from jitgress.operator.consults.reconcile import ConsultReconciler
from jitgress.operator.exposure.reconcile import ExposureReconciler
from jitgress.operator.fence import FencedApi, FencedLedger
from jitgress.operator.grants.reconcile import GrantReconciler
from jitgress.operator.metrics import ReviewMetrics
from jitgress.operator.policies.reconcile import PolicyReconciler
from jitgress.operator.ports import Ledger, Notifier, Prober, SilentNotifier
from jitgress.operator.requests.apply import RequestApplier
from jitgress.operator.requests.question import open_question
from jitgress.operator.requests.reconcile import RequestReconciler
from jitgress.operator.retention.reconcile import RetentionReconciler
from jitgress.operator.routes.reconcile import RouteReconciler
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.settled import NOT_SETTLED
from jitgress.operator.settling.reconcile import SettlingReconciler
from jitgress.operator.targets.reconcile import TargetReconciler
from jitgress.operator.traits import TRAITS
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
    reviews: ReviewMetrics
    consultant: Consultant = field(default_factory=NoConsultant)
    notifier: Notifier = field(default_factory=SilentNotifier)
    grants: Reflector | None = None
    """The grants as somebody else in this process follows them already, with the traits of `TRAITS`."""
    on_synced: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Run until cancelled."""
        reflectors = await self._reflectors()
        async with asyncio.TaskGroup() as tasks:
            for reflector in reflectors.values():
                if reflector is not self.grants:
                    tasks.create_task(reflector.run())
            # Nothing is decided on half a picture: an empty list of policies denies, a missing target closes.
            for reflector in reflectors.values():
                await reflector.synced.wait()
            _log.info("operator_synced", resources=len(reflectors))
            self.on_synced()
            await self.elector.lead(lambda: self._act(reflectors))

    async def _act(self, reflectors: dict[str, Reflector]) -> None:
        """Reconcile everything, then what changes, until cancelled."""
        self.reviews.follow(_caches(reflectors), self.clock)
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
        requests = self._controller("requests", RequestReconciler(world, applier, self.notifier).reconcile)
        exposure = ExposureReconciler(world, self.prober, poke=requests.add)
        consults = ConsultReconciler(
            self.consultant,
            ledger,
            self.clock,
            open_question=partial(open_question, world=world),
            poke=requests.add,
        )
        return Concerns(
            requests=requests,
            targets=self._controller("targets", TargetReconciler(world).reconcile),
            policies=self._controller("policies", PolicyReconciler(world).reconcile),
            settling=self._controller("settling", SettlingReconciler(world).reconcile, workers=1),
            retention=self._controller("retention", RetentionReconciler(world).reconcile, workers=1),
            grants=self._controller("grants", GrantReconciler(world).reconcile),
            routes=self._controller("routes", RouteReconciler(world).reconcile),
            exposure=self._controller("exposure", exposure.reconcile),
            consults=self._controller("consults", consults.reconcile, workers=self._consult_workers),
        )

    async def _reflectors(self) -> dict[str, Reflector]:
        """Return one reflector a resource; route kinds that the cluster doesn't serve are left out."""
        served = {name: resource for name, resource in _ROUTES.items() if await self._is_served(resource)}
        reflectors = {name: self._reflector(name, resource) for name, resource in (_RESOURCES | served).items()}
        return reflectors if self.grants is None else reflectors | {"grants": self.grants}

    def _reflector(self, name: str, resource: Resource) -> Reflector:
        return Reflector(
            self.api,
            resource,
            self.clock,
            namespace=self._namespace_of(resource),
            selector=NOT_SETTLED if resource is ACCESS_REQUESTS else None,
            traits=TRAITS.get(name, ()),
        )

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

    @property
    def _consult_workers(self) -> int:
        """Enough for every webhook to be slow at the same time; they spend it waiting."""
        return MOST_AT_ONCE * max(1, len(self.consultant.webhooks))

    def _controller(self, name: str, reconcile: Reconcile[K], *, workers: int | None = None) -> Controller[K]:
        return Controller(
            name,
            reconcile,
            self.clock,
            self.metrics,
            workers=workers or self.settings.workers,
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
