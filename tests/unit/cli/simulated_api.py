"""As much of the API server as the command line uses: objects, generated names, versions, watches. In memory."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any

from jitgress.domain.window import format_time
from jitgress.kube.client import FIELD_MANAGER, Object, Page
from jitgress.kube.errors import ForbiddenError, GoneError, NotFoundError
from jitgress.kube.resources import Resource

Key = tuple[str, str, str]


class SimulatedApi:
    """A `KubeApi` for readers and creators; `now` is the time of every creation."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._objects: dict[Key, dict[str, Any]] = {}
        self._events: list[tuple[Key, Object]] = []
        self._changed = asyncio.Event()
        self.forbidden: set[Resource] = set()
        self.compacted_before = 0
        """Watches from a resourceVersion below this one are gone."""

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        found = await self.find(resource, name, namespace)
        if found is None:
            raise NotFoundError(f"{resource.plural} {name!r} not found", status=404)
        return found

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        self._permit(resource)
        return self._objects.get((resource.plural, namespace or "", name))

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
        """Serve pages of `limit`, so that callers have to ask for the next one."""
        assert not is_brief
        assert name is None
        assert selector is None
        self._permit(resource)
        matching = [found for key, found in self._objects.items() if _is_in(key, resource, namespace, None)]
        begin = int(next_page or 0)
        end = begin + limit
        return Page(matching[begin:end], str(len(self._events)), str(end) if end < len(matching) else None)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object, None]:
        assert selector is None
        seen = int(resource_version)
        if seen < self.compacted_before:
            raise GoneError("too old resource version", status=410)
        async with asyncio.timeout(timeout_s):
            while True:
                while seen < len(self._events):
                    key, event = self._events[seen]
                    seen += 1
                    if _is_in(key, resource, namespace, name):
                        yield event
                self._changed.clear()
                await self._changed.wait()

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        metadata: dict[str, Any] = dict(body["metadata"])
        number = len(self._events)
        if "generateName" in metadata:
            metadata["name"] = f"{metadata.pop('generateName')}{number:05d}"
        given = {"uid": f"uid-{number}", "creationTimestamp": format_time(self._now), "generation": 1}
        where = {} if namespace is None else {"namespace": namespace}
        return self._store(resource, {**body, "metadata": given | metadata | where}, "ADDED")

    async def apply_status(
        self, resource: Resource, name: str, namespace: str | None, status: Object, *, manager: str = FIELD_MANAGER
    ) -> Object:
        assert manager == FIELD_MANAGER
        found = await self.get(resource, name, namespace)
        return self._store(resource, {**found, "status": status}, "MODIFIED")

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        assert uid is None
        found = await self.get(resource, name, namespace)
        self._store(resource, found, "DELETED")
        del self._objects[(resource.plural, namespace or "", name)]

    async def replace(self, resource: Resource, body: Object) -> Object:
        raise NotImplementedError

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        raise NotImplementedError

    def _store(self, resource: Resource, body: Object, kind: str) -> Object:
        metadata: Mapping[str, Any] = body["metadata"]
        key = (resource.plural, metadata.get("namespace", ""), metadata["name"])
        stored = {**body, "metadata": {**metadata, "resourceVersion": str(len(self._events) + 1)}}
        self._objects[key] = stored
        self._events.append((key, {"type": kind, "object": stored}))
        self._changed.set()
        return stored

    def _permit(self, resource: Resource) -> None:
        if resource in self.forbidden:
            raise ForbiddenError(f"cannot read {resource.plural}", remedy="Ask the platform team.", status=403)


def _is_in(key: Key, resource: Resource, namespace: str | None, name: str | None) -> bool:
    plural, where, called = key
    return plural == resource.plural and namespace in (None, where) and name in (None, called)
