"""Whatever HAProxy has, the commands lead to what it should have, never permitting too much or too little."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.grant import Grant
from jitgress.domain.window import to_milliseconds
from jitgress.gate.commands import failures, text
from jitgress.gate.diff import diff
from jitgress.gate.keys import GateKey
from jitgress.gate.layout import MapName, grant_key, map_file
from jitgress.gate.observe import Observed, questions, understand
from jitgress.gate.programme import Programme, programme
from tests.unit.gate.builders import NOW, a_grant
from tests.unit.gate.haproxy_simulator import HaproxySimulator

FOLDER: Final = Path("/gate")
KEY: Final = GateKey("a", "1")
PATHS: Final = ("/", "/api", "/api/v1", "/b")
METHODS: Final = ("GET", "POST")
NETWORKS: Final = ("192.0.2.0/24", "192.0.2.0/25", "2001:db8::/32")
ADDRESSES: Final = ("192.0.2.1", "192.0.2.200", "2001:db8::1", "203.0.113.1")

grants = st.builds(
    a_grant,
    st.integers(1, 4),
    host=st.sampled_from(["a.example.test", "b.example.test"]),
    address=st.sampled_from(["127.0.0.1:9001", "127.0.0.1:9002", "[::1]:9001"]),
    paths=st.sets(st.sampled_from(PATHS), min_size=1),
    methods=st.sets(st.sampled_from(METHODS), min_size=1),
    username=st.sampled_from(["alice", "zoë |;%\\ x"]),
    not_before=st.sampled_from([NOW - timedelta(minutes=9), NOW, NOW + timedelta(minutes=1)]),
    duration=st.sampled_from([timedelta(minutes=5), timedelta(minutes=10)]),
    sources=st.sets(st.sampled_from(NETWORKS)),
)
grant_sets = st.lists(grants, unique_by=lambda grant: grant.id, max_size=4)
keys = st.lists(st.builds(GateKey, st.sampled_from("ab"), st.sampled_from(["1", "2"])), unique_by=lambda key: key.kid)
programmes = st.builds(lambda some, ks: programme(some, ks, FOLDER, NOW), grant_sets, keys)


@dataclass(frozen=True)
class Drift:
    """Somebody's hand in HAProxy: entries and servers that nobody asked for, or that are gone."""

    repeated: int = 0
    lost: int = 0
    closed: int = 0


drifts = st.builds(Drift, st.integers(0, 9), st.integers(0, 9), st.integers(0, 4))


def ask(simulator: HaproxySimulator, lines: Sequence[str]) -> list[str]:
    return asyncio.run(simulator.ask(lines))


def observed(simulator: HaproxySimulator) -> Observed:
    return understand(ask(simulator, questions(FOLDER)))


def follow(simulator: HaproxySimulator, goal: Programme) -> None:
    commands = diff(goal, observed(simulator))
    answers = ask(simulator, [text(command, FOLDER) for command in commands])
    assert failures(commands, answers) == ()


def spoil(simulator: HaproxySimulator, drift: Drift) -> None:
    entries = [(file, entry) for file, found in simulator.maps.items() for entry in found]
    for file, entry in entries[: drift.repeated]:
        simulator.maps[file].append(entry)
    for file, entry in entries[drift.repeated : drift.repeated + drift.lost]:
        simulator.maps[file].remove(entry)
    for server in list(simulator.servers.values())[: drift.closed]:
        server.is_open = False


@given(before=programmes, drift=drifts, goal=programmes)
def test_the_commands_lead_to_the_goal_from_anywhere(before: Programme, drift: Drift, goal: Programme) -> None:
    simulator = HaproxySimulator(FOLDER)
    follow(simulator, before)
    spoil(simulator, drift)
    follow(simulator, goal)
    assert observed(simulator) == Observed.following(goal)
    assert diff(goal, observed(simulator)) == ()


def is_inside(source: str, networks: str) -> bool:
    """Read the networks of an entry as numbers, which the gate's Lua does not."""
    number, length = int(ip_address(source)), ip_address(source).max_prefixlen // 4
    pairs = (each.split("-") for each in networks.split(","))
    return any(int(first, 16) <= number <= int(last, 16) for first, last in pairs if len(first) == length)


def permitted(simulator: HaproxySimulator) -> set[tuple[str, ...]]:
    """What a request could do now, read from the maps as HAProxy's rules read them."""
    hosts, scopes = (simulator.entries(name) for name in (MapName.HOSTS, MapName.SCOPES))
    open_servers = {path.split("/")[1]: s.address for path, s in simulator.servers.items() if s.is_open}
    found: set[tuple[str, ...]] = set()
    free, bound = (simulator.entries(name).items() for name in (MapName.GRANTS, MapName.BOUND))
    for key, entry in (*free, *bound):
        host = key.split("@")[0]
        times, _, user, _, *networks = entry.split("|")
        grant, not_after, _, _ = times.split(".")
        address = open_servers.get(f"{grant}.{not_after}")
        if address is None or host not in hosts:
            continue
        for method in METHODS:
            for path in ("/", "/api", "/api/v1/x", "/b"):
                if any(f"{method}:{grant}:{path}/".startswith(prefix) for prefix in scopes):
                    sources = (source for source in ADDRESSES if not networks or is_inside(source, networks[0]))
                    found |= {(key, times, user, address, method, path, source) for source in sources}
    return found


@given(before=grant_sets, goal=grant_sets)
def test_no_step_permits_what_neither_end_does_nor_refuses_what_both_permit(
    before: list[Grant], goal: list[Grant]
) -> None:
    simulator = HaproxySimulator(FOLDER)
    follow(simulator, _programme(goal))
    after = permitted(simulator)
    simulator.restart()
    follow(simulator, _programme(before))
    first, seen = permitted(simulator), list[set[tuple[str, ...]]]()
    unchanged = {grant_key(grant, KEY) for grant in before if grant in goal}
    simulator.watch = lambda: seen.append(permitted(simulator))
    follow(simulator, _programme(goal))
    for moment in seen:
        assert moment <= first | after
        assert {each for each in first & after if each[0] in unchanged} <= moment


@given(before=grant_sets, goal=grant_sets)
def test_only_streams_of_servers_that_go_are_cut(before: list[Grant], goal: list[Grant]) -> None:
    simulator = HaproxySimulator(FOLDER)
    follow(simulator, _programme(before))
    simulator.cut.clear()
    follow(simulator, _programme(goal))
    kept = {grant.id for grant in before if grant in goal and not grant.window.has_ended(NOW)}
    assert not [server for server in simulator.cut if server.split("/")[1].partition(".")[0] in kept]


@st.composite
def narrowings(draw: st.DrawFn) -> tuple[Grant, Grant]:
    """A grant that is open, and the same one with less of everything that may become less."""
    paths, methods = (
        draw(st.sets(st.sampled_from(PATHS), min_size=1)),
        draw(st.sets(st.sampled_from(METHODS), min_size=1)),
    )
    minutes = draw(st.integers(2, 9))
    before = a_grant(
        paths=paths, methods=methods, sources=draw(st.sampled_from([(), NETWORKS])), duration=timedelta(minutes=minutes)
    )
    after = a_grant(
        paths=draw(st.sets(st.sampled_from(sorted(paths)), min_size=1)),
        methods=draw(st.sets(st.sampled_from(sorted(methods)), min_size=1)),
        sources=draw(st.sets(st.sampled_from(NETWORKS), min_size=1)),
        duration=timedelta(minutes=draw(st.integers(1, minutes))),
    )
    return before, after


@given(narrowings())
def test_a_grant_that_is_narrowed_permits_less_from_step_to_step_and_then_what_is_left(
    narrowing: tuple[Grant, Grant],
) -> None:
    before, after = narrowing
    simulator = HaproxySimulator(FOLDER)
    follow(simulator, _programme([after]))
    goal = permitted(simulator)
    simulator.restart()
    follow(simulator, _programme([before]))
    moments = [permitted(simulator)]
    simulator.watch = lambda: moments.append(permitted(simulator))
    follow(simulator, _programme([after]))
    assert moments[-1] == goal
    ends = {to_milliseconds(each.window.not_after) for each in narrowing}
    for earlier, later in pairwise(moments):
        assert {int(each[1].split(".")[1]) for each in later} <= ends
        assert later <= earlier or later <= goal


def _programme(some: Iterable[Grant]) -> Programme:
    return programme(some, [KEY], FOLDER, NOW)


def test_the_map_files_are_what_both_sides_call_the_maps() -> None:
    assert {str(map_file(FOLDER, name)) for name in MapName} == set(HaproxySimulator(FOLDER).maps)
