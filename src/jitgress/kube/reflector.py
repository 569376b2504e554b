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
from sys import intern
from typing import Any, Final, cast

import structlog

from jitgress.domain.clock import Clock
from jitgress.kube.backoff import Backoff
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import GoneError, KubeError
from jitgress.kube.resources import Resource
from jitgress.kube.store import Key, Store, Trait, key_of

Subscriber = Callable[[Object | None, Object | None], None]
"""Called with the object before and after: (None, new), (old, new), (old, None). Must not block or raise."""

Version = tuple[str, str]
"""UID and resourceVersion of an object."""

_PAGE: Final = 500  # client-go's default
_WATCH_S: Final = (240, 300)  # at random, so that the watches of a fleet don't end together; client-go: 5 to 10 min
_WATCH_TRIES: Final = 3
_SHORTEST_WATCH_S: Final = 1.0
_SHORTEST_FOLLOW_S: Final = 5.0  # what the tries of a watch take and more; less than two confirmations
_MOST_DIFFERENCES: Final = 2  # one is ordinary: the watch is milliseconds behind
_LONGEST_SHARED: Final = 128  # characters; reasons and messages are longer, and seldom the same
_log = structlog.get_logger()


class Reflector:
    """Follows a resource, in one namespace or in all, one object, or what a field selector chooses.

    `run` it; readers use `get`, `values`, and `where` and `count` for the `traits` that it was given.
    """

    def __init__(
        self,
        api: KubeApi,
        resource: Resource,
        clock: Clock,
        *,
        namespace: str | None = None,
        name: str | None = None,
        selector: str | None = None,
        traits: Iterable[Trait] = (),
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
        self._selector = selector
        self._confirm_every = confirm_every
        self._store = Store(traits)
        self._meanwhile: list[tuple[str, Key, Version | None]] | None = None
        """While a list is on its way for a confirmation: what the watch told, each with the version from before."""
        self._subscribers: list[Subscriber] = []
        self._backoff = Backoff(random.random)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have every change told from now on; return what ends it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def get(self, namespace: str | None, name: str) -> Object | None:
        """Return one object, or None. Readers never change it."""
        return self._store.get((namespace or "", name))

    def values(self) -> Iterable[Object]:
        """Return every object, as they stand now."""
        return self._store.values()

    def where(self, trait: Trait, value: str) -> Iterable[Object]:
        """Return every object of which `trait` says `value`."""
        return self._store.where(trait, value)

    def count(self, trait: Trait, value: str) -> int:
        """Return how many objects `where` would; looks at none of them."""
        return self._store.count(trait, value)

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
        changes = self._store.replace(items)
        self.resource_version, self.heard_at = version, sent_at
        self.synced.set()
        for old, new in changes:
            if _version(old) != _version(new):
                self._tell(old, new)

    async def _watch(self) -> None:
        events = self._api.watch(
            self.resource,
            self._namespace,
            resource_version=self.resource_version,
            name=self._name,
            selector=self._selector,
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
        if event["type"] == "DELETED":
            old = self._store.remove(key_of(item))
            self._note(item, old)
            self._tell(old or item, None)
            return
        new = slim(item)
        old = self._store.put(new)
        self._note(item, old)
        self._tell(old, new)

    def _note(self, item: Object, old: Object | None) -> None:
        if self._meanwhile is not None:
            self._meanwhile.append((item["metadata"]["resourceVersion"], key_of(item), _version(old)))

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
        """Tell whether the cache agrees with a consistent list of names and versions.

        A long list is older than the cache by the time that it is here: it is compared with the cache as it was then.
        """
        sent_at = self._clock.monotonic()
        self._meanwhile = []
        try:
            version, items = await self._list_all(is_brief=True)
            later = [change for change in self._meanwhile if _is_later(change[0], version)]
        finally:
            self._meanwhile = None
        here: dict[Key, Version | None] = {key_of(item): _version(item) for item in self._store.values()}
        here |= {key: before for _, key, before in reversed(later)}  # of several changes the first one's
        if {key_of(item): _version(item) for item in items} != {key: each for key, each in here.items() if each}:
            return False
        self.heard_at = sent_at
        return True

    async def _list_all(self, *, is_brief: bool) -> tuple[str, list[Object]]:
        items: list[Object] = []
        next_page: str | None = None
        while True:
            page = await self._api.list_page(
                self.resource,
                self._namespace,
                limit=_PAGE,
                next_page=next_page,
                is_brief=is_brief,
                name=self._name,
                selector=self._selector,
            )
            items += map(slim, page.items)  # page by page: half of a collection's bytes are never held all at once
            if page.next is None:
                return page.resource_version, items
            next_page = page.next

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for subscriber in self._subscribers:
            subscriber(old, new)


def slim(found: Object) -> Object:
    """Return the object without its managedFields, which nobody here reads and which are half of its size.

    Texts are shared: most of them stand in thousands of objects, and a UID in several.
    """
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    slimmed: Object = _shared({**found, "metadata": metadata})
    return slimmed


def _shared(value: Any) -> Any:
    kind = cast("type[object]", type(value))  # what json makes, and nothing derived from it
    if kind is str:
        return intern(value) if len(value) <= _LONGEST_SHARED else value
    if kind is dict:
        return {key: _shared(inner) for key, inner in value.items()}
    if kind is list:
        return [_shared(inner) for inner in value]
    return value


def _is_later(version: str, other: str) -> bool:
    """Compare two resourceVersions of one resource (KEP-5504: as whole numbers)."""
    return version.isdecimal() and other.isdecimal() and int(version) > int(other)


def _version(found: Object | None) -> Version | None:
    if found is None:
        return None
    metadata = found["metadata"]
    return metadata["uid"], metadata["resourceVersion"]
