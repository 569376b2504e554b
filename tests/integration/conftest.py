"""One control plane a test process, and a namespace a test."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from jitgress.kube.client import KubeClient
from jitgress.kube.resources import Resource
from tests.integration.control_plane import ControlPlane

_NAMESPACES = Resource("", "v1", "namespaces", "Namespace", is_namespaced=False)
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Shared by all tests of a process: one that stops it needs its own, `ControlPlane(folder)`."""
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
async def admin(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with control_plane.client() as client:
        yield client


@pytest.fixture
async def namespace(admin: KubeClient) -> str:
    """A namespace of the test's own."""
    name = f"test-{next(_NUMBERS)}"
    await admin.create(_NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name
