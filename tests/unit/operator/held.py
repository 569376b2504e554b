"""What the operator's caches hold, without an API server: objects as they would be stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jitgress.kube.store import Trait
from jitgress.operator.caches import Caches, Key, Object, key_of


@dataclass(slots=True)
class HeldCache:
    """A `Cache` in a test's hand."""

    objects: dict[Key, Object] = field(default_factory=dict)

    def get(self, namespace: str | None, name: str) -> Object | None:
        return self.objects.get((namespace or "", name))

    def values(self) -> Iterable[Object]:
        return tuple(self.objects.values())

    def where(self, trait: Trait, value: str) -> Iterable[Object]:
        """Search for what a real cache has an index of."""
        return tuple(each for each in self.objects.values() if value in set(trait(each)))

    def count(self, trait: Trait, value: str) -> int:
        return sum(value in set(trait(each)) for each in self.objects.values())

    def put(self, found: Object) -> None:
        self.objects[key_of(found)] = found


def holding(found: Iterable[Object] = ()) -> HeldCache:
    cache = HeldCache()
    for each in found:
        cache.put(each)
    return cache


def some_caches(**objects: Iterable[Object]) -> Caches:
    """Return caches that hold `objects`, by the names of the fields of `Caches`."""
    names = ("requests", "reviews", "targets", "policies", "grants", "services", "ingresses", "http_routes", "leases")
    return Caches(**{name: holding(objects.get(name, ())) for name in names})


def stored(
    found: Mapping[str, Any],
    *,
    uid: str | None = None,
    created: str = "2026-01-01T10:00:00Z",
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Return an object that somebody sent as the API server would store it."""
    own = {"uid": uid or f"uid-of-{found['metadata']['name']}", "creationTimestamp": created, "resourceVersion": "7"}
    body = {**found, "metadata": {"generation": 1, **found["metadata"], **own, **metadata}}
    return body if status is None else {**body, "status": status}


def an_ingress(*hosts: str, name: str = "own", namespace: str = "shop", **metadata: Any) -> dict[str, Any]:
    """Return an Ingress, somebody's unless it is labelled as ours."""
    backend = {"service": {"name": "orders", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", **metadata},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}} for host in hosts]},
    }


def an_http_route(*hosts: str, name: str = "own", namespace: str = "shop", **metadata: Any) -> dict[str, Any]:
    """Return an HTTPRoute, somebody's unless it is labelled as ours."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", **metadata},
        "spec": {"hostnames": list(hosts), "rules": []},
    }
