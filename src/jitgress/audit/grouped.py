"""The ledger for async callers: appends that wait at the same time share one transaction, and so one fsync.

Every caller is answered only when its event is on disk. The queue is bounded: when the disk is slow, callers wait.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeVar

from jitgress.audit.chain import Head
from jitgress.audit.errors import LedgerBusyError, LedgerError
from jitgress.audit.ledger import Ledger, Prepared, Recorded, prepare
from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event

MAX_WAITING: Final = 1024  # appends; beyond it callers wait before they are queued
MAX_GROUP: Final = 256  # appends in one transaction: some 25 ms, which bounds what the first of them waits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    prepared: Prepared
    answer: asyncio.Future[Recorded]


class GroupedLedger:
    """A ledger whose appends are grouped. Made by `grouped`; usable inside its block only."""

    def __init__(self, ledger: Ledger, executor: ThreadPoolExecutor) -> None:
        self._ledger = ledger
        self._executor = executor
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(MAX_WAITING)
        self._is_open = True  # takes events
        self._is_writing = True  # writes what it took

    async def append(self, event: Event) -> Event:
        """Record `event` durably and return it as recorded; raise `LedgerError` when it is not on disk.

        A cancelled caller's event may still be recorded, like one whose writer dies: appending it again is harmless.
        """
        prepared = prepare(event)
        if not self._is_open:
            raise _stopped()
        waiting = _Waiting(prepared, asyncio.get_running_loop().create_future())
        await self._queue.put(waiting)
        if not self._is_writing:  # it stopped while this one waited for room
            self._refuse_waiting()
        return (await waiting.answer).event

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        """Return all events of one request, in the order of the ledger."""
        return tuple(entry.event for entry in await self._in_thread(lambda: self._ledger.history(request_uid)))

    async def head(self) -> Head:
        """Return how far the ledger goes now. Fails when the ledger can't be read, and so tells whether it is ready."""
        return await self._in_thread(self._ledger.head)

    async def write(self) -> None:
        """Write group after group until `close`; runs in the task that `grouped` owns."""
        try:
            is_last = False
            while not is_last:
                group = [await self._queue.get()]
                while len(group) < MAX_GROUP and not self._queue.empty():
                    group.append(self._queue.get_nowait())
                is_last = None in group
                await self._write_group([waiting for waiting in group if waiting is not None])
        finally:
            self._is_open = self._is_writing = False
            self._refuse_waiting()

    async def close(self) -> None:
        """Take no more events; those that wait are still written."""
        self._is_open = False
        await self._queue.put(None)

    async def _write_group(self, group: list[_Waiting]) -> None:
        failure: LedgerError = _stopped()
        recorded: list[Recorded] = []
        try:
            batch = [waiting.prepared for waiting in group]
            recorded = await self._in_thread(lambda: self._ledger.append_all(batch))
        except LedgerError as error:
            failure = error
        finally:  # also when this task is cancelled: nobody waits for an answer that can't come
            for waiting, entry in zip_longest(group, recorded):
                _answer(waiting, entry or failure)

    def _refuse_waiting(self) -> None:
        while not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is not None:
                _answer(waiting, _stopped())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


@asynccontextmanager
async def grouped(ledger: Ledger) -> AsyncGenerator[GroupedLedger]:
    """Yield `ledger` with grouped appends; at the end of the block everything that waits is written first."""
    with ThreadPoolExecutor(1, thread_name_prefix="ledger") as executor:
        shared = GroupedLedger(ledger, executor)
        failure: JitgressError | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(shared.write(), name="ledger")
            try:
                yield shared
            except JitgressError as error:
                failure = error  # raised behind the task group, which would wrap it and end the writer at once
            finally:
                await shared.close()
        if failure is not None:
            raise failure


def _answer(waiting: _Waiting, outcome: Recorded | LedgerError) -> None:
    if waiting.answer.done():  # its caller was cancelled
        return
    if isinstance(outcome, LedgerError):
        waiting.answer.set_exception(type(outcome)(outcome.message, remedy=outcome.remedy))
    else:
        waiting.answer.set_result(outcome)


def _stopped() -> LedgerBusyError:
    return LedgerBusyError("the ledger's writer has stopped", remedy="The process is ending; try again.")
