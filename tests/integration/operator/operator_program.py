"""The real operator as a process of its own, with a short Lease, that keeps a journal of all that it writes.

`stop_after` names an event: once it is recorded, the process stops itself as SIGSTOP does, before it does what follows.
"""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from jitgress.audit.grouped import GroupedLedger, grouped
from jitgress.audit.ledger import Ledger
from jitgress.cli.process import until_told
from jitgress.domain.clock import SystemClock
from jitgress.domain.event import Event
from jitgress.kube.client import FIELD_MANAGER, KubeClient, Object
from jitgress.kube.controller import ControllerMetrics
from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.kube.resources import Resource
from jitgress.operator.exposure.probe import IngressProber
from jitgress.operator.metrics import ReviewMetrics
from jitgress.operator.run import Operator
from jitgress.operator.settings import OperatorSettings

SYSTEM: Final = "jitgress-system"
LEASE: Final = "jitgress-operator"
DURATION: Final = timedelta(seconds=2)
RENEW_DEADLINE: Final = timedelta(seconds=1.5)
RETRY: Final = timedelta(seconds=0.3)


class JournallingClient(KubeClient):
    """Writes down every change before it is sent."""

    journal: Path

    def tell(self, verb: str, resource: Resource, name: str) -> None:
        with self.journal.open("a") as lines:
            lines.write(f"{verb} {resource.plural} {name}\n")

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        self.tell("create", resource, body["metadata"]["name"])
        return await super().create(resource, body, namespace)

    async def replace(self, resource: Resource, body: Object) -> Object:
        self.tell("replace", resource, body["metadata"]["name"])
        return await super().replace(resource, body)

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        self.tell("apply", resource, body["metadata"]["name"])
        return await super().apply(resource, body, force=force)

    async def apply_status(
        self, resource: Resource, name: str, namespace: str | None, status: Object, *, manager: str = FIELD_MANAGER
    ) -> Object:
        self.tell("apply_status", resource, name)
        return await super().apply_status(resource, name, namespace, status, manager=manager)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        self.tell("delete", resource, name)
        await super().delete(resource, name, namespace, uid=uid)


@dataclass(slots=True)
class StoppingLedger:
    """The operator's port `Ledger`. It stops the process once, at the first event that it should stop after."""

    ledger: GroupedLedger
    journal: Path
    stop_after: str

    async def append(self, event: Event) -> Event:
        recorded = await self.ledger.append(event)
        with self.journal.open("a") as lines:
            lines.write(f"record {event.code}\n")
        if event.code == self.stop_after:
            self.stop_after = ""
            os.kill(os.getpid(), signal.SIGSTOP)
        return recorded

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        return await self.ledger.history(request_uid)


async def run(folder: Path, kubeconfig: Path, ingress_url: str, name: str, stop_after: str) -> None:
    clock = SystemClock()
    journal = folder / f"{name}.journal"
    ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
    prober = IngressProber(clock, ingress_url, ssl.create_default_context())
    async with JournallingClient.connect(kubeconfig) as api, grouped(ledger) as shared:
        api.journal = journal
        terms = LeaseSettings(
            name=LEASE, namespace=SYSTEM, identity=name, duration=DURATION, renew_deadline=RENEW_DEADLINE, retry=RETRY
        )
        operator = Operator(
            api=api,
            ledger=StoppingLedger(shared, journal, stop_after),
            prober=prober,
            clock=clock,
            settings=OperatorSettings(),
            elector=Elector(api, terms, clock),
            metrics=ControllerMetrics(CollectorRegistry()),
            reviews=ReviewMetrics(CollectorRegistry()),
        )
        await until_told([operator.run()])


def command(folder: Path, kubeconfig: Path, ingress_url: str, name: str, stop_after: str) -> Iterable[str]:
    """Return what starts this program."""
    return (sys.executable, __file__, str(folder), str(kubeconfig), ingress_url, name, stop_after)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
