"""Tells the operator how far the gate is programmed: one write for what is new, however much that is, and a heartbeat.

Invariant 9 builds on it: a grant counts as open only after every living gate has said so. A gate that no longer
follows falls silent, and after the staleness nobody waits for it.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.errors import JitgressError
from jitgress.gate.agent import Programmed
from jitgress.gate.ports import GateStatus

_HEARTBEATS: Final = 3  # within the staleness: two may be lost
_RETRY: Final = timedelta(seconds=1)
_log = structlog.get_logger()


class Publisher:
    """`tell` it after every successful step of the agent; `run` it beside the agent."""

    def __init__(self, status: GateStatus, clock: Clock, staleness: timedelta) -> None:
        self._status = status
        self._clock = clock
        self._staleness = staleness
        self._news = asyncio.Event()
        self._latest: Programmed | None = None
        self._told_at = 0.0

    def tell(self, programmed: Programmed) -> None:
        """Take notice that HAProxy follows up to `programmed` now, and has its lease."""
        self._told_at = self._clock.monotonic()
        if self._latest != programmed:
            self._latest = programmed
            self._news.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        heartbeat = self._staleness / _HEARTBEATS
        while True:
            is_done = await self._publish()
            with suppress(TimeoutError):
                async with asyncio.timeout((heartbeat if is_done else _RETRY).total_seconds()):
                    await self._news.wait()

    async def _publish(self) -> bool:
        """Publish the latest, unless the agent has not followed for long; tell whether nothing is left to say."""
        self._news.clear()
        latest = self._latest
        if latest is None or self._clock.monotonic() - self._told_at > self._staleness.total_seconds() / _HEARTBEATS:
            return True
        try:
            await self._status.publish(latest.resource_version, latest.at, self._clock.now())
        except JitgressError as error:
            _log.warning("status_not_published", error=error.message)
            return False
        return True
