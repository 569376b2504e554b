"""What the operator looks objects up by. Each trait is an index of a cache: nothing is searched for among thousands.

Objects are as the API server stored them; one that lacks a field has no such trait.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from jitgress.kube.store import Trait
from jitgress.operator.conditions import find_condition

Object = Mapping[str, Any]
HOST_ANNOTATION: Final = "jitgress.dev/host"
YES: Final = "yes"
"""The value of a trait that an object has or hasn't."""


def uid(found: Object) -> Iterable[str]:
    """Return an object's own UID."""
    return (found["metadata"]["uid"],)


def spec_host(found: Object) -> Iterable[str]:
    """Return the host of a target or a grant."""
    return _texts(found, "spec", "host")


def host_or_wildcards(target: Object) -> Iterable[str]:
    """Return each name under which a route would publish a target's host."""
    return [name for host in spec_host(target) for name in covering(host)]


def service(target: Object) -> Iterable[str]:
    """Return the Service of a target, as namespace/name."""
    return _beside(target, _texts(target, "spec", "service", "name"))


def requester(request: Object) -> Iterable[str]:
    """Return who made a request."""
    return _texts(request, "spec", "requester", "username")


def identity(request: Object) -> Iterable[str]:
    """Return who made a request, with the groups that they stated: one text for both."""
    groups = _mapping(_mapping(request.get("spec")).get("requester")).get("groups", [])
    return [identity_of(username, groups) for username in requester(request)]


def identity_of(username: str, groups: object) -> str:
    """Return what `identity` says of these. The order of the groups means nothing, and each counts once."""
    stated = cast("Collection[object]", groups) if isinstance(groups, (list, frozenset)) else (groups,)
    return repr([username, *sorted({repr(group) for group in stated})])


def open_for(request: Object) -> Iterable[str]:
    """Return the target (namespace/name) of a request that isn't closed."""
    return _beside(request, _texts(request, "spec", "target")) if _is_open(request) else ()


def is_open(request: Object) -> Iterable[str]:
    """Tell whether a request isn't closed."""
    return (YES,) if _is_open(request) else ()


def extended(request: Object) -> Iterable[str]:
    """Return the UID of the request that this one extends."""
    return _texts(request, "spec", "extends", "uid")


def host_to_hide(request: Object) -> Iterable[str]:
    """Return the host of a closed request that was opened and hasn't been seen hidden since."""
    status: Object = request.get("status") or {}
    if _is_open(request) or "grant" not in status or "hiddenAt" in status:
        return ()
    host = urlsplit(str(status.get("url", ""))).hostname
    return (host,) if host else ()


def reviewed(review: Object) -> Iterable[str]:
    """Return the UID of the request that a review is about."""
    return _texts(review, "spec", "request", "uid")


def subject(grant: Object) -> Iterable[str]:
    """Return whom a grant is for."""
    return _texts(grant, "spec", "subject", "username")


def granted_target(grant: Object) -> Iterable[str]:
    """Return the target of a grant, as namespace/name."""
    return [
        f"{namespace}/{name}"
        for namespace in _texts(grant, "spec", "target", "namespace")
        for name in _texts(grant, "spec", "target", "name")
    ]


def waits_for_look(grant: Object) -> Iterable[str]:
    """Tell whether a grant wasn't probed yet."""
    return (YES,) if find_condition(grant.get("status", {}), "Probed") is None else ()


def hosts_of_ingress(route: Object) -> Collection[str]:
    """Return the hosts that an Ingress names."""
    return {rule["host"].lower() for rule in route.get("spec", {}).get("rules") or () if "host" in rule}


def hosts_of_http_route(route: Object) -> Collection[str]:
    """Return the hosts that an HTTPRoute names."""
    return {host.lower() for host in route.get("spec", {}).get("hostnames") or ()}


def meant_by_ingress(route: Object) -> Collection[str]:
    """Return the hosts that an Ingress of ours would be about: those that it names, and the annotated one."""
    return {*hosts_of_ingress(route), annotated_host(route)}


def meant_by_http_route(route: Object) -> Collection[str]:
    """Return the hosts that an HTTPRoute of ours would be about."""
    return {*hosts_of_http_route(route), annotated_host(route)}


def annotated_host(route: Object) -> str:
    """Return the host that one of our routes says it is for, or the empty one, which answers for every host."""
    return str(route["metadata"].get("annotations", {}).get(HOST_ANNOTATION, ""))


def covering(host: str) -> list[str]:
    """Return every name under which a route publishes `host`: its own, and each wildcard that covers it.

    A wildcard stands for one label or more: Ingress says one, HTTPRoute any number, so the wider reading is taken.
    """
    labels = host.split(".")
    return [host, *(f"*.{'.'.join(labels[begin:])}" for begin in range(1, len(labels)))]


TRAITS: Final[Mapping[str, tuple[Trait, ...]]] = {
    "requests": (uid, requester, identity, open_for, is_open, extended, host_to_hide),
    "reviews": (reviewed,),
    "targets": (spec_host, host_or_wildcards, service),
    "grants": (spec_host, subject, granted_target, waits_for_look),
    "ingresses": (hosts_of_ingress, meant_by_ingress),
    "http_routes": (hosts_of_http_route, meant_by_http_route),
}
"""The indexes of each cache, by its name in `Caches`."""


def _is_open(request: Object) -> bool:
    return find_condition(request.get("status", {}), "Closed") is None


def _texts(found: Object, *path: str) -> Iterable[str]:
    """Return the text at a path, if there is one."""
    *way, last = path
    place: Any = found
    for key in way:
        place = _mapping(place.get(key))
    value = place.get(last)
    return (value,) if isinstance(value, str) else ()


def _mapping(value: Any) -> Object:
    """Return `value` where it is a mapping, and an empty one otherwise."""
    kind = cast("type[object]", type(value))
    return value if kind is dict else {}


def _beside(found: Object, names: Iterable[str]) -> Iterable[str]:
    """Return what is called so in the object's own namespace."""
    return [f"{found['metadata']['namespace']}/{name}" for name in names]
