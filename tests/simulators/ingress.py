"""What a stranger sees: an ingress that serves the routes which exist, and a gate behind it that knows some grants."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.crds.values import grant_value
from jitgress.domain.clock import Clock
from jitgress.domain.grant import Grant
from jitgress.domain.host import Host
from jitgress.domain.scope import PathPrefix
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_GRANTS, HTTP_ROUTES, INGRESSES, LEASES
from jitgress.operator.ports import Probe, Sighting
from tests.simulators.kube_api import SimulatedApi

GATE: Final = "jitgress-gate"
STALENESS: Final = timedelta(seconds=30)


@dataclass(slots=True)
class SimulatedGate:
    """Denies everything but a refusal at the hosts of the grants that it was last programmed with."""

    api: SimulatedApi
    clock: Clock
    name: str = "1"
    grants: tuple[Grant, ...] = ()
    renewed_at: datetime | None = None
    is_gone: bool = False
    _known: frozenset[tuple[str, int]] = frozenset()
    _due_s: float = 0.0

    async def programme(self) -> None:
        """Take over the grants that there are now, and say so in the gate's Lease."""
        page = await self.api.list_page(ACCESS_GRANTS, "jitgress-system", limit=500, next_page=None)
        self.grants = tuple(map(grant_value, page.items))
        self._known = self._stored()
        self.renewed_at = self.clock.now()
        self._due_s = self.clock.monotonic() + STALENESS.total_seconds() / 6
        await self.api.apply(LEASES, gate_lease(page.resource_version, self.renewed_at, self.name))

    async def follow(self, every_s: float) -> None:
        """Take over what changes, and renew the Lease, until cancelled or until `is_gone`."""
        while not self.is_gone:
            is_due = self.clock.monotonic() >= self._due_s
            if is_due or self.renewed_at is None or self._stored() != self._known:
                await self.programme()
            await asyncio.sleep(every_s)

    async def vanish(self) -> None:
        """Go for good, with the Lease."""
        self.is_gone = True
        self.renewed_at = None
        try:
            await self.api.delete(LEASES, f"{GATE}-{self.name}", "jitgress-system")
        except NotFoundError:
            return

    def _stored(self) -> frozenset[tuple[str, int]]:
        """Return the grants that there are, each with the number of its spec."""
        found = self.api.versions.objects.items()
        return frozenset(
            (key.name, each["metadata"]["generation"]) for key, each in found if key.resource is ACCESS_GRANTS
        )

    def answer(self, host: Host) -> Sighting:
        """Return what somebody without a credential gets."""
        now = self.clock.now()
        if self.renewed_at is None:
            return Sighting.UNREACHABLE
        if now >= self.renewed_at + STALENESS:
            return Sighting.DENIED
        is_open = any(grant.host == host and grant.window.contains(now) for grant in self.grants)
        return Sighting.REFUSED if is_open else Sighting.DENIED


@dataclass(frozen=True, slots=True)
class Look:
    """One probe that was answered."""

    host: str
    path: str
    sighting: Sighting
    at: datetime


@dataclass(slots=True)
class SimulatedIngress:
    """A `Prober`. Every look is remembered."""

    api: SimulatedApi
    clock: Clock
    gate: SimulatedGate
    looks: list[Look] = field(default_factory=list)

    async def probe(self, host: Host, path: PathPrefix) -> Probe:
        seen = self._sighting(host, path)
        look = Look(host, path, seen, self.clock.now())
        self.looks.append(look)
        return Probe(seen, look.at, seen.value)

    def _sighting(self, host: Host, path: str) -> Sighting:
        backends = {
            backend
            for key, found in self.api.versions.objects.items()
            if key.resource in (INGRESSES, HTTP_ROUTES)
            for named, prefix, backend in served(found)
            if named == host and (path + "/").startswith(prefix.rstrip("/") + "/")
        }
        if not backends:
            return Sighting.HIDDEN
        return self.gate.answer(host) if backends == {GATE} else Sighting.EXPOSED


def served(route: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Yield host, path prefix and Service of everything that a route of either kind serves."""
    spec = route["spec"]
    if route["kind"] == "Ingress":
        for rule in spec["rules"]:
            for path in rule["http"]["paths"]:
                yield rule["host"], path["path"], path["backend"]["service"]["name"]
        return
    for host in spec["hostnames"]:
        for rule in spec["rules"]:
            for match in rule["matches"]:
                for backend in rule["backendRefs"]:
                    yield host, match["path"]["value"], backend["name"]


def gate_lease(revision: str, renewed_at: datetime, name: str = "1") -> dict[str, Any]:
    """Return the Lease in which a gate says what it is programmed with."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": f"{GATE}-{name}",
            "namespace": "jitgress-system",
            "labels": {"jitgress.dev/component": "gate"},
            "annotations": {"jitgress.dev/programmed-resource-version": revision},
        },
        "spec": {"holderIdentity": name, "renewTime": renewed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    }
