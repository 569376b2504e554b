"""The real operator over the simulated world: as a process that can be stopped, or killed between any two calls."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import CollectorRegistry

from jitgress.domain.clock import Clock
from jitgress.domain.event import Event
from jitgress.kube.controller import ControllerMetrics
from jitgress.kube.errors import UnreachableError
from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.operator.consults.consultant import Consultant, NoConsultant
from jitgress.operator.metrics import ReviewMetrics
from jitgress.operator.ports import Notifier, Prober, SilentNotifier
from jitgress.operator.run import Operator
from jitgress.operator.settings import OperatorSettings
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.ledger import SimulatedLedger


class KilledError(Exception):
    """The process is dead: nothing that it does reaches anybody."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong with one process, counted down over the calls that it makes."""

    calls_to_live: int | None = None
    calls_until_outage: int | None = None
    is_dead: bool = False

    def live_through(self) -> None:
        """Take part in a call of any kind: raise if the process is dead by now."""
        if self.calls_to_live is not None:
            self.calls_to_live -= 1
            self.is_dead = self.is_dead or self.calls_to_live < 0
        if self.is_dead:
            raise KilledError

    def get_through(self) -> None:
        """Take part in a call of the API server: raise if it doesn't get through."""
        self.live_through()
        if self.calls_until_outage is not None:
            self.calls_until_outage -= 1
            if self.calls_until_outage < 0:
                self.calls_until_outage = None
                raise UnreachableError("the API server gave no answer")


@dataclass(slots=True, kw_only=True)
class OperatorProcess:
    """Start it, then let the loop run. `see_call` and `see_event` are told of what gets through, before it does."""

    api: SimulatedApi
    ledger: SimulatedLedger
    prober: Prober
    clock: Clock
    name: str
    settings: OperatorSettings = field(default_factory=OperatorSettings)
    consultant: Consultant = field(default_factory=NoConsultant)
    notifier: Notifier = field(default_factory=SilentNotifier)
    see_call: Callable[[Call], None] = lambda _: None
    see_event: Callable[[Event], None] = lambda _: None
    faults: Faults = field(default_factory=Faults)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        api = self.api.for_caller(self._before_call)
        operator = Operator(
            api=api,
            ledger=self.ledger.for_caller(self._before_append),
            prober=self.prober,
            clock=self.clock,
            settings=self.settings,
            elector=Elector(api, _lease(self.name), self.clock),
            metrics=ControllerMetrics(CollectorRegistry()),
            reviews=ReviewMetrics(CollectorRegistry()),
            consultant=self.consultant,
            notifier=self.notifier,
        )
        self._task = asyncio.get_running_loop().create_task(operator.run())

    async def stop(self) -> None:
        """Tell it to stop, and wait until it has; a dead one just goes."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, KilledError, BaseExceptionGroup):
                await self._task
            self._task = None

    async def kill(self) -> None:
        """End it at once: not even its Lease is given up."""
        self.faults.is_dead = True
        await self.stop()

    def _before_call(self, call: Call) -> None:
        self.faults.get_through()
        self.see_call(call)

    def _before_append(self, event: Event) -> None:
        self.faults.live_through()
        self.see_event(event)


def _lease(identity: str) -> LeaseSettings:
    """Return terms so short that a successor takes over in seconds."""
    return LeaseSettings(
        name="jitgress-operator",
        namespace="jitgress-system",
        identity=identity,
        duration=timedelta(seconds=3),
        renew_deadline=timedelta(seconds=2),
        retry=timedelta(seconds=1),
    )
