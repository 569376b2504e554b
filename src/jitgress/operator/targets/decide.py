"""Whether a target is Ready: named checks in order, each answers with why not.

The addresses that pass here are the only ones that a gate ever connects to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import Host
from jitgress.domain.target import NotReady, Ready

HTTP_PROTOCOLS: Final = frozenset({None, "", "http", "HTTP", "kubernetes.io/http"})
"""Values of a Service port's appProtocol that mean plain HTTP/1.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One AccessTarget with all that its readiness hangs on. `spec_error` says why its spec can't be understood."""

    name: str
    host: Host | None
    spec_error: str | None
    service_name: str
    port: int | str
    service: Mapping[str, Any] | None
    elder: str | None
    """The target (namespace/name) that took the same host before."""
    foreign_route: str | None
    """Somebody else's Ingress or HTTPRoute (kind namespace/name) for the same host."""


Check = Callable[[Facts], NotReady | None]


def spec_is_understood(facts: Facts) -> NotReady | None:
    """A target whose host or scope can't be parsed opens nothing."""
    return NotReady("InvalidSpec", facts.spec_error) if facts.spec_error else None


def service_exists(facts: Facts) -> NotReady | None:
    """The Service is in the target's own namespace."""
    if facts.service is not None:
        return None
    return NotReady("ServiceNotFound", f"there is no Service {facts.service_name} in this namespace; create it first")


def service_is_inside(facts: Facts) -> NotReady | None:
    """An ExternalName points anywhere, also outside the cluster."""
    if _service_type(facts) != "ExternalName":
        return None
    return NotReady(
        "ExternalName", f"Service {facts.service_name} is of type ExternalName; name a Service with endpoints in here"
    )


def service_has_cluster_ip(facts: Facts) -> NotReady | None:
    """The gate connects to one stable address."""
    if _cluster_ip(facts) not in {None, "", "None"}:
        return None
    return NotReady("NoClusterIP", f"Service {facts.service_name} has no cluster IP; headless Services can't be opened")


def port_exists(facts: Facts) -> NotReady | None:
    """The port is one of the Service's, by number or name."""
    if _service_port(facts) is not None:
        return None
    return NotReady("PortNotFound", f"Service {facts.service_name} has no TCP port {facts.port}")


def protocol_is_http(facts: Facts) -> NotReady | None:
    """The gate speaks plain HTTP/1.1 to targets."""
    port = _service_port(facts) or {}
    protocol = port.get("appProtocol")
    if protocol in HTTP_PROTOCOLS:
        return None
    return NotReady("UnsupportedProtocol", f"port {facts.port} says appProtocol {protocol}; only http can be opened")


def host_is_free(facts: Facts) -> NotReady | None:
    """One host is one target: the elder keeps it."""
    if facts.elder is None:
        return None
    return NotReady("HostTaken", f"host {facts.host} belongs to target {facts.elder}; choose another one")


def host_is_hidden(facts: Facts) -> NotReady | None:
    """A host which somebody's own route publishes is open already: opening it through the gate would prove nothing.

    A wildcard that covers the host counts, because the host would never be seen hidden again. A route for every host
    doesn't: it is what answers where nothing is, often with 404, and what it answers is seen by the probes.
    """
    if facts.foreign_route is None:
        return None
    return NotReady("HostExposed", f"host {facts.host} is published by {facts.foreign_route}; remove that route first")


CHECKS: Final[tuple[Check, ...]] = (
    spec_is_understood,
    service_exists,
    service_is_inside,
    service_has_cluster_ip,
    port_exists,
    protocol_is_http,
    host_is_free,
    host_is_hidden,
)


def readiness(facts: Facts) -> Ready | NotReady:
    """Return Ready with the address, or the first objection."""
    for check in CHECKS:
        objection = check(facts)
        if objection is not None:
            return objection
    return Ready(address(facts))


def address(facts: Facts) -> str:
    """Return IP:port of the Service; IPv6 in brackets. Raises `InvalidValueError` where there is none."""
    port, ip = _service_port(facts), _cluster_ip(facts)
    if port is None or not ip:
        raise InvalidValueError(f"Service {facts.service_name} has no address", remedy="Give it a cluster IP.")
    return f"[{ip}]:{port['port']}" if ":" in ip else f"{ip}:{port['port']}"


def _spec(facts: Facts) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = (facts.service or {}).get("spec", {})
    return spec


def _service_type(facts: Facts) -> str:
    return str(_spec(facts).get("type", "ClusterIP"))


def _cluster_ip(facts: Facts) -> str | None:
    return _spec(facts).get("clusterIP")


def _service_port(facts: Facts) -> Mapping[str, Any] | None:
    ports: list[Mapping[str, Any]] = _spec(facts).get("ports", [])
    return next(
        (
            port
            for port in ports
            if port.get("protocol", "TCP") == "TCP" and facts.port in {port.get("port"), port.get("name")}
        ),
        None,
    )
