"""A control plane of the module's own with the sample targets, and the outside that the operators look at."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from jitgress.kube.client import KubeClient
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS, INGRESSES, LEASES
from jitgress.local import objects
from jitgress.local.cluster import put
from tests.integration.control_plane import ControlPlane
from tests.integration.operator.operator_program import SYSTEM
from tests.integration.operator.outside import Outside, outside
from tests.integration.operator.running import TARGETS, Operators, a_policy, host_of


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    started = ControlPlane(tmp_path_factory.mktemp("operator-control-plane"))
    try:
        started.start()
        asyncio.run(_fill(started))
        yield started
    finally:
        started.stop()


@pytest.fixture
async def admin(plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with plane.client() as client:
        yield client


@pytest.fixture
async def world_outside(admin: KubeClient) -> AsyncIterator[Outside]:
    async with outside(admin) as there:
        yield there


@pytest.fixture
async def operators(
    plane: ControlPlane, admin: KubeClient, world_outside: Outside, tmp_path: Path
) -> AsyncIterator[Operators]:
    """Processes that share one ledger. All are ended with the test."""
    await _forget_the_last_test(admin)
    started = Operators(plane, admin, world_outside, tmp_path)
    try:
        yield started
    finally:
        started.kill_all()


async def _forget_the_last_test(admin: KubeClient) -> None:
    """Each test has a ledger of its own, which knows nothing of what another test left."""
    for resource in (ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_GRANTS, INGRESSES, LEASES):
        for found in (await admin.list_page(resource, None, limit=500, next_page=None)).items:
            metadata = found["metadata"]
            if resource is not LEASES or metadata["namespace"] == SYSTEM:
                await admin.delete(resource, metadata["name"], metadata["namespace"])


async def _fill(plane: ControlPlane) -> None:
    async with plane.client() as admin:
        await put(admin, [*objects.namespaces(), *objects.services(), a_policy(), *map(_target, TARGETS)])


def _target(name: str) -> dict[str, Any]:
    """Return one more target in front of grafana's service."""
    sample = next(each for each in objects.targets() if each["metadata"]["name"] == "grafana")
    return {
        **sample,
        "metadata": {**sample["metadata"], "name": name},
        "spec": {**sample["spec"], "host": host_of(name)},
    }
