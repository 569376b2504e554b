"""Running a process of ours to its end: told to stop, it lets go of what it holds; a defect ends it, loudly."""

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import structlog

from jitgress.domain.errors import JitgressError

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


async def until_told(parts: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run `parts` until SIGTERM or SIGINT comes, or one of them fails. Every part is cancelled and waited for."""
    try:
        await _until_told(parts)
    except JitgressError:
        raise
    except Exception:
        structlog.get_logger().exception("defect")  # whoever prints one line for people doesn't know where it was
        raise


async def _until_told(parts: Iterable[Coroutine[Any, Any, object]]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, told.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part) for part in parts]
            await told.wait()
            structlog.get_logger().info("stopping")
            for task in running:
                task.cancel()
    except* JitgressError as failures:
        raise _first(failures) from None
    finally:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)


def _first(failures: BaseExceptionGroup[JitgressError]) -> JitgressError:
    error = failures.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
