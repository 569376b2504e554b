"""What etcd is to the API server: objects under keys, one revision for all of them, and what happened since when."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from jitgress.kube.client import Object
from jitgress.kube.errors import error_of
from jitgress.kube.resources import Resource


class Key(NamedTuple):
    """The namespace is empty for cluster-scoped objects."""

    resource: Resource
    namespace: str
    name: str

    def is_in(self, resource: Resource, namespace: str | None, name: str | None) -> bool:
        return self.resource == resource and namespace in (None, "", self.namespace) and name in (None, self.name)


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is ADDED, MODIFIED or DELETED, as in a watch event."""

    revision: int
    key: Key
    kind: str
    found: Object
    before: Object | None


class Versions:
    """Every object, and every change that was not compacted away."""

    def __init__(self) -> None:
        self.revision = 1
        self.objects: dict[Key, Object] = {}
        self._changes: list[Change] = []
        self._compacted_at = 0
        self._lists: dict[int, dict[Key, Object]] = {}
        self._changed = asyncio.Event()

    def put(self, key: Key, body: Mapping[str, Any]) -> Object:
        kind = "MODIFIED" if key in self.objects else "ADDED"
        found = self._commit(key, kind, body, self.objects.get(key))
        self.objects[key] = found
        return found

    def remove(self, key: Key) -> None:
        found = self.objects.pop(key)
        self._commit(key, "DELETED", found, found)

    def compact(self) -> None:
        """Forget the past: older watches and lists can't go on."""
        self._compacted_at = self.revision
        self._changes.clear()
        self._lists.clear()

    def pin(self, revision: int, objects: Mapping[Key, Object]) -> int:
        """Keep the state of a revision for the next pages of a list; return the revision."""
        self._lists[revision] = dict(objects)
        return revision

    def pinned(self, revision: int) -> dict[Key, Object]:
        if revision not in self._lists:
            raise error_of(410, "Expired", "The provided continue parameter is too old")
        return self._lists[revision]

    def since(self, revision: int) -> list[Change]:
        if revision < self._compacted_at:
            raise error_of(410, "Expired", f"too old resource version: {revision} ({self._compacted_at})")
        newer = len(self._changes)
        while newer and self._changes[newer - 1].revision > revision:
            newer -= 1
        return self._changes[newer:]

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._changed.wait()

    def _commit(self, key: Key, kind: str, body: Mapping[str, Any], before: Object | None) -> Object:
        self.revision += 1
        found = wire({**body, "metadata": {**body["metadata"], "resourceVersion": str(self.revision)}})
        self._changes.append(Change(self.revision, key, kind, found, before))
        self._changed.set()
        self._changed = asyncio.Event()
        return found


def wire(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return `found` as the other side of a connection gets it: a copy, in JSON's types alone."""
    copy: dict[str, Any] = json.loads(json.dumps(found))
    return copy
