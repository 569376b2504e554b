"""An API server in memory: as much of a real one as the parts of jitgress use, and as strict as a real one about it.

What it doesn't know: admission (beyond specs that never change, or never widen), defaults, that a namespace has to
exist, managedFields.
Garbage collection is a controller of its own, as in a cluster: it happens when a test calls `collect_garbage`.
"""

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from jitgress.domain.clock import Clock
from jitgress.domain.window import format_time
from jitgress.kube.client import FIELD_MANAGER, Object, Page
from jitgress.kube.errors import NotFoundError, error_of
from jitgress.kube.resources import Resource
from tests.simulators.applying import applied, conflicts, ours_alone
from tests.simulators.narrowing import widened
from tests.simulators.selecting import is_selected, told
from tests.simulators.strategies import (
    DROPS_STATUS,
    HAS_GENERATION,
    HAS_STATUS,
    IMMUTABLE,
    MADE_BY_REPLACING,
    NARROWS,
    REPLACED_BLINDLY,
)
from tests.simulators.versions import Key, Versions, wire

_SYSTEM_FIELDS: Final = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to be carried out. `verb` is the name of the method of `KubeApi`."""

    verb: str
    resource: Resource
    name: str | None
    namespace: str | None
    body: Object | None = None


class SimulatedApi:
    """A `KubeApi`. `before_call` may raise; `absent` are resources that this cluster doesn't serve."""

    def __init__(self, clock: Clock, before_call: Callable[[Call], None] = lambda _: None) -> None:
        self.versions = Versions()
        self.before_call = before_call
        self.absent: set[Resource] = set()
        self._clock = clock
        self._applied: dict[tuple[str, str], Object] = {}
        """What was applied last and nobody else had said before, by UID, and by subresource and manager."""

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        self._begin(Call("get", resource, name, namespace))
        return wire(self._stored(_key(resource, namespace, name)))

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        try:
            return await self.get(resource, name, namespace)
        except NotFoundError:
            return None

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
        self._begin(Call("list_page", resource, name, namespace))
        revision, begin = map(int, next_page.split(":")) if next_page else (self.versions.revision, 0)
        objects = self.versions.pinned(revision) if next_page else self.versions.objects
        keys = sorted(key for key in objects if key.is_in(resource, namespace, name))
        keys = [key for key in keys if is_selected(objects[key], selector)]
        end = begin + limit
        rest = f"{self.versions.pin(revision, objects)}:{end}" if end < len(keys) else None
        items = (objects[key] for key in keys[begin:end])
        return Page([wire(_brief(item, resource) if is_brief else item) for item in items], str(revision), rest)

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
        self._begin(Call("watch", resource, name, namespace))
        seen = int(resource_version)
        changes = self.versions.since(seen)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for change in changes:
                        seen = change.revision
                        if change.key.is_in(resource, namespace, name) and (news := told(change, selector)):
                            kind, found = news
                            yield {"type": kind, "object": wire(found)}
                    if not (changes := self.versions.since(seen)):
                        await self.versions.changed()
                        changes = self.versions.since(seen)
        except TimeoutError:
            metadata = {"resourceVersion": str(seen), "creationTimestamp": None}
            bookmark = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
            yield {"type": "BOOKMARK", "object": bookmark}

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        where = namespace or body["metadata"].get("namespace")
        self._begin(Call("create", resource, body["metadata"].get("name"), where, body))
        if body["metadata"].get("resourceVersion"):
            raise error_of(500, "", "resourceVersion should not be set on objects to be created")
        return wire(self._create(resource, where, body))

    async def replace(self, resource: Resource, body: Object) -> Object:
        metadata = body["metadata"]
        key = _key(resource, metadata.get("namespace"), metadata["name"])
        self._begin(Call("replace", resource, key.name, key.namespace, body))
        if key not in self.versions.objects and resource in MADE_BY_REPLACING:
            return wire(self._make_by_replacing(key, body))
        found = self._stored(key)
        version = metadata.get("resourceVersion")
        if not version and resource not in REPLACED_BLINDLY:
            raise error_of(422, "Invalid", "metadata.resourceVersion: Invalid value: must be specified for an update")
        if version not in (None, found["metadata"]["resourceVersion"]) or metadata.get("uid", _uid(found)) != _uid(
            found
        ):
            raise error_of(409, "Conflict", f"Operation cannot be fulfilled on {_called(key)}: the object was modified")
        kept = {"status": found.get("status")} if resource in DROPS_STATUS else {}
        return wire(self._update(key, found, {**body, **kept}))

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        metadata = body["metadata"]
        key = _key(resource, metadata.get("namespace"), metadata["name"])
        self._begin(Call("apply", resource, key.name, key.namespace, body))
        wanted = {field: value for field, value in body.items() if field != "status" or resource not in DROPS_STATUS}
        found = self.versions.objects.get(key)
        if found is not None:
            return wire(self._apply(key, found, wanted, "", force=force))
        found = self._create(resource, key.namespace, wanted)
        self._applied[_uid(found), ""] = wire(wanted)
        return wire(found)

    async def apply_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Object,
        *,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        key = _key(resource, namespace, name)
        self._begin(Call("apply_status", resource, name, namespace, status))
        if resource not in HAS_STATUS:
            raise _no_such_resource()
        return wire(self._apply(key, self._stored(key), {"status": status}, f"status by {manager}", force=True))

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        self._begin(Call("delete", resource, name, namespace))
        key = _key(resource, namespace, name)
        found = self._stored(key)
        if uid is not None and uid != _uid(found):
            raise error_of(409, "Conflict", f"Precondition failed: UID in precondition: {uid}, {_uid(found)}")
        self._delete(key, found)

    def for_caller(self, before_call: Callable[[Call], None]) -> Self:
        """Return the same server as another process reaches it, with a hook of that process' own."""
        mine = copy.copy(self)
        mine.before_call = before_call
        return mine

    def collect_garbage(self) -> None:
        """Remove what has owners that are all gone, and references to owners that are gone."""
        uids = {_uid(found) for found in self.versions.objects.values()}
        for key, found in list(self.versions.objects.items()):
            owners = found["metadata"].get("ownerReferences", [])
            alive = [owner for owner in owners if owner["uid"] in uids]
            if owners and not alive:
                self._delete(key, found)
                self.collect_garbage()
                return
            if alive != owners:
                self.versions.put(key, {**found, "metadata": {**found["metadata"], "ownerReferences": alive}})

    def _begin(self, call: Call) -> None:
        self.before_call(call)
        if call.resource in self.absent:
            raise _no_such_resource()
        if call.namespace or not call.resource.is_namespaced or call.verb in {"list_page", "watch"}:
            return
        if call.verb == "create":
            raise error_of(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        raise _no_such_resource()

    def _stored(self, key: Key) -> Object:
        found = self.versions.objects.get(key)
        if found is None:
            raise error_of(404, "NotFound", f"{_called(key)} not found")
        return found

    def _make_by_replacing(self, key: Key, body: Object) -> Object:
        if body["metadata"].get("uid") or body["metadata"].get("resourceVersion"):
            raise error_of(
                409, "Conflict", f"Operation cannot be fulfilled on {_called(key)}: it is not there any more"
            )
        return self._create(key.resource, key.namespace, body)

    def _create(self, resource: Resource, namespace: str | None, body: Object) -> Object:
        number = self.versions.revision + 1
        metadata: dict[str, Any] = dict(body["metadata"])
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                raise error_of(422, "Invalid", "metadata.name: Required value: name or generateName is required")
            metadata["name"] = f"{metadata['generateName']}{number:05d}"
        key = _key(resource, namespace, metadata["name"])
        if key in self.versions.objects:
            raise error_of(409, "AlreadyExists", f"{_called(key)} already exists")
        kept = {field: value for field, value in metadata.items() if field not in _SYSTEM_FIELDS}
        given: dict[str, Any] = {"uid": _made_uid(number), "creationTimestamp": self._timestamp()}
        if resource.is_namespaced:
            given["namespace"] = namespace
        if resource in HAS_GENERATION:
            given["generation"] = 1
        types = {"apiVersion": resource.api_version, "kind": resource.kind}
        spoken = {field: value for field, value in body.items() if field != "status" or resource not in DROPS_STATUS}
        return self.versions.put(key, {**types, **spoken, "metadata": kept | given})

    def _apply(self, key: Key, found: Object, wanted: Object, subresource: str, *, force: bool) -> Object:
        before = self._applied.get((_uid(found), subresource), {})
        refused = [] if force else sorted(conflicts(found, before, wanted))
        if refused:
            raise error_of(409, "Conflict", f"Apply failed with {len(refused)} conflicts: {', '.join(refused)}")
        changed = self._update(key, found, applied(found, before, wanted))
        self._applied[_uid(found), subresource] = wire(ours_alone(found, before, wanted))
        return changed

    def _update(self, key: Key, found: Object, wanted: Mapping[str, Any]) -> Object:
        """Store `wanted` in the place of `found`, unless nothing changed. What the server owns stays."""
        old = found["metadata"]
        metadata = {**wanted["metadata"], **{field: old[field] for field in _SYSTEM_FIELDS if field in old}}
        new = wire({field: value for field, value in {**wanted, "metadata": metadata}.items() if value is not None})
        if new == found:
            return found
        if _content(new) != _content(found):
            if key.resource in IMMUTABLE:
                raise error_of(422, "Invalid", f"{_called(key)} is invalid: spec can't be changed")
            wider = widened(found["spec"], new["spec"]) if key.resource in NARROWS else []
            if wider:
                raise error_of(422, "Invalid", f"{_called(key)} is invalid: wider in {', '.join(wider)}")
            if key.resource in HAS_GENERATION:
                new["metadata"]["generation"] += 1
        stored = self.versions.put(key, new)
        if "deletionTimestamp" in old and not new["metadata"].get("finalizers"):
            self.versions.remove(key)
        return stored

    def _delete(self, key: Key, found: Object) -> None:
        metadata = found["metadata"]
        if not metadata.get("finalizers"):
            self.versions.remove(key)
        elif "deletionTimestamp" not in metadata:
            generation = {"generation": metadata["generation"] + 1} if "generation" in metadata else {}
            ending = {"deletionTimestamp": self._timestamp(), "deletionGracePeriodSeconds": 0, **generation}
            self.versions.put(key, {**found, "metadata": {**metadata, **ending}})

    def _timestamp(self) -> str:
        return format_time(self._clock.now())[:19] + "Z"  # metav1.Time has whole seconds


def _key(resource: Resource, namespace: str | None, name: str) -> Key:
    return Key(resource, namespace or "" if resource.is_namespaced else "", name)


def _uid(found: Object) -> str:
    uid: str = found["metadata"]["uid"]
    return uid


def _made_uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _called(key: Key) -> str:
    group = f".{key.resource.group}" if key.resource.group else ""
    return f'{key.resource.plural}{group} "{key.name}"'


def _content(found: Object) -> Mapping[str, Any]:
    return {field: value for field, value in found.items() if field not in {"metadata", "status"}}


def _brief(found: Object, resource: Resource) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": found["metadata"]}


def _no_such_resource() -> Exception:
    return error_of(404, "NotFound", "the server could not find the requested resource")
