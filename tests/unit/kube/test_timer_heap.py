"""Deadlines by the wall clock, also when somebody puts that clock right or wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from jitgress.kube.timer_heap import LONGEST_SLEEP, TimerHeap
from tests.builders import NOW, after, seconds
from tests.simulators.virtual_time import VirtualClock


@dataclass(slots=True)
class WallClock:
    """A wall clock that can be put forward and back, above one that can't."""

    steady: VirtualClock
    wrong_by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.steady.now() + self.wrong_by

    def monotonic(self) -> float:
        return self.steady.monotonic()


@dataclass(slots=True)
class Bell:
    """A running heap, and when it fired what, by the steady clock."""

    clock: WallClock
    timers: TimerHeap[str]
    rung: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def ring(self, key: str) -> None:
        self.rung[key] = self.clock.monotonic()
        self.count += 1


@pytest.fixture
async def bell(clock: VirtualClock) -> AsyncIterator[Bell]:
    wall = WallClock(clock)
    async with running(Bell(wall, TimerHeap(wall))) as bell:
        yield bell


@asynccontextmanager
async def running(bell: Bell) -> AsyncIterator[Bell]:
    task = asyncio.create_task(bell.timers.run(bell.ring))
    try:
        yield bell
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_each_key_fires_once_at_its_deadline(bell: Bell) -> None:
    bell.timers.schedule("late", after(90))
    bell.timers.schedule("early", after(0.25))
    await asyncio.sleep(200)
    assert bell.rung == {"early": pytest.approx(0.25, abs=0.001), "late": pytest.approx(90, abs=0.001)}
    assert bell.count == 2


async def test_what_is_past_already_fires_at_once(bell: Bell) -> None:
    await asyncio.sleep(10.5)
    bell.timers.schedule("a", NOW)
    await asyncio.sleep(0.001)
    assert bell.rung == {"a": 10.5}


async def test_a_replaced_deadline_counts_for_nothing(bell: Bell) -> None:
    bell.timers.schedule("put off", after(10))
    bell.timers.schedule("put off", after(20))
    bell.timers.schedule("hastened", after(20))
    bell.timers.schedule("hastened", after(5))
    await asyncio.sleep(60)
    assert bell.rung == {"put off": pytest.approx(20, abs=0.001), "hastened": pytest.approx(5, abs=0.001)}
    assert bell.count == 2


async def test_a_cancelled_deadline_doesnt_fire_and_can_be_set_again(bell: Bell) -> None:
    bell.timers.schedule("a", after(10))
    bell.timers.cancel("a")
    await asyncio.sleep(15)
    assert bell.rung == {}
    bell.timers.schedule("a", after(20))
    await asyncio.sleep(15)
    assert bell.count == 1


async def test_a_key_can_be_scheduled_again_while_it_fires(clock: VirtualClock) -> None:
    wall = WallClock(clock)
    bell = Bell(wall, TimerHeap(wall))
    fired: list[float] = []

    def again(key: str) -> None:
        fired.append(wall.monotonic())
        bell.timers.schedule(key, wall.now() + seconds(30))

    bell.timers.schedule("a", NOW)
    task = asyncio.create_task(bell.timers.run(again))
    await asyncio.sleep(100)
    task.cancel()
    assert fired == pytest.approx([0, 30, 60, 90], abs=0.001)


async def test_a_clock_put_forward_makes_due_what_it_jumps_over(bell: Bell) -> None:
    bell.timers.schedule("a", after(3600))
    await asyncio.sleep(10)
    bell.clock.wrong_by = timedelta(hours=2)
    await asyncio.sleep(LONGEST_SLEEP.total_seconds())
    assert bell.rung["a"] <= 10 + LONGEST_SLEEP.total_seconds()


async def test_a_clock_put_back_makes_no_wait_longer(bell: Bell) -> None:
    bell.timers.schedule("try again", after(10))
    await asyncio.sleep(5)
    bell.clock.wrong_by = timedelta(hours=-2)
    await asyncio.sleep(30)
    assert bell.rung["try again"] <= 10


async def test_what_fired_early_because_the_clock_was_put_back_can_wait_for_its_deadline_again(bell: Bell) -> None:
    bell.clock.wrong_by = timedelta(hours=-1)
    await asyncio.sleep(5)
    bell.timers.schedule("a", after(60))
    await asyncio.sleep(3600)
    assert bell.count == 0
    await asyncio.sleep(61)
    assert bell.rung == {"a": pytest.approx(3660, abs=0.001)}


async def test_a_heap_without_deadlines_and_one_with_a_far_one_look_at_the_clock_once_a_second(
    clock: VirtualClock,
) -> None:
    @dataclass(slots=True)
    class CountingClock(WallClock):
        readings: int = 0

        def now(self) -> datetime:
            self.readings += 1
            return WallClock.now(self)

    wall = CountingClock(clock)
    async with running(Bell(wall, TimerHeap(wall))) as bell:
        await asyncio.sleep(60)
        bell.timers.schedule("a", after(10_000))
        await asyncio.sleep(60)
    assert 100 <= wall.readings <= 130
