"""Whatever is scheduled, replaced and cancelled: what a plain dict says is due comes out, and memory stays bounded."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jitgress.kube.timer_heap import TimerHeap
from tests.builders import NOW, after
from tests.simulators.clock import HandClock

KEYS = st.integers(0, 7)
OFFSETS = st.integers(-5, 20)


class Timers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.timers: TimerHeap[int] = TimerHeap(self.clock)
        self.due: dict[int, datetime] = {}
        self.most = 0

    @rule(key=KEYS, offset=OFFSETS)
    def schedule(self, key: int, offset: int) -> None:
        at = self.clock.now() + timedelta(seconds=offset)
        self.timers.schedule(key, at)
        self.due[key] = at
        self.most = max(self.most, len(self.due))

    @rule(key=KEYS)
    def schedule_again_for_the_same_moment(self, key: int) -> None:
        if key in self.due:
            self.timers.schedule(key, self.due[key])

    @rule(key=KEYS, offset=OFFSETS)
    def schedule_cancel_and_schedule(self, key: int, offset: int) -> None:
        at = self.clock.now() + timedelta(seconds=offset)
        for _ in range(3):
            self.timers.schedule(key, at)
            self.timers.cancel(key)
        self.schedule(key, offset)

    @rule(key=KEYS)
    def cancel(self, key: int) -> None:
        self.timers.cancel(key)
        self.due.pop(key, None)

    @rule(key=KEYS, times=st.integers(50, 200))
    def put_off_again_and_again(self, key: int, times: int) -> None:
        for number in range(times):
            self.schedule(key, 1000 + number)

    @rule(elapsed=st.integers(0, 10))
    def take(self, elapsed: int) -> None:
        self.clock.advance(elapsed)
        expected = {key for key, at in self.due.items() if at <= self.clock.now()}
        taken = self.timers.take_due(self.clock.now())
        assert len(taken) == len(set(taken))
        assert set(taken) == expected
        assert [self.due[key] for key in taken] == sorted(self.due[key] for key in taken)
        for key in taken:
            del self.due[key]

    @rule(back=st.integers(1, 10))
    def put_the_clock_back(self, back: int) -> None:
        self.clock.at -= timedelta(seconds=back)

    @invariant()
    def the_next_is_the_earliest(self) -> None:
        assert self.timers.next_at() == min(self.due.values(), default=None)

    @invariant()
    def memory_is_bounded_by_the_keys(self) -> None:
        kept = len(self.timers._heap)  # noqa: SLF001  there is no other way to see what is kept
        assert kept <= 2 * self.most + 17
        assert len(self.timers._due) == len(self.due)  # noqa: SLF001  the same


Timers.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTimers = Timers.TestCase


def test_a_hundred_thousand_postponements_of_one_key_keep_a_handful_of_entries() -> None:
    timers: TimerHeap[str] = TimerHeap(HandClock())
    for number in range(100_000):
        timers.schedule("a", after(number))
    assert len(timers._heap) < 50  # noqa: SLF001  there is no other way to see what is kept
    assert timers.take_due(NOW + timedelta(days=2)) == ["a"]
