"""From the active grants of one host to the one route that it should have, or none.

Invariant 6: a route exists only while its host has an active grant, names the exact host and only the granted paths.
Invariant 12: the grants of a host form a union.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from jitgress.domain.grant import Grant
from jitgress.domain.host import Host
from jitgress.domain.scope import PathPrefix, covers
from jitgress.operator.hosts import HOST_ANNOTATION, route_name
from jitgress.operator.settings import OperatorSettings, RouteKind

GITOPS_ANNOTATIONS: Final[Mapping[str, str]] = {
    "argocd.argoproj.io/sync-options": "Prune=false",
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""What keeps Argo CD and Flux from pruning or adopting a route that is in no repository."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_MAX_LABEL: Final = 63
_MAX_MATCHES: Final = 64  # matches of one HTTPRoute rule; HTTPRoute v1 schema
_MAX_PATHS: Final[Mapping[RouteKind, int | None]] = {RouteKind.INGRESS: None, RouteKind.HTTP_ROUTE: 128}
"""Paths of one route: HTTPRoute v1 has a validation that takes no more than 128 matches in all of its rules."""
_DEFAULTS: Final = frozenset(
    {("group", ""), ("group", "gateway.networking.k8s.io"), ("kind", "Service"), ("kind", "Gateway"), ("weight", 1)}
)
"""What the API server adds to a route's spec by itself. Everything else that we didn't say was somebody's doing."""


@dataclass(frozen=True, slots=True)
class Sharer:
    """One AccessGrant object that keeps the host published."""

    grant: Grant
    uid: str


def desired_route(
    host: Host, sharers: Iterable[Sharer], settings: OperatorSettings, now: datetime
) -> dict[str, Any] | None:
    """Return the route object that `host` should have at `now`, or None."""
    active = (each for each in sharers if not each.grant.window.has_ended(now))
    published = _fitting(active, _MAX_PATHS[settings.route_kind])
    if not published:
        return None
    paths = _paths_of(published)
    route = _BUILDERS[settings.route_kind](host, paths, settings)
    route["metadata"] = {
        "name": route_name(host),
        "namespace": settings.namespace,
        "labels": {MANAGED_BY: "jitgress", "jitgress.dev/host": host[:_MAX_LABEL].rstrip(".-")},
        "annotations": {**GITOPS_ANNOTATIONS, HOST_ANNOTATION: host},
        "ownerReferences": [_owner(each) for each in sorted(published, key=lambda each: each.uid)],
    }
    return route


def _fitting(active: Iterable[Sharer], most: int | None) -> list[Sharer]:
    """Return the grants that one route has room for, the elder first.

    One that came when there was no more room opens nothing (its probe sees that), and disturbs none of the others.
    """
    chosen: list[Sharer] = []
    for each in sorted(active, key=lambda each: (each.grant.window.not_before, each.uid)):
        if most is None or len(_paths_of([*chosen, each])) <= most:
            chosen.append(each)
    return chosen


def _paths_of(sharers: Iterable[Sharer]) -> tuple[PathPrefix, ...]:
    return union_of_paths(path for each in sharers for path in each.grant.scope.paths)


def union_of_paths(paths: Iterable[PathPrefix]) -> tuple[PathPrefix, ...]:
    """Return the prefixes that none of the others covers, sorted."""
    every = set(paths)
    return tuple(sorted(path for path in every if not any(covers(other, path) for other in every - {path})))


def is_stray(route: Mapping[str, Any], meant: Iterable[Host]) -> bool:
    """Tell whether a route with our label has a name that we give to none of the hosts that it is about."""
    return route["metadata"]["name"] not in {route_name(host) for host in meant}


def is_in_place(desired: Mapping[str, Any], observed: Mapping[str, Any] | None) -> bool:
    """Tell whether all that we want stands in `observed`, and its spec says nothing else.

    Whatever somebody adds there could lead past the gate: a default backend, a filter that mirrors, another namespace.
    """
    if observed is None or not _holds(desired, observed):
        return False
    return _says_no_more(desired["spec"], observed["spec"])


def _holds(wanted: object, there: object) -> bool:
    if isinstance(wanted, Mapping):
        mine, theirs = cast("Mapping[str, object]", wanted), cast("Mapping[str, object]", there)
        return isinstance(there, Mapping) and all(key in theirs and _holds(mine[key], theirs[key]) for key in mine)
    if isinstance(wanted, list):
        ours, others = cast("list[object]", wanted), cast("list[object]", there)
        return isinstance(there, list) and len(ours) == len(others) and all(map(_holds, ours, others))
    return wanted == there


def _says_no_more(wanted: object, there: object) -> bool:
    """Tell whether `there`, which holds `wanted`, has nothing beyond it but defaults of the API server."""
    if isinstance(wanted, Mapping):
        mine, theirs = cast("Mapping[str, object]", wanted), cast("Mapping[str, object]", there)
        added = {key: value for key, value in theirs.items() if key not in mine and key != "ingressClassName"}
        return all(_is_default(key, value) for key, value in added.items()) and all(
            _says_no_more(mine[key], theirs[key]) for key in mine
        )
    if isinstance(wanted, list):
        return all(map(_says_no_more, cast("list[object]", wanted), cast("list[object]", there)))
    return True


def _is_default(key: str, value: object) -> bool:
    return isinstance(value, str | int) and (key, value) in _DEFAULTS


def _owner(sharer: Sharer) -> dict[str, Any]:
    return {
        "apiVersion": "jitgress.dev/v1alpha1",
        "kind": "AccessGrant",
        "name": sharer.grant.id,
        "uid": sharer.uid,
    }


def _ingress(host: Host, paths: Iterable[PathPrefix], settings: OperatorSettings) -> dict[str, Any]:
    backend = {"service": {"name": settings.gate_service, "port": {"number": settings.gate_port}}}
    spec: dict[str, Any] = {
        "rules": [
            {
                "host": host,
                "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend} for path in paths]},
            }
        ],
        "tls": [{"hosts": [host]}],
    }
    if settings.ingress_class is not None:
        spec["ingressClassName"] = settings.ingress_class
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": spec}


def _http_route(host: Host, paths: Iterable[PathPrefix], settings: OperatorSettings) -> dict[str, Any]:
    prefixes = list(paths)
    rules = [
        {
            "matches": [
                {"path": {"type": "PathPrefix", "value": path}} for path in prefixes[start : start + _MAX_MATCHES]
            ],
            "backendRefs": [{"name": settings.gate_service, "port": settings.gate_port}],
        }
        for start in range(0, len(prefixes), _MAX_MATCHES)
    ]
    spec: dict[str, Any] = {"hostnames": [host], "rules": rules}
    if settings.gateway is not None:
        parent = {"name": settings.gateway.name, "namespace": settings.gateway.namespace}
        if settings.gateway.section is not None:
            parent["sectionName"] = settings.gateway.section
        spec["parentRefs"] = [parent]
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "spec": spec}


_BUILDERS: Final[Mapping[RouteKind, Callable[[Host, Iterable[PathPrefix], OperatorSettings], dict[str, Any]]]] = {
    RouteKind.INGRESS: _ingress,
    RouteKind.HTTP_ROUTE: _http_route,
}
