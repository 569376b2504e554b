"""A source of grants that a test holds in its hand: what the API says, and whether it can be heard."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jitgress.domain.clock import Clock
from jitgress.domain.grant import Grant
from jitgress.gate.ports import View
from tests.unit.gate.builders import an_object


@dataclass(slots=True)
class ApiStandIn:
    """A `Source` and a `GateStatus`."""

    clock: Clock
    jwks: str | None = None
    objects: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1
    is_reachable: bool = True
    published: list[str] = field(default_factory=list)
    _heard_at: float | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, grants: Iterable[Grant], jwks: str | None = None) -> None:
        self.say_objects([an_object(grant) for grant in grants], jwks)

    def say_objects(self, objects: Iterable[dict[str, Any]], jwks: str | None = None) -> None:
        self.objects, self.version = list(objects), self.version + 1
        self.jwks = jwks if jwks is not None else self.jwks
        self._changed.set()

    def view(self) -> View | None:
        if self.is_reachable:
            self._heard_at = self.clock.monotonic()
        if self._heard_at is None:
            return None
        return View(tuple(self.objects), self.jwks, str(self.version), self._heard_at)

    def forget(self) -> None:
        """Begin as a new process begins: it has heard nothing, whatever the one before it had heard."""
        self._heard_at = None

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def publish(self, resource_version: str, programmed_at: datetime, now: datetime) -> None:
        assert programmed_at <= now
        self.published.append(resource_version)
