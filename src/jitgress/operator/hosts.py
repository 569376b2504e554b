"""Which hosts a route object names, and whether it is one of ours."""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from jitgress.domain.host import Host
from jitgress.kube.resources import HTTP_ROUTES, INGRESSES, Resource
from jitgress.kube.store import Trait
from jitgress.operator.caches import Cache, Caches, Object
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.traits import (
    HOST_ANNOTATION,
    annotated_host,
    covering,
    hosts_of_http_route,
    hosts_of_ingress,
    meant_by_http_route,
    meant_by_ingress,
)

__all__ = [
    "HOST_ANNOTATION",
    "Routes",
    "foreign_route",
    "hosts_meant",
    "hosts_of_http_route",
    "hosts_of_ingress",
    "is_named",
    "is_ours",
    "route_name",
    "served_routes",
]

_LONGEST_SLUG: Final = 40
_HASH_DIGITS: Final = 12  # with the slug 62 characters at most; too many to find a second host by trying


def is_ours(route: Object, settings: OperatorSettings) -> bool:
    """Tell whether a route is one that the operator made: by its label, or by a name that it gives."""
    metadata = route["metadata"]
    if metadata["namespace"] != settings.namespace:
        return False
    if metadata.get("labels", {}).get("app.kubernetes.io/managed-by") == "jitgress":
        return True
    meant = hosts_meant(route, {*hosts_of_ingress(route), *hosts_of_http_route(route)})
    return metadata["name"] in {route_name(host) for host in meant}


def route_name(host: Host) -> str:
    """Return the name of the host's route: readable, and unique through a hash of the host."""
    slug = re.sub(r"[^a-z0-9-]", "-", host)[:_LONGEST_SLUG].strip("-")
    return f"jitgress-{slug}-{hashlib.sha256(host.encode()).hexdigest()[:_HASH_DIGITS]}"


@dataclass(frozen=True, slots=True)
class Routes:
    """One kind of route that the cluster serves: which hosts one of them names, and is about if it is ours."""

    resource: Resource
    cache: Cache
    hosts_of: Trait
    meant_by: Trait


def served_routes(caches: Caches) -> list[Routes]:
    """Return every kind of route that the cluster serves."""
    kinds = (
        (INGRESSES, caches.ingresses, hosts_of_ingress, meant_by_ingress),
        (HTTP_ROUTES, caches.http_routes, hosts_of_http_route, meant_by_http_route),
    )
    return [Routes(resource, cache, hosts_of, meant) for resource, cache, hosts_of, meant in kinds if cache is not None]


def foreign_route(host: Host, caches: Caches, settings: OperatorSettings) -> str | None:
    """Return somebody else's route (kind namespace/name) that publishes `host`, or None."""
    for kind in served_routes(caches):
        for name in covering(host):
            for route in kind.cache.where(kind.hosts_of, name):
                if not is_ours(route, settings):
                    return f"{kind.resource.kind} {route['metadata']['namespace']}/{route['metadata']['name']}"
    return None


def is_named(host: str, named: Collection[str]) -> bool:
    """Tell whether `host` is among the `named` hosts, or covered by a wildcard there."""
    return any(name in named for name in covering(host))


def hosts_meant(route: Object, named: Iterable[str]) -> set[Host]:
    """Return the hosts that one of our routes is about: those `named`, and the one that it is annotated with.

    A route that names none, and so would answer for every host, is about the empty one.
    """
    return {Host(host) for host in {*named, annotated_host(route)}}
