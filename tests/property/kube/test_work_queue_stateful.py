"""Any order of adding, taking, finishing, failing and cancelling: no key is lost, none is worked on twice at once."""

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jitgress.kube.backoff import Backoff
from jitgress.kube.work_queue import MOST_PATIENT, WorkQueue
from tests.simulators.virtual_time import VirtualTimeLoop

KEYS = st.integers(0, 4)
WHICH = st.integers(0, 10)


class Queue(RuleBasedStateMachine):
    """`wanted` are keys that were added and that nobody began to work on since."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.queue: WorkQueue[int] = WorkQueue(Backoff(lambda: 0.0))
        self.takers: list[asyncio.Task[None]] = []
        self.working: list[int] = []
        self.wanted: set[int] = set()
        self.failures: dict[int, int] = {}

    def teardown(self) -> None:
        for taker in self.takers:
            taker.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    @rule(key=KEYS)
    def add(self, key: int) -> None:
        self.queue.add(key)
        self.wanted.add(key)

    @rule(key=KEYS)
    def add_patiently(self, key: int) -> None:
        self.queue.add_patiently(key)
        self.wanted.add(key)

    @rule(keys=st.lists(KEYS, max_size=4), is_cancelled=st.booleans())
    def begin_to_take(self, keys: list[int], is_cancelled: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        taker = self.loop.create_task(self.take())
        self.let_them()
        for key in keys:
            self.add(key)
        if is_cancelled:
            taker.cancel()
        self.takers.append(taker)

    @precondition(lambda self: self.working)
    @rule(which=WHICH, succeeds=st.booleans())
    def finish(self, which: int, succeeds: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        key = self.working.pop(which % len(self.working))
        if succeeds:
            self.queue.done(key)
            self.failures.pop(key, None)
            return
        self.failures[key] = self.failures.get(key, 0) + 1
        assert self.queue.failed(key) == Backoff(lambda: 0.0).delay(self.failures[key])

    @invariant()
    def nobody_waits_beside_work_and_nothing_is_worked_on_twice(self) -> None:
        self.let_them()
        for taker in [taker for taker in self.takers if taker.done()]:
            self.takers.remove(taker)
            if not taker.cancelled():
                taker.result()
        ready = self.wanted - set(self.working)
        assert len(self.queue) == len(ready)
        # Of patient keys a few are worked on at a time, so that some may wait beside as many.
        is_held_up = len(self.working) >= MOST_PATIENT
        assert is_held_up or not (self.takers and ready), f"somebody waits while {ready} want work"

    async def take(self) -> None:
        key = await self.queue.take()
        assert key not in self.working, "two work on one key"
        assert key in self.wanted, "nobody asked for this"
        self.working.append(key)
        self.wanted.discard(key)

    def let_them(self) -> None:
        async def some_turns() -> None:
            for _ in range(4):
                await asyncio.sleep(0)

        self.do(some_turns())

    def do(self, work: Any) -> None:
        self.loop.run_until_complete(work)


Queue.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestQueue = Queue.TestCase
