"""However slow or broken the lines, however wrong the wall clocks, whoever is paused or killed: one leader at most.

Each process has clocks of its own: a wall clock that is somewhere else and jumps, and a steady one that runs up to a
tenth too fast or too slow. Time is virtual, and all who live are asked four times a second whether they may act.
"""

import asyncio
import math
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.kube.resources import LEASES
from tests.builders import NOW
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop
from tests.unit.kube.far_api import FarApi, Line

PROCESSES: Final = 3
LOOK_EVERY_S: Final = 0.25
TAKEN_OVER_S: Final = 15 / 0.9 + 3 * 2.4  # by the slowest clock; three of the longest tries
TICK_S: Final = 2.0**-20  # without rounding errors: a rest below the loop's resolution would stop the virtual time
UNDER_WAY_S: Final = 100.0  # what was sent over the slowest line has arrived by then
WHICH: Final = st.integers(0, PROCESSES - 1)
DELAYS: Final = st.sampled_from([0.0, 0.0, 0.3, 3.0, 9.0, 14.0, 40.0])


@dataclass(slots=True)
class OwnClock:
    """The clocks of one machine."""

    loop: VirtualTimeLoop
    rate: float
    started_at: float
    wrong_by: timedelta

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.loop.time()) + self.wrong_by

    def monotonic(self) -> float:
        return math.floor((self.started_at + self.loop.time() * self.rate) / TICK_S) * TICK_S


@dataclass(slots=True)
class Process:
    elector: Elector
    clock: OwnClock
    line: Line
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Acting:
    """Who acts at present; two at a time is what must never be."""

    names: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def act(self, elector: Elector) -> None:
        name = elector.settings.identity
        self.names.append(name)
        if len(self.names) > 1:
            self.wrong.append(f"{self.names} act at once")
        if not elector.may_act():
            self.wrong.append(f"{name} begins to act when it may not")
        try:
            await asyncio.Event().wait()
        finally:
            self.names.remove(name)


class Electors(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.api = FarApi(VirtualClock(self.loop))
        self.acting = Acting()
        self.processes: list[Process] = []
        self.started = 0

    def teardown(self) -> None:
        for process in self.processes:
            self.do(self.kill(process))
        self.do(asyncio.sleep(UNDER_WAY_S))
        self.do(self.loop.shutdown_asyncgens())
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(work)

    @initialize(rates=st.tuples(*[st.sampled_from([0.9, 1.0, 1.1])] * PROCESSES))
    def begin(self, rates: tuple[float, ...]) -> None:
        self.processes = [self.a_process(rate) for rate in rates]

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 11.0, 16.0, 45.0]))
    def pass_time(self, seconds: float) -> None:
        self.do(self.look_on(seconds))

    @rule(which=WHICH, there=DELAYS, back=DELAYS)
    def slow_down(self, which: int, there: float, back: float) -> None:
        line = self.processes[which].line
        line.there_s, line.back_s = there, back

    @rule(which=WHICH)
    def cut(self, which: int) -> None:
        self.processes[which].line.cut()

    @rule(which=WHICH)
    def mend(self, which: int) -> None:
        line = self.processes[which].line
        line.there_s = line.back_s = 0.0
        line.mend()

    @rule(which=WHICH, seconds=st.sampled_from([3.0, 9.5, 14.0, 16.0, 30.0]))
    def pause(self, which: int, seconds: float) -> None:
        """Stop a process for a while: what it does next, it does from where it was."""
        line = self.processes[which].line
        line.pause()
        self.do(self.look_on(seconds))
        line.go_on()

    @rule(which=WHICH, hours=st.sampled_from([-1000, -1, 1, 1000]))
    def put_the_wall_clock_wrong(self, which: int, hours: int) -> None:
        self.processes[which].clock.wrong_by = timedelta(hours=hours)

    @rule(which=WHICH, is_told=st.booleans())
    def replace_a_process(self, which: int, is_told: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        old = self.processes[which]
        self.do(self.stop(old) if is_told else self.kill(old))
        self.processes[which] = self.a_process(old.clock.rate)

    @rule()
    def delete_the_lease(self) -> None:
        """Somebody tidies up. Those who looked on before know that its holder may not know yet; a newcomer doesn't."""
        self.mend_all()
        self.do(self.look_on(TAKEN_OVER_S))
        self.do(self.api.over(Line()).delete(LEASES, "lease", "jitgress-system"))
        self.do(self.look_on(TAKEN_OVER_S))

    @rule()
    def recover(self) -> None:
        """Once everything works, somebody leads again in time, and acts."""
        self.mend_all()
        self.do(self.look_on(TAKEN_OVER_S))
        leaders = [process.elector.settings.identity for process in self.processes if process.elector.may_act()]
        assert len(leaders) == 1
        assert self.acting.names == leaders

    def mend_all(self) -> None:
        longest_s = max(process.line.there_s + process.line.back_s for process in self.processes)
        for which in range(PROCESSES):
            self.mend(which)
        self.do(self.look_on(2 * longest_s))  # what is under way is still slow

    async def look_on(self, seconds: float) -> None:
        ends_at = self.loop.time() + seconds
        while self.loop.time() < ends_at:
            await asyncio.sleep(min(LOOK_EVERY_S, ends_at - self.loop.time()))
            leaders = [process.elector.settings.identity for process in self.processes if process.elector.may_act()]
            assert len(leaders) <= 1, leaders
            assert not self.acting.wrong, self.acting.wrong

    def a_process(self, rate: float) -> Process:
        self.started += 1
        line = Line()
        clock = OwnClock(self.loop, rate, 1000.0 * self.started, timedelta(days=self.started))
        terms = LeaseSettings(name="lease", namespace="jitgress-system", identity=f"process-{self.started}")
        elector = Elector(self.api.over(line), terms, clock)
        task = self.loop.create_task(elector.lead(lambda: self.acting.act(elector)))
        return Process(elector, clock, line, task)

    async def stop(self, process: Process) -> None:
        """Tell it to end, and wait until it has; its line may be as bad as before."""
        if process.task is not None:
            process.task.cancel()
            await asyncio.wait({process.task})

    async def kill(self, process: Process) -> None:
        process.line.there_s = process.line.back_s = 0.0
        process.line.cut()
        await self.stop(process)


Electors.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestElectors = Electors.TestCase
