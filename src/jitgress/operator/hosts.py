"""Which hosts a route object names, and whether it is one of ours."""

from collections.abc import Collection, Iterable
from typing import Final

from jitgress.domain.host import Host
from jitgress.operator.caches import Object
from jitgress.operator.settings import OperatorSettings

HOST_ANNOTATION: Final = "jitgress.dev/host"


def is_ours(route: Object, settings: OperatorSettings) -> bool:
    """Tell whether a route is one that the operator made."""
    metadata = route["metadata"]
    label = metadata.get("labels", {}).get("app.kubernetes.io/managed-by")
    return bool(metadata["namespace"] == settings.namespace and label == "jitgress")


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
