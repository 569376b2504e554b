"""A reflector in front of a real API server, what its subscribers were told, and the truth to compare both with."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from jitgress.domain.clock import SystemClock
from jitgress.kube.client import KubeApi, KubeClient, Object, Page
from jitgress.kube.errors import GoneError
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import CONFIG_MAPS, Resource
from jitgress.kube.store import Key, key_of

PATIENCE_S = 30.0
State = dict[Key, tuple[str, str]]
"""UID and version of every object."""


class CountingClient(KubeClient):
    """A client that counts what is asked of it. Its watches may go another way than its lists: by `watcher`."""

    lists = 0
    watches = 0
    gone = 0
    watcher: KubeClient | None = None

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        limit: int,
        next_page: str | None,
        is_brief: bool = False,
        name: str | None = None,
        selector: str | None = None,
    ) -> Page:
        self.lists += 1
        return await super().list_page(
            resource,
            namespace,
            limit=limit,
            next_page=next_page,
            is_brief=is_brief,
            name=name,
            selector=selector,
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object]:
        self.watches += 1
        watch = super().watch if self.watcher is None else self.watcher.watch
        events = watch(
            resource,
            namespace,
            resource_version=resource_version,
            timeout_s=timeout_s,
            name=name,
            selector=selector,
        )
        try:
            async for event in events:
                yield event
        except GoneError:
            self.gone += 1
            raise
        finally:
            await events.aclose()


@dataclass(slots=True)
class Following:
    """A reflector that runs. `told` is what somebody knows who only listened."""

    reflector: Reflector
    client: CountingClient
    namespace: str
    told: State = field(default_factory=dict)

    def hear(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.told[key_of(new)] = _version(new)
        elif old is not None:
            del self.told[key_of(old)]

    def cached(self) -> State:
        return {key_of(found): _version(found) for found in self.reflector.values()}

    async def agrees_with(self, admin: KubeApi) -> None:
        """Wait until the cache, and what was told, are what the API server has."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            page = await admin.list_page(CONFIG_MAPS, self.namespace, limit=500, next_page=None)
            truth = {key_of(found): _version(found) for found in page.items}
            if self.cached() == truth == self.told:
                return
            assert time.monotonic() < deadline, f"cached {self.cached()}, told {self.told}, true {truth}"
            await asyncio.sleep(0.05)

    async def hears(self, admin: KubeApi) -> None:
        """Wait until a change is seen at once again: once the cache is true, only an open watch can tell of it.

        Nothing is left half-connected then: a handshake that is cancelled leaves its socket to the garbage collector.
        """
        await self.agrees_with(admin)
        echo = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "echo-"}}
        await admin.create(CONFIG_MAPS, echo, self.namespace)
        await self.agrees_with(admin)

    async def until(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"{what} has not happened"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(
    client: CountingClient, namespace: str, *, confirm_every: timedelta | None = None
) -> AsyncIterator[Following]:
    """Have a reflector follow the config maps of a namespace."""
    reflector = Reflector(client, CONFIG_MAPS, SystemClock(), namespace=namespace, confirm_every=confirm_every)
    follower = Following(reflector, client, namespace)
    reflector.subscribe(follower.hear)
    running = asyncio.create_task(reflector.run())
    try:
        await follower.until("the first list", reflector.synced.is_set)
        await follower.until("the first watch", lambda: client.watches > 0)
        yield follower
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _version(found: Object) -> tuple[str, str]:
    return found["metadata"]["uid"], found["metadata"]["resourceVersion"]
