"""The outermost loop: what fails comes back later, and everything else goes on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from jitgress.kube.controller import Controller, ControllerMetrics
from jitgress.kube.errors import ConflictError
from tests.builders import seconds
from tests.simulators.virtual_time import VirtualClock

A_LITTLE_S = 0.001


@dataclass(slots=True)
class Worked:
    """A reconciliation that a test scripts, and when it was called with which key."""

    clock: VirtualClock
    fails: dict[str, BaseException] = field(default_factory=dict)
    next_at: dict[str, datetime] = field(default_factory=dict)
    takes_s: float = 0.0
    calls: list[tuple[float, str]] = field(default_factory=list)
    busy: Counter[str] = field(default_factory=Counter)

    async def reconcile(self, key: str) -> datetime | None:
        self.calls.append((self.clock.monotonic(), key))
        self.busy[key] += 1
        assert self.busy[key] == 1
        await asyncio.sleep(self.takes_s)
        self.busy[key] -= 1
        if key in self.fails:
            raise self.fails[key]
        return self.next_at.pop(key, None)

    def times(self, key: str) -> list[float]:
        return [at for at, called in self.calls if called == key]


@dataclass(slots=True)
class Concern:
    worked: Worked
    registry: CollectorRegistry
    controller: Controller[str]

    def errors(self) -> float | None:
        return self.registry.get_sample_value("jitgress_reconcile_errors_total", {"concern": "doors"})

    def reconciliations(self) -> float | None:
        return self.registry.get_sample_value("jitgress_reconcile_duration_seconds_count", {"concern": "doors"})


@asynccontextmanager
async def a_concern(
    clock: VirtualClock, *, workers: int = 2, may_act: Callable[[], bool] = lambda: True
) -> AsyncIterator[Concern]:
    """Yield one that runs."""
    registry, worked = CollectorRegistry(), Worked(clock)
    metrics = ControllerMetrics(registry)
    controller = Controller("doors", worked.reconcile, clock, metrics, workers=workers, may_act=may_act)
    running = asyncio.create_task(controller.run())
    try:
        yield Concern(worked, registry, controller)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_key_is_reconciled_soon_and_then_left_alone(clock: VirtualClock) -> None:
    async with a_concern(clock) as concern:
        concern.controller.add("a")
        await asyncio.sleep(3600)
        assert concern.worked.calls == [(0.0, "a")]
        assert concern.reconciliations() == 1


async def test_a_key_comes_back_when_it_said_it_would(clock: VirtualClock) -> None:
    async with a_concern(clock) as concern:
        concern.worked.next_at["a"] = clock.now() + seconds(90)
        concern.controller.add("a")
        await asyncio.sleep(3600)
        assert concern.worked.times("a") == pytest.approx([0, 90], abs=A_LITTLE_S)


async def test_a_key_that_no_longer_wants_to_come_back_doesnt(clock: VirtualClock) -> None:
    async with a_concern(clock) as concern:
        concern.worked.next_at["a"] = clock.now() + seconds(90)
        concern.controller.add("a")
        await asyncio.sleep(10)
        concern.controller.add("a")
        await asyncio.sleep(3600)
        assert concern.worked.times("a") == [0, 10]


@pytest.mark.parametrize(
    "error",
    [
        ConflictError("somebody was faster"),
        KeyError("spec"),
        RecursionError(),
        ExceptionGroup("many", [OSError()]),
        asyncio.CancelledError("something that it waited for"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_reconciliation_raises_is_counted_and_tried_again(
    clock: VirtualClock, error: BaseException
) -> None:
    async with a_concern(clock, workers=1) as concern:
        concern.worked.fails["a"] = error
        concern.controller.add("a")
        await asyncio.sleep(5)
        failed = len(concern.worked.calls)
        concern.worked.fails.clear()
        await asyncio.sleep(10)
        assert failed > 2
        assert concern.errors() == failed
        assert len(concern.worked.calls) == failed + 1


async def test_one_that_always_fails_is_tried_less_and_less_often_but_never_given_up(clock: VirtualClock) -> None:
    async with a_concern(clock) as concern:
        concern.worked.fails["a"] = OSError()
        concern.controller.add("a")
        await asyncio.sleep(3600)
        waits = [later - earlier for earlier, later in pairwise(concern.worked.times("a"))]
        assert min(waits) >= 0.05 - A_LITTLE_S
        assert 5 - A_LITTLE_S <= min(waits[10:]) <= max(waits) <= 10 + A_LITTLE_S
        assert 360 <= len(waits) <= 740


async def test_a_broken_key_stops_no_other(clock: VirtualClock) -> None:
    async with a_concern(clock, workers=1) as concern:
        concern.worked.fails["broken"] = ValueError()
        concern.controller.add("broken")
        for second in range(60):
            concern.controller.add(f"fine-{second}")
            await asyncio.sleep(1)
            assert concern.worked.times(f"fine-{second}") == pytest.approx([second], abs=A_LITTLE_S)


async def test_no_key_is_reconciled_by_two_at_once_and_one_that_changed_meanwhile_comes_again(
    clock: VirtualClock,
) -> None:
    async with a_concern(clock, workers=3) as concern:
        concern.worked.takes_s = 10
        for _ in range(5):
            concern.controller.add("a")
            await asyncio.sleep(1)
        await asyncio.sleep(60)
        assert concern.worked.times("a") == [0, 10]


async def test_keys_are_reconciled_side_by_side_by_as_many_as_there_are_workers(clock: VirtualClock) -> None:
    async with a_concern(clock, workers=3) as concern:
        concern.worked.takes_s = 10
        for key in "abcde":
            concern.controller.add(key)
        await asyncio.sleep(60)
        assert [at for at, _ in concern.worked.calls] == [0, 0, 0, 10, 10]


async def test_who_may_not_act_does_nothing_and_begins_soon_after_it_may(clock: VirtualClock) -> None:
    async with a_concern(clock, may_act=lambda: clock.monotonic() >= 100) as concern:
        for key in "abc":
            concern.controller.add(key)
        await asyncio.sleep(200)
        assert sorted(key for _, key in concern.worked.calls) == ["a", "b", "c"]
        assert all(100 <= at <= 101 + A_LITTLE_S for at, _ in concern.worked.calls)
        assert concern.errors() is None


async def test_an_ended_controller_leaves_nothing_running(clock: VirtualClock) -> None:
    before = asyncio.all_tasks()
    async with a_concern(clock, workers=4) as concern:
        concern.worked.takes_s = 1000
        for key in "ab":
            concern.controller.add(key)
        await asyncio.sleep(1)
    assert asyncio.all_tasks() == before
