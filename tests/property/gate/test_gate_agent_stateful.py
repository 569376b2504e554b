"""Any sequence of changes, restarts and failures ends with HAProxy doing what the API says; never with more lease."""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jitgress.domain.errors import JitgressError
from jitgress.domain.grant import Grant
from jitgress.domain.window import to_milliseconds
from jitgress.gate.agent import Agent
from jitgress.gate.keys import read_keys
from jitgress.gate.layout import LEASE_KEY, MapName, server_of
from jitgress.gate.observe import Observed, questions, understand
from jitgress.gate.programme import programme
from jitgress.gate.settings import GateSettings
from tests.unit.gate.api_stand_in import ApiStandIn
from tests.unit.gate.builders import ISSUER, NOW, a_grant, a_jwks, a_key
from tests.unit.gate.haproxy_simulator import HaproxySimulator

STALENESS = timedelta(seconds=30)
LEASE = timedelta(seconds=27)
KEYS = [a_key() for _ in range(3)]


@dataclass
class HandClock:
    """Both clocks, moved by hand. A suspended machine moves the wall clock alone."""

    at: datetime = NOW
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def pass_time(self, duration: timedelta, *, is_suspended: bool = False) -> None:
        self.at += duration
        self.seconds += 0.0 if is_suspended else duration.total_seconds()


class GateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="jg-"))
        self.settings = GateSettings(gate_id="g", folder=self.folder, issuer=ISSUER, staleness=STALENESS)
        self.settings.keys_folder.mkdir()
        self.clock = HandClock()
        self.haproxy = HaproxySimulator(self.folder)
        self.api = ApiStandIn(self.clock)
        self.grants: dict[int, Grant] = {}
        self.heard_at = self.clock.now()
        self.agent = self.new_agent()

    def new_agent(self) -> Agent:
        return Agent(self.settings, self.haproxy, self.clock)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(number=st.integers(1, 4), minutes=st.integers(1, 3), later=st.booleans())
    def grant(self, number: int, minutes: int, later: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        start = self.clock.now() + timedelta(minutes=int(later))
        self.grants[number] = a_grant(number, not_before=start, duration=timedelta(minutes=minutes))
        self.api.say(self.grants.values())

    @rule(number=st.integers(1, 4), part=st.sampled_from(["end", "sources", "paths"]))
    def narrow(self, number: int, part: str) -> None:
        """The operator may only take away from a grant that is open."""
        found = self.grants.get(number)
        if found is None:
            return
        start, whole = found.window.not_before, found.window.duration
        self.grants[number] = a_grant(
            number,
            not_before=start,
            duration=whole / 2 if part == "end" else whole,
            sources=["192.0.2.0/24"] if part == "sources" else (),
            paths=["/api"] if part == "paths" else ["/"],
        )
        self.api.say(self.grants.values())

    @rule(number=st.integers(1, 4))
    def revoke(self, number: int) -> None:
        self.grants.pop(number, None)
        self.api.say(self.grants.values())

    @rule(chosen=st.sets(st.sampled_from(range(3))))
    def rotate(self, chosen: set[int]) -> None:
        self.api.say(self.grants.values(), a_jwks(*(KEYS[number] for number in chosen)))

    @rule(seconds=st.sampled_from([0.2, 5.0, 29.0, 61.0]), is_suspended=st.booleans())
    def wait(self, seconds: float, is_suspended: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        self.clock.pass_time(timedelta(seconds=seconds), is_suspended=is_suspended)

    @rule()
    def restart_haproxy(self) -> None:
        self.haproxy.restart()

    @rule()
    def restart_agent(self) -> None:
        self.api.forget()
        self.agent = self.new_agent()

    @rule(lines=st.integers(0, 30))
    def break_off(self, lines: int) -> None:
        self.haproxy.breaks_off_after = lines

    @rule(reachable=st.booleans())
    def reach_api(self, reachable: bool) -> None:  # noqa: FBT001  hypothesis gives it by name
        self.api.is_reachable = reachable

    @rule()
    def leave_connections(self) -> None:
        for server in self.haproxy.servers.values():
            server.is_connected = True

    @rule()
    def step(self) -> None:
        view = self.api.view()
        if view is None:  # as `run_gate` does: there is nothing yet to follow
            return
        if self.api.is_reachable:
            self.heard_at = self.clock.now()
        with suppress(JitgressError):
            asyncio.run(self.agent.step(view))

    @rule()
    def settle(self) -> None:
        """With everything well, a few steps suffice."""
        self.api.is_reachable, self.haproxy.breaks_off_after = True, None
        for _ in range(3):
            self.step()
        self.clock.pass_time(timedelta(seconds=11))
        self.step()
        goal = programme(self.grants.values(), read_keys(self.api.jwks), self.settings.keys_folder, self.clock.now())
        assert self.found() == Observed.following(goal)
        assert self.lease() == to_milliseconds(self.clock.now() + LEASE)

    @invariant()
    def the_lease_never_exceeds_what_was_heard(self) -> None:
        assert self.lease() <= to_milliseconds(self.heard_at + STALENESS)

    @invariant()
    def an_open_server_belongs_to_a_grant_that_was_there(self) -> None:
        """Names and ends of servers come from grants alone."""
        for server in self.haproxy.servers:
            assert server.split(".")[-1].isdigit()

    def found(self) -> Observed:
        return understand(asyncio.run(self.haproxy.ask(questions(self.folder))))

    def lease(self) -> int:
        return int(self.haproxy.entries(MapName.STATE).get(LEASE_KEY, 0))


TestGateMachine = GateMachine.TestCase
TestGateMachine.settings = hypothesis_settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_a_server_is_named_after_grant_and_end() -> None:
    grant = a_grant(1)
    assert server_of(grant) == f"targets_{grant.id[:2]}/{grant.id}.{to_milliseconds(grant.window.not_after)}"
