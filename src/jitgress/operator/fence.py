"""The fence: who leads no more changes nothing and records nothing, not even in the middle of what it began.

A process that was suspended between two steps wakes up with the second one still to do, and the other process has led
since. So leadership is asked for at every change, not only at the beginning of a reconciliation. Reading is free.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event
from jitgress.kube.client import FIELD_MANAGER, KubeApi, Object, Page
from jitgress.kube.resources import Resource
from jitgress.operator.ports import Ledger

MayAct = Callable[[], bool]


class NotLeadingError(JitgressError):
    """Another process leads: this one must not change anything."""

    code = "not_leading"


@dataclass(frozen=True, slots=True)
class FencedLedger:
    """A `Ledger` in which only the leader records."""

    ledger: Ledger
    may_act: MayAct

    async def append(self, event: Event) -> Event:
        """Record `event`. Raises `NotLeadingError`."""
        _require(self.may_act)
        return await self.ledger.append(event)

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        """Return every event about one request."""
        return await self.ledger.history(request_uid)


@dataclass(frozen=True, slots=True)
class FencedApi:
    """A `KubeApi` that only the leader changes. Every change raises `NotLeadingError` in another process."""

    api: KubeApi
    may_act: MayAct

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return one object."""
        return await self.api.get(resource, name, namespace)

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one object, or None where there is none."""
        return await self.api.find(resource, name, namespace)

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
        """Return one page of a list."""
        return await self.api.list_page(
            resource,
            namespace,
            limit=limit,
            next_page=next_page,
            is_brief=is_brief,
            name=name,
            selector=selector,
        )

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object]:
        """Yield watch events."""
        return self.api.watch(
            resource,
            namespace,
            resource_version=resource_version,
            timeout_s=timeout_s,
            name=name,
            selector=selector,
        )

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Create an object and return it."""
        _require(self.may_act)
        return await self.api.create(resource, body, namespace)

    async def replace(self, resource: Resource, body: Object) -> Object:
        """Replace an object."""
        _require(self.may_act)
        return await self.api.replace(resource, body)

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        """Apply an object server-side and return it."""
        _require(self.may_act)
        return await self.api.apply(resource, body, force=force)

    async def apply_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Object,
        *,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        """Apply the status of an existing object."""
        _require(self.may_act)
        return await self.api.apply_status(resource, name, namespace, status, manager=manager)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        """Delete an object."""
        _require(self.may_act)
        await self.api.delete(resource, name, namespace, uid=uid)


def _require(may_act: MayAct) -> None:
    if not may_act():
        raise NotLeadingError(
            "this process leads no more, so it leaves the rest to the one that does",
            remedy="Nothing need be done; if it stays, look at the Lease and at the processes' clocks.",
        )
