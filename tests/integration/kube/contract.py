"""What a contract test runs against: an API server, real or simulated, with two namespaces of the test's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import Resource

UNSERVED = Resource("jitgress.dev", "v1alpha1", "nothings", "Nothing")
"""A resource that no API server here serves."""
_ME = {"username": "admin", "groups": ["system:masters", "system:authenticated"]}
"""The real API server has everybody ask and answer in their own name, with all of their groups."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One API server as its administrator sees it."""

    api: KubeApi
    namespace: str
    elsewhere: str
    """Another namespace."""

    def a(self, resource: Resource, name: str = "one", *, namespace: str | None = None, **content: Any) -> Object:
        """Return an object as one sends it; `metadata` adds to name and namespace."""
        metadata: Mapping[str, Any] = content.pop("metadata", {})
        place = {"namespace": namespace or self.namespace} if resource.is_namespaced else {}
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, **place, **metadata},
            **content,
        }

    async def get(self, resource: Resource, name: str = "one") -> Object:
        return await self.api.get(resource, name, self.namespace)

    async def names(self, resource: Resource) -> list[str]:
        """Return the names of all objects in the test's namespace, in the order of the list."""
        page = await self.api.list_page(resource, self.namespace, limit=500, next_page=None)
        return [each["metadata"]["name"] for each in page.items]


def version(found: Object) -> int:
    """Return the resourceVersion as a number (KEP-5504: they can be compared)."""
    return int(found["metadata"]["resourceVersion"])


def a_target_spec(host: str = "orders.example.test") -> dict[str, Any]:
    return {"service": {"name": "orders", "port": 80}, "host": host, "paths": ["/"], "methods": ["GET"]}


def a_request_spec(reason: str = "INC-123") -> dict[str, Any]:
    return {"target": "orders", "requester": _ME, "reason": reason, "durationSeconds": 60}


def a_review_spec(comment: str = "fine") -> dict[str, Any]:
    request = {"name": "one", "uid": "00000000-0000-4000-8000-000000000001"}
    return {"request": request, "decision": "Approve", "reviewer": _ME, "comment": comment}


def an_ingress_spec(host: str = "orders.example.test") -> dict[str, Any]:
    backend = {"service": {"name": "jitgress-gate", "port": {"number": 8080}}}
    return {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}


def a_condition(kind: str, status: str = "True") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "Because",
        "message": "so it is",
        "lastTransitionTime": "2026-01-01T10:00:00Z",
        "observedGeneration": 1,
    }
