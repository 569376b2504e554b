"""Concerns that don't work, but remember which keys were to be worked on."""

from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import TypeVar

from prometheus_client import CollectorRegistry

from jitgress.domain.host import Host
from jitgress.kube.controller import Controller, ControllerMetrics
from jitgress.operator.waking import Concerns
from tests.simulators.clock import HandClock

K = TypeVar("K", bound=Hashable)


class WokenController(Controller[K]):
    """`woken` are the keys that were added, `patient` those of them that nothing else has to wait for."""

    def __init__(self, name: str, metrics: ControllerMetrics) -> None:
        super().__init__(name, _nothing, HandClock(), metrics, workers=1)
        self.woken: set[K] = set()
        self.patient: set[K] = set()

    def add(self, key: K) -> None:
        self.woken.add(key)
        self.patient.discard(key)

    def add_patiently(self, key: K) -> None:
        if key not in self.woken:
            self.woken.add(key)
            self.patient.add(key)


async def _nothing(_key: object) -> datetime | None:
    return None


class Woken:
    """Every concern of the operator."""

    def __init__(self) -> None:
        metrics = ControllerMetrics(CollectorRegistry())
        self.requests = WokenController[tuple[str, str]]("requests", metrics)
        self.targets = WokenController[tuple[str, str]]("targets", metrics)
        self.grants = WokenController[str]("grants", metrics)
        self.routes = WokenController[Host]("routes", metrics)
        self.exposure = WokenController[tuple[str, str]]("exposure", metrics)
        self.consults = WokenController[tuple[str, str]]("consults", metrics)
        self.policies = WokenController[str]("policies", metrics)
        self.retention = WokenController[str]("retention", metrics)
        self.settling = WokenController[str]("settling", metrics)

    @property
    def concerns(self) -> Concerns:
        return Concerns(
            requests=self.requests,
            targets=self.targets,
            grants=self.grants,
            routes=self.routes,
            exposure=self.exposure,
            consults=self.consults,
            policies=self.policies,
            retention=self.retention,
            settling=self.settling,
        )

    def told(self) -> dict[str, set[str]]:
        """Return what was woken by concern, as texts; a concern that sleeps is left out."""
        concerns: dict[str, Iterable[str | tuple[str, str]]] = {
            "requests": self.requests.woken,
            "targets": self.targets.woken,
            "grants": self.grants.woken,
            "routes": self.routes.woken,
            "exposure": self.exposure.woken,
            "consults": self.consults.woken,
            "policies": self.policies.woken,
            "retention": self.retention.woken,
            "settling": self.settling.woken,
        }
        return {name: {_text(key) for key in keys} for name, keys in concerns.items() if keys}


def _text(key: str | tuple[str, str]) -> str:
    return "/".join(key) if isinstance(key, tuple) else key
