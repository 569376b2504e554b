"""The consults of an operator in virtual time: its controller, its ledger, and the systems that it asks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from jitgress.domain.answer import Answer
from jitgress.kube.controller import Controller, ControllerMetrics
from jitgress.operator.answers import answers
from jitgress.operator.caches import Key
from jitgress.operator.consults.reconcile import ConsultReconciler
from jitgress.operator.questions import Question
from tests.builders import a_request
from tests.simulators.approvals import ApprovalSystem, SimulatedConsultant
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop
from tests.unit.operator.questions import a_question

ALICES: Key = ("shop", "alice-orders")


@dataclass(slots=True)
class WrongClock(VirtualClock):
    """The clock on the wall can be put wrong."""

    put_back: timedelta = timedelta(0)

    def now(self) -> datetime:
        return VirtualClock.now(self) - self.put_back


@dataclass(slots=True)
class Consulting:
    """`open` are the questions that wait for an answer. Who is poked closes them, as the request's own concern does."""

    clock: WrongClock
    systems: dict[str, ApprovalSystem] = field(default_factory=lambda: {"change": ApprovalSystem()})
    ledger: SimulatedLedger = field(default_factory=SimulatedLedger)
    open: dict[Key, Question] = field(default_factory=dict)
    poked: list[tuple[Key, float, int]] = field(default_factory=list)
    """Who was poked, when, and how many events were in the ledger by then."""
    consultant: SimulatedConsultant = field(init=False)
    controller: Controller[Key] = field(init=False)
    looked_up: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consultant = SimulatedConsultant(self.systems, self.clock)

    def start(self, workers: int = 8) -> None:
        """Run an operator that remembers nothing."""
        reconciler = ConsultReconciler(
            self.consultant,
            self.ledger,
            self.clock,
            open_question=self._open_question,
            poke=self._poke,
            randomness=lambda: 0.0,
        )
        metrics = ControllerMetrics(CollectorRegistry())
        self.controller = Controller("consults", reconciler.reconcile, self.clock, metrics, workers=workers)
        self._tasks.append(asyncio.get_running_loop().create_task(self.controller.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    def ask(self, question: Question | None = None, key: Key = ALICES) -> None:
        """Have a request wait for its webhook."""
        self.open[key] = question or a_question()
        self.controller.add(key)

    def ask_many(self, number: int, webhook: str = "change", until: datetime | None = None) -> None:
        for each in range(number):
            request = a_request(uid=f"{webhook}-{each}", name=f"{webhook}-{each}")
            question = a_question(webhook=webhook, request=request)
            self.ask(question if until is None else replace(question, until=until), ("shop", f"{webhook}-{each}"))

    def answers(self) -> tuple[Answer, ...]:
        return answers(self.ledger.entries)

    async def _open_question(self, key: Key) -> Question | None:
        self.looked_up += 1
        question = self.open.get(key)
        return question if question is not None and self.clock.now() < question.until else None

    def _poke(self, key: Key) -> None:
        self.poked.append((key, self.clock.monotonic(), len(self.ledger.entries)))
        self.open.pop(key, None)


def consulting(story: Callable[[Consulting], Awaitable[None]], webhooks: Iterable[str] = ("change",)) -> None:
    """Run a story in virtual time."""
    loop = VirtualTimeLoop()

    async def whole() -> None:
        there = Consulting(WrongClock(loop), {name: ApprovalSystem() for name in webhooks})
        there.start()
        try:
            await story(there)
        finally:
            await there.stop()

    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
