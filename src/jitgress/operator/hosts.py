"""Which hosts a route object names, and whether it is one of ours."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from jitgress.domain.host import Host
from jitgress.kube.resources import HTTP_ROUTES, INGRESSES, Resource
from jitgress.operator.caches import Cache, Caches, Object
from jitgress.operator.settings import OperatorSettings

HostsOf = Callable[[Object], Iterable[str]]
HOST_ANNOTATION: Final = "jitgress.dev/host"
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


def served_routes(caches: Caches) -> list[tuple[Resource, Cache, HostsOf]]:
    """Return every kind of route that the cluster serves, with its cache and how to read which hosts a route names."""
    kinds = (
        (INGRESSES, caches.ingresses, hosts_of_ingress),
        (HTTP_ROUTES, caches.http_routes, hosts_of_http_route),
    )
    return [(resource, cache, hosts_of) for resource, cache, hosts_of in kinds if cache is not None]


def foreign_route(host: Host, caches: Caches, settings: OperatorSettings) -> str | None:
    """Return somebody else's route (kind namespace/name) that publishes `host`, or None."""
    for resource, cache, hosts_of in served_routes(caches):
        for route in cache.values():
            if not is_ours(route, settings) and is_named(host, set(hosts_of(route))):
                return f"{resource.kind} {route['metadata']['namespace']}/{route['metadata']['name']}"
    return None


def hosts_of_ingress(route: Object) -> Iterable[str]:
    """Return the hosts that an Ingress names."""
    return {rule["host"].lower() for rule in route.get("spec", {}).get("rules") or () if "host" in rule}


def hosts_of_http_route(route: Object) -> Iterable[str]:
    """Return the hosts that an HTTPRoute names."""
    return {host.lower() for host in route.get("spec", {}).get("hostnames") or ()}


def is_named(host: str, named: Collection[str]) -> bool:
    """Tell whether `host` is among the `named` hosts, or covered by a wildcard there.

    A wildcard stands for one label or more: Ingress says one, HTTPRoute any number, so the wider reading is taken.
    """
    labels = host.split(".")
    return host in named or any(f"*.{'.'.join(labels[begin:])}" in named for begin in range(1, len(labels)))


def hosts_meant(route: Object, named: Iterable[str]) -> set[Host]:
    """Return the hosts that one of our routes is about: those `named`, and the one that it is annotated with.

    A route that names none, and so would answer for every host, is about the empty one.
    """
    annotated = route["metadata"].get("annotations", {}).get(HOST_ANNOTATION, "")
    return {Host(host) for host in {*named, annotated}}
