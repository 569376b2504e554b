"""Puts objects into the stack's cluster, in order, and waits until what they define is served."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import KubeError
from jitgress.kube.resources import ACCESS_TARGETS, LEASES, SERVICES, Resource

_PATIENCE_S: Final = 20.0
_CLUSTER_SCOPED: Final = frozenset(
    {
        "AccessPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "Namespace",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
_IRREGULAR: Final = {"AccessPolicy": "accesspolicies", "Ingress": "ingresses", "GatewayClass": "gatewayclasses"}


def resource_of(body: Object) -> Resource:
    """Return the resource of an object that we make."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    kind = str(body["kind"])
    plural = _IRREGULAR.get(kind) or (f"{kind[:-1]}ies" if kind.endswith("Policy") else f"{kind}s")
    return Resource(group, version, plural.lower(), kind, kind not in _CLUSTER_SCOPED)


async def put(api: KubeApi, bodies: Iterable[Object]) -> None:
    """Apply objects one after the other; one whose kind isn't served yet is tried again for a while."""
    for body in bodies:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                await api.apply(resource_of(body), body)
            except KubeError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                break


async def cluster_ip(api: KubeApi, namespace: str, name: str) -> str:
    """Return the ClusterIP of a Service."""
    found = await api.get(SERVICES, name, namespace)
    return str(found["spec"]["clusterIP"])


def definitions(files: Iterable[Path]) -> list[Mapping[str, Any]]:
    """Return the resource definitions in YAML files."""
    bodies = (body for file in files for body in yaml.load_all(file.read_text(), yaml.CSafeLoader))
    return [body for body in bodies if body and body["kind"] == "CustomResourceDefinition"]


async def targets_are_ready(api: KubeApi) -> bool:
    """Tell whether every AccessTarget is Ready."""
    page = await api.list_page(ACCESS_TARGETS, None, limit=500, next_page=None)
    conditions = [each.get("status", {}).get("conditions", ()) for each in page.items]
    return bool(conditions) and all(
        any(each["type"] == "Ready" and each["status"] == "True" for each in some) for some in conditions
    )


async def gate_is_live(api: KubeApi, namespace: str) -> bool:
    """Tell whether a gate said that it is programmed."""
    page = await api.list_page(LEASES, namespace, limit=500, next_page=None)
    return any(
        "jitgress.dev/programmed-resource-version" in each["metadata"].get("annotations", {}) for each in page.items
    )
