"""Any mix of changes, outages, dead peers, slow lines and compactions: the cache ends as what the server has.

On the way there it is always a state that the server was in, and never in one from before `heard_at` (invariant 3);
and what a subscriber is told is one chain of changes, in which each begins where the last one ended.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jitgress.kube.client import Object
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import CONFIG_MAPS, SECRETS
from tests.builders import seconds
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop
from tests.unit.kube.far_api import FarApi

CONFIRM_EVERY_S: Final = 7.5
LOOK_EVERY_S: Final = 0.5
RECOVERED_S: Final = 60.0  # the longest wait, two confirmations, and a list of three slow pages
UNDER_WAY_S: Final = 100.0  # what was sent over the slowest line has arrived by then
NAMES: Final = st.sampled_from("abcde")
DELAYS: Final = st.sampled_from([0.0, 0.0, 0.1, 2.0, 8.0])

State = Mapping[str, str]
"""The resourceVersion of each object, by name."""


@dataclass(slots=True)
class Past:
    """The states that the server was in, each with since when."""

    states: list[tuple[float, State]] = field(default_factory=lambda: [(0.0, {})])

    def add(self, at: float, state: State) -> None:
        self.states.append((at, state))

    def was(self, state: State, since: float) -> bool:
        """Tell whether the server was in `state` at `since` or at any time after it."""
        until = [at for at, _ in self.states[1:]] + [float("inf")]
        return any(found == state and end >= since for (_, found), end in zip(self.states, until, strict=True))


class Followed(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.clock = VirtualClock(self.loop)
        self.api = FarApi(self.clock)
        self.past = Past()
        self.told: dict[str, str] = {}
        self.wrong: list[str] = []
        every = seconds(CONFIRM_EVERY_S)
        self.reflector = Reflector(self.api, CONFIG_MAPS, self.clock, namespace="shop", confirm_every=every)
        self.reflector.subscribe(self.take)
        self.following = self.loop.create_task(self.reflector.run())

    def teardown(self) -> None:
        self.following.cancel()
        self.do(asyncio.wait({self.following}))
        self.do(asyncio.sleep(UNDER_WAY_S))
        self.do(self.loop.shutdown_asyncgens())
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(work)

    def take(self, old: Object | None, new: Object | None) -> None:
        """Be told of a change."""
        found = new or old
        if found is None:
            self.wrong.append("a change from nothing to nothing")
            return
        name = found["metadata"]["name"]
        if self.told.get(name) != version_of(old):
            self.wrong.append(f"{name} was {self.told.get(name)}, told as {version_of(old)}")
        if new is None:
            self.told.pop(name, None)
        else:
            self.told[name] = new["metadata"]["resourceVersion"]

    @rule(names=st.lists(NAMES, min_size=1, max_size=6))
    def put(self, names: list[str]) -> None:
        for name in names:
            self.do(self.put_one(name, "shop"))
            self.note()

    @rule(name=NAMES)
    def put_elsewhere(self, name: str) -> None:
        self.do(self.put_one(name, "elsewhere"))

    @rule(name=NAMES)
    def change_another_resource(self, name: str) -> None:
        self.do(self.api.apply(SECRETS, {"metadata": {"name": name, "namespace": "shop"}, "data": {"a": name}}))

    @rule(names=st.lists(NAMES, min_size=1, max_size=6), is_made_again=st.booleans())
    def delete(self, names: list[str], is_made_again: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        for name in names:
            if name in self.state():
                self.do(self.api.delete(CONFIG_MAPS, name, "shop"))
                self.note()
        if is_made_again:
            self.put(names)

    @rule()
    def compact(self) -> None:
        self.api.versions.compact()

    @rule()
    def cut(self) -> None:
        self.api.line.cut()

    @rule()
    def mend(self) -> None:
        self.api.line.mend()

    @rule()
    def let_the_peer_vanish(self) -> None:
        self.api.line.die()

    @rule(there=DELAYS, back=DELAYS)
    def slow_down(self, there: float, back: float) -> None:
        self.api.line.there_s, self.api.line.back_s = there, back

    @rule(elapsed=st.sampled_from([0.05, 1.0, 6.0, 20.0, 310.0]))
    def pass_time(self, elapsed: float) -> None:
        self.do(self.look_on(elapsed))

    @rule()
    def recover(self) -> None:
        """Once everything works, the cache is what the server has, and has been heard of lately."""
        self.api.line.there_s = self.api.line.back_s = 0.0
        self.api.line.mend()
        self.do(self.look_on(RECOVERED_S))
        assert self.cached() == self.state()
        assert self.reflector.heard_at is not None
        assert self.reflector.heard_at >= self.loop.time() - CONFIRM_EVERY_S - LOOK_EVERY_S

    async def look_on(self, elapsed: float) -> None:
        ends_at = self.loop.time() + elapsed
        while self.loop.time() < ends_at:
            await asyncio.sleep(min(LOOK_EVERY_S, ends_at - self.loop.time()))
            self.look()

    def look(self) -> None:
        assert not self.following.done(), "the reflector died"
        assert not self.wrong, self.wrong
        assert self.told == self.cached()
        heard_at = self.reflector.heard_at
        if heard_at is None:
            assert not self.cached()
            return
        assert heard_at <= self.loop.time()
        assert self.past.was(self.cached(), since=heard_at), f"{self.cached()} is older than {heard_at}"

    async def put_one(self, name: str, namespace: str) -> None:
        data = {"value": str(self.api.versions.revision)}
        await self.api.apply(CONFIG_MAPS, {"metadata": {"name": name, "namespace": namespace}, "data": data})

    def note(self) -> None:
        self.past.add(self.loop.time(), self.state())

    def state(self) -> State:
        return {
            key.name: found["metadata"]["resourceVersion"]
            for key, found in self.api.versions.objects.items()
            if key.resource == CONFIG_MAPS and key.namespace == "shop"
        }

    def cached(self) -> State:
        return {found["metadata"]["name"]: found["metadata"]["resourceVersion"] for found in self.reflector.values()}


def version_of(found: Object | None) -> str | None:
    return None if found is None else str(found["metadata"]["resourceVersion"])


Followed.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestReflector = Followed.TestCase
