"""What a platform engineer chooses for the operator."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

RETENTION: Final = timedelta(days=30)
"""Long enough for a monthly review of access with kubectl alone; the ledger has all of it for longer."""


class RouteKind(StrEnum):
    """Through which API hosts are published."""

    INGRESS = "Ingress"
    HTTP_ROUTE = "HTTPRoute"


@dataclass(frozen=True, slots=True)
class GatewayRef:
    """The Gateway (gateway.networking.k8s.io/v1) that HTTPRoutes attach to."""

    namespace: str
    name: str
    section: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """`url_port` is None where the ingress answers on 443. `staleness` is invariant 3's, as the gates have it."""

    namespace: str = "jitgress-system"
    route_kind: RouteKind = RouteKind.INGRESS
    ingress_class: str | None = None
    gateway: GatewayRef | None = None
    gate_service: str = "jitgress-gate"
    gate_port: int = 8080
    url_port: int | None = None
    staleness: timedelta = timedelta(seconds=30)
    probe_timeout: timedelta = timedelta(seconds=60)
    """Seen from the grant's creation: a host that wasn't seen refusing strangers by then is closed again, as Failed."""
    retention: timedelta = RETENTION
    """How long closed requests stay in the cluster. Not less than a day, in which they count as asked."""
    workers: int = 8
    approval_webhooks: frozenset[str] = frozenset()
    """The names by which policies may call external approval systems."""

    def url(self, host: str) -> str:
        """Return the address at which people find `host`."""
        return f"https://{host}" if self.url_port in {None, 443} else f"https://{host}:{self.url_port}"
