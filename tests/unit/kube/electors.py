"""Processes that want to lead, each over a line of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.kube.resources import LEASES
from tests.simulators.virtual_time import VirtualClock
from tests.unit.kube.far_api import FarApi, Line


@dataclass(slots=True)
class Process:
    """One that wants to lead, and from when to when it acted."""

    elector: Elector
    line: Line
    acted: list[list[float]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def act(self) -> None:
        now = self.elector.clock.monotonic
        self.acted.append([now()])
        try:
            await asyncio.Event().wait()
        finally:
            self.acted[-1].append(now())

    def is_acting(self) -> bool:
        return bool(self.acted) and len(self.acted[-1]) == 1

    async def stop(self) -> None:
        self.line.go_on()
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})

    async def die(self) -> None:
        """End without a word to anybody."""
        self.line.cut()
        await self.stop()


def some_settings(identity: str = "a", **changes: Any) -> LeaseSettings:
    return LeaseSettings(name="lease", namespace="jitgress-system", identity=identity, **changes)


def a_process(api: FarApi, clock: VirtualClock, identity: str) -> Process:
    line = Line()
    return Process(Elector(api.over(line), some_settings(identity), clock), line)


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    for process in processes:
        process.task = asyncio.create_task(process.elector.lead(process.act))
    try:
        yield
    finally:
        for process in processes:
            await process.stop()


async def record(api: FarApi) -> Any:
    found = await api.over(Line()).get(LEASES, "lease", "jitgress-system")
    return found["spec"]
