"""The agent's process: step when the API changes, when a grant ends, and every second for the lease."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from jitgress.domain.clock import Clock, SystemClock
from jitgress.domain.errors import JitgressError
from jitgress.gate.agent import RENEW_EVERY, Agent
from jitgress.gate.ports import GateStatus, Source
from jitgress.gate.publisher import Publisher
from jitgress.gate.runtime import RuntimeSocket
from jitgress.gate.settings import GateSettings

_FIRST_RETRY: Final = timedelta(milliseconds=50)
_log = structlog.get_logger()


async def run_gate(
    settings: GateSettings,
    source: Source,
    status: GateStatus,
    *,
    clock: Clock | None = None,
) -> None:
    """Keep HAProxy programmed until cancelled. HAProxy needn't run yet, and may be restarted at any time.

    Cancelling leaves HAProxy as it is: it serves on until its lease runs out.
    """
    the_clock = clock or SystemClock()
    runtime = RuntimeSocket(settings.socket)
    agent = Agent(settings, runtime, the_clock)
    publisher = Publisher(status, the_clock, settings.staleness)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run())
            tasks.create_task(_drive(agent, source, publisher))
    finally:
        runtime.close()


async def _drive(agent: Agent, source: Source, publisher: Publisher) -> None:
    retry = _FIRST_RETRY
    while True:
        wait = RENEW_EVERY
        view = source.view()
        if view is not None:
            try:
                wait = await agent.step(view)
                retry = _FIRST_RETRY
            except JitgressError as error:
                _log.warning("not_programmed", code=error.code, error=error.message)
                wait, retry = retry, min(retry * 2, RENEW_EVERY)
            else:
                if agent.programmed is not None:
                    publisher.tell(agent.programmed)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait.total_seconds())):
                await source.changed()
