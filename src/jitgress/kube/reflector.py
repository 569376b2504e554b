"""A cache of one resource that follows the API server: list, watch with bookmarks, list again when it must.

`heard_at` is a proof, not a guess (invariant 3): the time at which a consistent list was *sent* whose answer the cache
agrees with. A watch alone proves nothing, because a peer that vanished without a word looks like a quiet one; so with
`confirm_every` the reflector lists the collection's metadata that often, and lists it whole where the cache differs.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.kube.backoff import Backoff
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import GoneError, KubeError
from jitgress.kube.resources import Resource

Key = tuple[str, str]
Subscriber = Callable[[Object | None, Object | None], None]
"""Called with the object before and after: (None, new), (old, new), (old, None). Must not block or raise."""

_PAGE: Final = 500  # client-go's default
_WATCH_S: Final = (240, 300)  # at random, so that the watches of a fleet don't end together; client-go: 5 to 10 min
_WATCH_TRIES: Final = 3
_SHORTEST_WATCH_S: Final = 1.0
_SHORTEST_FOLLOW_S: Final = 5.0  # what the tries of a watch take and more; less than two confirmations
_MOST_DIFFERENCES: Final = 2  # one is ordinary: the watch is milliseconds behind
_log = structlog.get_logger()


class Reflector:
    """Follows a resource, in one namespace or in all, or one object. `run` it; readers use `get` and `values`."""

    def __init__(
        self,
        api: KubeApi,
        resource: Resource,
        clock: Clock,
        *,
        namespace: str | None = None,
        name: str | None = None,
        confirm_every: timedelta | None = None,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self.resource_version = ""
        self.heard_at: float | None = None
        """Monotonic seconds; None before the first list."""
        self._api = api
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._confirm_every = confirm_every
        self._objects: dict[Key, Object] = {}
        self._subscribers: list[Subscriber] = []
        self._backoff = Backoff(random.random)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have every change told from now on; return what ends it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def get(self, namespace: str | None, name: str) -> Object | None:
        """Return one object, or None. Readers never change it."""
        return self._objects.get((namespace or "", name))

    def values(self) -> Iterable[Object]:
        """Return every object, as they stand now."""
        return tuple(self._objects.values())

    async def run(self) -> None:
        """Follow the API server until cancelled. Waits with back-off and jitter while it can't be reached."""
        failures = 0
        while True:
            followed_since: float | None = None
            try:
                await self._list()
                followed_since = self._clock.monotonic()
                await self._follow()
            except KubeError as error:
                # A list that no watch follows is a failure, too: else the whole collection is listed without a pause.
                has_lasted = (
                    followed_since is not None and self._clock.monotonic() - followed_since >= _SHORTEST_FOLLOW_S
                )
                failures = 0 if has_lasted else failures + 1
                wait_s = self._backoff.delay(failures).total_seconds() if failures else 0.0
                _log.warning("watch_failed", resource=self.resource.plural, error=error.message, wait_s=wait_s)
                await asyncio.sleep(wait_s)

    async def _follow(self) -> None:
        """Watch, and confirm beside it, until one of the two finds that the collection must be listed again."""
        tasks = {asyncio.create_task(self._watch_on()), asyncio.create_task(self._confirm_often())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch_on(self) -> None:
        """Watch again from where a watch ended; list again after some failures in a row."""
        failures = 0
        while True:
            began_at = self._clock.monotonic()
            try:
                await self._watch()
            except GoneError:
                raise
            except KubeError:
                if failures >= _WATCH_TRIES:
                    raise
            # A watch that ends at once is a failure, too, however politely it ends.
            failures = failures + 1 if self._clock.monotonic() - began_at < _SHORTEST_WATCH_S else 0
            await asyncio.sleep(self._backoff.delay(failures).total_seconds() if failures else 0)

    async def _list(self) -> None:
        sent_at = self._clock.monotonic()
        version, items = await self._list_all(is_brief=False)
        found = {key_of(item): slim(item) for item in items}
        before, self._objects = self._objects, found
        self.resource_version, self.heard_at = version, sent_at
        self.synced.set()
        for key in before.keys() | found.keys():
            old, new = before.get(key), found.get(key)
            if _version(old) != _version(new):
                self._tell(old, new)

    async def _watch(self) -> None:
        events = self._api.watch(
            self.resource,
            self._namespace,
            resource_version=self.resource_version,
            name=self._name,
            timeout_s=random.randint(*_WATCH_S),  # noqa: S311  spreads load, keeps no secret
        )
        async with aclosing(events):
            async for event in events:
                self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        item: Object = event["object"]
        self.resource_version = item["metadata"]["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return
        key = key_of(item)
        old = self._objects.get(key)
        if event["type"] == "DELETED":
            self._objects.pop(key, None)
            self._tell(old or item, None)
            return
        new = slim(item)
        self._objects[key] = new
        self._tell(old, new)

    async def _confirm_often(self) -> None:
        """Keep `heard_at` fresh; raise `GoneError` when the watch doesn't catch up with a consistent list."""
        if self._confirm_every is None:
            await asyncio.Event().wait()
            return
        differences = 0
        while differences < _MOST_DIFFERENCES:
            await asyncio.sleep(self._confirm_every.total_seconds())
            try:
                differences = 0 if await self._confirm() else differences + 1
            except KubeError as error:
                _log.warning("confirmation_failed", resource=self.resource.plural, error=error.message)
        raise GoneError("the watch fell behind the collection", remedy="List again.")

    async def _confirm(self) -> bool:
        """Tell whether the cache agrees with a consistent list of names and versions."""
        sent_at = self._clock.monotonic()
        _, items = await self._list_all(is_brief=True)
        there = {key_of(item): _version(item) for item in items}
        if there != {key: _version(item) for key, item in self._objects.items()}:
            return False
        self.heard_at = sent_at
        return True

    async def _list_all(self, *, is_brief: bool) -> tuple[str, list[Object]]:
        items: list[Object] = []
        next_page: str | None = None
        while True:
            page = await self._api.list_page(
                self.resource, self._namespace, limit=_PAGE, next_page=next_page, is_brief=is_brief, name=self._name
            )
            items += page.items
            if page.next is None:
                return page.resource_version, items
            next_page = page.next

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for subscriber in self._subscribers:
            subscriber(old, new)


def key_of(found: Object) -> Key:
    """Return namespace and name; the namespace is empty for cluster-scoped objects."""
    metadata = found["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def slim(found: Object) -> Object:
    """Return the object without its managedFields, which nobody here reads and which are half of its size."""
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return {**found, "metadata": metadata}


def _version(found: Object | None) -> tuple[str, str] | None:
    if found is None:
        return None
    metadata = found["metadata"]
    return metadata["uid"], metadata["resourceVersion"]
