"""What the API server has forgotten can't be continued, and says so; real and simulated alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from jitgress.kube.client import Object
from jitgress.kube.errors import GoneError
from jitgress.kube.resources import ACCESS_TARGETS, CONFIG_MAPS, NAMESPACES
from tests.integration.control_plane import ControlPlane
from tests.integration.kube.contract import Cluster, a_target_spec
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi

HERE, ELSEWHERE = "forgetful", "elsewhere"


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.real), pytest.param("simulated")])
def forgetful(request: pytest.FixtureRequest) -> ControlPlane | SimulatedApi:
    """An API server that a test may have forget the past."""
    if request.param == "simulated":
        return SimulatedApi(HandClock())
    plane = request.getfixturevalue("own_plane")
    assert isinstance(plane, ControlPlane)
    return plane


@pytest.fixture
async def cluster(forgetful: ControlPlane | SimulatedApi) -> AsyncIterator[Cluster]:
    if isinstance(forgetful, SimulatedApi):
        yield Cluster(forgetful, HERE, ELSEWHERE)
        return
    async with forgetful.client() as admin:
        await admin.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HERE}})
        yield Cluster(admin, HERE, ELSEWHERE)


async def forget(forgetful: ControlPlane | SimulatedApi) -> None:
    if isinstance(forgetful, SimulatedApi):
        forgetful.versions.compact()
    else:
        await asyncio.to_thread(forgetful.forget)


async def first_after(cluster: Cluster, version: str) -> Object:
    watch = cluster.api.watch(ACCESS_TARGETS, HERE, resource_version=version, timeout_s=20)
    async with aclosing(watch):
        return await anext(watch)


async def test_a_watch_from_a_forgotten_version_is_gone(
    cluster: Cluster, forgetful: ControlPlane | SimulatedApi
) -> None:
    before = await cluster.api.list_page(ACCESS_TARGETS, HERE, limit=1, next_page=None)
    await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    await forget(forgetful)
    after = await cluster.api.list_page(ACCESS_TARGETS, HERE, limit=1, next_page=None)
    await cluster.api.delete(ACCESS_TARGETS, "one", HERE)
    with pytest.raises(GoneError):
        await first_after(cluster, before.resource_version)
    assert (await first_after(cluster, after.resource_version))["type"] == "DELETED"


async def test_the_next_page_of_a_forgotten_list_is_gone(
    cluster: Cluster, forgetful: ControlPlane | SimulatedApi
) -> None:
    for name in ("a", "b"):
        await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, name))
    first = await cluster.api.list_page(CONFIG_MAPS, HERE, limit=1, next_page=None)
    await cluster.api.delete(CONFIG_MAPS, "a", HERE)
    await forget(forgetful)
    with pytest.raises(GoneError):
        await cluster.api.list_page(CONFIG_MAPS, HERE, limit=1, next_page=first.next)
