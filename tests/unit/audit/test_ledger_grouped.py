"""The async face: concurrent appends share transactions, and each caller gets its own answer."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jitgress.audit.errors import EventRefusedError, LedgerBusyError, LedgerFullError
from jitgress.audit.grouped import MAX_WAITING, grouped
from jitgress.audit.ledger import Ledger, Prepared, Recorded
from jitgress.domain.event import Event, EventCode
from jitgress.domain.request import RequestRef


def an_event(number: int) -> Event:
    return Event(
        id=f"e{number}",
        code=EventCode.GRANT_OPENED,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        actor="operator",
        request=RequestRef("shop", "r", "uid"),
    )


class CountingLedger(Ledger):
    """A ledger that counts its transactions, and is full when told so."""

    transactions = 0
    is_full = False

    def append_all(self, batch: Sequence[Prepared]) -> list[Recorded]:
        self.transactions += 1
        if self.is_full:
            raise LedgerFullError("full", remedy="Make room.")
        return super().append_all(batch)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[CountingLedger]:
    opened = CountingLedger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.close()


async def test_appends_that_wait_together_share_transactions(ledger: CountingLedger) -> None:
    async with grouped(ledger) as shared:
        entries = await asyncio.gather(*(shared.append(an_event(number)) for number in range(100)))
        assert {event.id for event in entries} == {f"e{number}" for number in range(100)}
        assert (await shared.head()).count == 100
    assert ledger.transactions < 10


async def test_an_event_that_cannot_be_recorded_fails_its_own_caller_only(ledger: CountingLedger) -> None:
    async with grouped(ledger) as shared:
        bad = Event(id="bad", code=EventCode.GRANT_OPENED, at=datetime(2026, 1, 1, tzinfo=UTC), actor="\ud800")
        outcomes = await asyncio.gather(shared.append(bad), shared.append(an_event(1)), return_exceptions=True)
    assert isinstance(outcomes[0], EventRefusedError)
    assert isinstance(outcomes[1], Event)


async def test_a_failed_write_fails_everyone_who_waits_and_the_next_one_works(ledger: CountingLedger) -> None:
    ledger.is_full = True
    async with grouped(ledger) as shared:
        outcomes = await asyncio.gather(*(shared.append(an_event(n)) for n in range(3)), return_exceptions=True)
        ledger.is_full = False
        assert (await shared.append(an_event(1))).id == "e1"
        assert [event.id for event in await shared.history("uid")] == ["e1"]
    assert all(isinstance(outcome, LedgerFullError) and outcome.remedy for outcome in outcomes)


async def test_a_caller_who_gives_up_does_not_disturb_the_others(ledger: CountingLedger) -> None:
    async with grouped(ledger) as shared:
        impatient = asyncio.create_task(shared.append(an_event(1)))
        patient = asyncio.create_task(shared.append(an_event(2)))
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).id == "e2"


async def test_what_waits_at_the_end_is_written_and_later_events_are_refused(ledger: CountingLedger) -> None:
    async with asyncio.TaskGroup() as tasks, grouped(ledger) as shared:
        waiting = [tasks.create_task(shared.append(an_event(number))) for number in range(MAX_WAITING // 2)]
        await asyncio.sleep(0)
    assert all(task.result().id for task in waiting)
    with pytest.raises(LedgerBusyError):
        await shared.append(an_event(0))


async def test_callers_are_answered_when_the_writer_is_torn_down_under_them(ledger: CountingLedger) -> None:
    outcomes: list[BaseException] = []

    async def call(number: int) -> None:
        try:
            await shared.append(an_event(number))
        except LedgerBusyError as error:
            outcomes.append(error)

    with contextlib.suppress(ExceptionGroup):
        async with grouped(ledger) as shared:
            callers = [asyncio.create_task(call(number)) for number in range(MAX_WAITING + 50)]
            await asyncio.sleep(0)
            raise sqlite3.ProgrammingError("a defect elsewhere")
    await asyncio.wait_for(asyncio.gather(*callers), timeout=10)
    assert all(caller.done() for caller in callers)


async def test_what_fails_inside_comes_out_as_it_is_and_what_waited_is_written(ledger: CountingLedger) -> None:
    waiting: list[asyncio.Task[Event]] = []

    async def fails() -> None:
        async with grouped(ledger) as shared:
            waiting.append(asyncio.create_task(shared.append(an_event(1))))
            await asyncio.sleep(0)
            raise LedgerBusyError("the address is taken", remedy="Choose another.")

    with pytest.raises(LedgerBusyError, match="the address is taken"):
        await fails()
    assert [(await each).id for each in waiting] == ["e1"]
