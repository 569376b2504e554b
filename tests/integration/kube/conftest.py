"""The same tests for both: the real API server, and the one that other tests have in memory."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest

from jitgress.kube.resources import NAMESPACES
from tests.integration.control_plane import ControlPlane
from tests.integration.kube.contract import UNSERVED, Cluster
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def own_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that the tests of one module may stop, and start again."""
    plane = ControlPlane(tmp_path_factory.mktemp("own-control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.real), pytest.param("simulated")])
def served(request: pytest.FixtureRequest) -> ControlPlane | SimulatedApi:
    if request.param == "real":
        plane: Any = request.getfixturevalue("control_plane")
        assert isinstance(plane, ControlPlane)
        return plane
    simulated = SimulatedApi(HandClock())
    simulated.absent.add(UNSERVED)
    return simulated


@pytest.fixture
async def cluster(served: ControlPlane | SimulatedApi) -> AsyncIterator[Cluster]:
    number = next(_NUMBERS)
    here, elsewhere = f"contract-{number}", f"elsewhere-{number}"
    if isinstance(served, SimulatedApi):
        yield Cluster(served, here, elsewhere)
        return
    async with served.client() as admin:
        for name in (here, elsewhere):
            await admin.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        yield Cluster(admin, here, elsewhere)
