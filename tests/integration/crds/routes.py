"""Routes that a team might write, which lead to a Service or name a host."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jitgress.kube.resources import INGRESSES, Resource
from tests.integration.crds.whole_objects import Object

GATEWAY: Final = "gateway.networking.k8s.io"
ELSEWHERE: Final = "public"
PORT: Final = {"number": 80}


def an_ingress(
    *, paths: Sequence[str] = (ELSEWHERE,), default: str | None = None, host: str | None = None, name: str = "mine"
) -> Object:
    """Return an Ingress with a rule: `paths` names the Service of each path."""
    backends = [{"service": {"name": service, "port": PORT}} for service in paths]
    rule: dict[str, Any] = {"host": host} if host else {}
    if paths:
        rule["http"] = {"paths": [{"path": "/", "pathType": "Prefix", "backend": each} for each in backends]}
    spec: dict[str, Any] = {"rules": [rule]} if rule else {}
    if default is not None:
        spec["defaultBackend"] = {"service": {"name": default, "port": PORT}}
    return a_route(INGRESSES, spec, name)


def a_route(resource: Resource, spec: Mapping[str, Any], name: str = "mine") -> Object:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def rules(*refs: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return the rules of a route of the Gateway API: one that leads elsewhere, and one to these backends."""
    other: dict[str, Any] = {"backendRefs": [{"name": ELSEWHERE, "port": 80}]}
    return [other, {"backendRefs": [{"port": 80, **ref} for ref in refs], **more}]


def mirror(**ref: Any) -> dict[str, Any]:
    """Return a filter that sends a copy of each request to a backend."""
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {"port": 80, **ref}}}
