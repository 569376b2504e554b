"""The reflector and a real API server that is killed, stays away, forgets the past, or vanishes without a word."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import chain, count

import pytest

from jitgress.kube.backoff import Backoff
from jitgress.kube.client import KubeClient, Object
from jitgress.kube.resources import CONFIG_MAPS, NAMESPACES
from tests.integration.control_plane import ControlPlane
from tests.integration.kube.following import CountingClient, following
from tests.integration.kube.relay import relay_to

pytestmark = pytest.mark.real
AWAY_S = 4.0
_NUMBERS = count(1)


@pytest.fixture
async def root(own_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    """Somebody who makes the changes, by a way of their own."""
    async with own_plane.client() as client:
        yield client


@pytest.fixture
async def client(own_plane: ControlPlane) -> AsyncIterator[CountingClient]:
    async with CountingClient.connect(own_plane.layout.kubeconfig("admin")) as counting:
        yield counting


@pytest.fixture
async def place(root: KubeClient) -> str:
    """A namespace of the test's own, with three objects."""
    name = f"followed-{next(_NUMBERS)}"
    await root.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for each in ("kept", "changed", "deleted"):
        await root.create(CONFIG_MAPS, a_config_map(name, each))
    return name


def a_config_map(namespace: str, name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


async def change(root: KubeClient, namespace: str) -> None:
    """Add one, change one, delete one."""
    await root.create(CONFIG_MAPS, a_config_map(namespace, "added"))
    found = await root.get(CONFIG_MAPS, "changed", namespace)
    await root.replace(CONFIG_MAPS, {**found, "data": {"a": "1"}})
    await root.delete(CONFIG_MAPS, "deleted", namespace)


def most_tries(seconds: float) -> int:
    """Return how often somebody can have tried in that time whose every wait is the shortest that is permitted.

    A watch is tried three times more, then comes a list at once, and after each list that failed the next longer wait.
    """
    backoff = Backoff(lambda: 0.0)
    tries, passed = 1, 0.0
    for failures in chain((1, 2, 3, 0), count(1)):
        passed += backoff.delay(failures).total_seconds() if failures else 0.0
        if passed > seconds:
            break
        tries += 1
    return tries


async def test_an_api_server_that_was_killed_is_followed_again(
    own_plane: ControlPlane, root: KubeClient, client: CountingClient, place: str
) -> None:
    async with following(client, place) as follower:
        await follower.agrees_with(root)
        await asyncio.to_thread(own_plane.kill_apiserver)
        await asyncio.to_thread(own_plane.start_apiserver)
        await change(root, place)
        await follower.hears(root)


async def test_an_api_server_that_is_away_is_asked_less_and_less_often(
    own_plane: ControlPlane, root: KubeClient, client: CountingClient, place: str
) -> None:
    async with following(client, place) as follower:
        await follower.agrees_with(root)
        before = client.lists + client.watches
        known = follower.cached()
        await asyncio.to_thread(own_plane.kill_apiserver)
        began = time.monotonic()
        await asyncio.sleep(AWAY_S)
        tries = client.lists + client.watches - before
        away_s = time.monotonic() - began
        known_after = follower.cached()
        await asyncio.to_thread(own_plane.start_apiserver)
        await change(root, place)
        await follower.hears(root)
    assert 0 < tries <= most_tries(away_s) + 1  # one began before the server was gone
    assert known_after == known


async def test_a_watch_that_went_on_for_too_long_without_hearing_is_gone_and_listed_again(
    own_plane: ControlPlane, root: KubeClient, place: str
) -> None:
    async with (
        relay_to(own_plane.addresses.apiserver) as relay,
        CountingClient.connect(own_plane.kubeconfig_through(relay.port)) as client,
        following(client, place) as follower,
    ):
        await follower.agrees_with(root)
        lists = client.lists
        relay.be_silent()
        await change(root, place)
        await asyncio.to_thread(own_plane.forget)
        relay.drop()
        await follower.hears(root)
        assert client.gone == 1
        assert client.lists == lists + 1


async def test_a_peer_that_vanished_is_not_taken_for_a_quiet_one(
    own_plane: ControlPlane, root: KubeClient, place: str
) -> None:
    async with (
        relay_to(own_plane.addresses.apiserver) as relay,
        CountingClient.connect(own_plane.kubeconfig_through(relay.port)) as client,
        following(client, place, confirm_every=timedelta(seconds=0.2)) as follower,
    ):
        await follower.until("a confirmation", lambda: client.lists > 2)
        relay.be_silent()
        silent_at = time.monotonic()
        await change(root, place)
        await asyncio.sleep(2)
        heard_at = follower.reflector.heard_at
        relay.drop()
        back_at = time.monotonic()
        await follower.hears(root)
        await follower.until("a new confirmation", lambda: (follower.reflector.heard_at or 0) > back_at)
    assert heard_at is not None
    assert heard_at <= silent_at


async def test_a_watch_whose_connection_died_silently_is_found_by_confirming(
    own_plane: ControlPlane, root: KubeClient, client: CountingClient, place: str
) -> None:
    async with (
        relay_to(own_plane.addresses.apiserver) as relay,
        KubeClient.connect(own_plane.kubeconfig_through(relay.port)) as watcher,
    ):
        client.watcher = watcher
        async with following(client, place, confirm_every=timedelta(seconds=0.2)) as follower:
            await follower.agrees_with(root)
            relay.be_silent()
            await change(root, place)
            await follower.agrees_with(root)
            relay.drop()
            await follower.hears(root)
