"""Puts objects into the stack's cluster, in order, and waits until what they define is served."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import InvalidObjectError, KubeError, NotFoundError
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_TARGETS, LEASES, SERVICES, Resource
from jitgress.local.people import NAMESPACE

_PATIENCE_S: Final = 20.0
_TICK_S: Final = 0.1
_CLUSTER_SCOPED: Final = frozenset(
    {
        "AccessPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "Namespace",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
_FILLING_IN: Final = Resource(
    "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", is_namespaced=False
)
"""Kubernetes 1.36 and newer have it. Without it people state what would be filled in."""
_IRREGULAR: Final = {"AccessPolicy": "accesspolicies", "Ingress": "ingresses", "GatewayClass": "gatewayclasses"}


def resource_of(body: Object) -> Resource:
    """Return the resource of an object that we make."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    kind = str(body["kind"])
    plural = _IRREGULAR.get(kind) or (f"{kind[:-1]}ies" if kind.endswith("Policy") else f"{kind}s")
    return Resource(group, version, plural.lower(), kind, kind not in _CLUSTER_SCOPED)


async def put(api: KubeApi, bodies: Iterable[Object]) -> None:
    """Apply objects one after the other; one whose kind isn't served yet is tried again for a while.

    What fills in is left out where the API server doesn't know of such a thing, and waited for where it does.
    """
    bodies = tuple(bodies)
    filling = [body for body in bodies if str(body["kind"]).startswith(_FILLING_IN.kind)]
    has_filling = bool(filling) and await _is_served(api, _FILLING_IN)
    for body in bodies:
        if has_filling or body not in filling:
            await _patiently(partial(api.apply, resource_of(body), body))
    if has_filling:
        await _patiently(partial(_must_fill_in, api))


async def _patiently(attempt: Callable[[], Awaitable[object]]) -> None:
    """Try again for a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while True:
        try:
            await attempt()
        except KubeError:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(_TICK_S)
        else:
            return


async def _is_served(api: KubeApi, resource: Resource) -> bool:
    try:
        await api.list_page(resource, None, limit=1, next_page=None)
    except NotFoundError:
        return False
    return True


async def _must_fill_in(api: KubeApi) -> None:
    """Raise a `KubeError` unless a requester is filled in already.

    What fills in takes force some seconds after it was stored, and in between the API server takes no writes of ours.
    Seen by a request that can never be stored, because it says nothing else either.
    """
    nothing = {
        "apiVersion": ACCESS_REQUESTS.api_version,
        "kind": ACCESS_REQUESTS.kind,
        "metadata": {"name": "says-nothing", "namespace": NAMESPACE},
        "spec": {},
    }
    try:
        await api.create(ACCESS_REQUESTS, nothing)
    except InvalidObjectError as refused:
        if "spec.requester" in refused.message:
            raise


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
