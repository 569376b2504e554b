"""The order of commands, told by examples: what stops permitting comes first, what begins to comes last."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from jitgress.domain.grant import Grant
from jitgress.gate.commands import (
    AddEntry,
    AddServer,
    CloseServer,
    Command,
    CutStreams,
    DropEntry,
    DropServer,
    OpenServer,
)
from jitgress.gate.diff import diff
from jitgress.gate.keys import GateKey
from jitgress.gate.layout import LEASE_KEY, MapName, server_of
from jitgress.gate.observe import REPEATED, Observed, ServerState
from jitgress.gate.programme import Programme, programme
from tests.unit.gate.builders import NOW, a_grant

KEY: Final = GateKey("key-1", "PEM")
GRANT: Final = a_grant(1)
BOUND: Final = a_grant(9, sources=["192.0.2.0/24"])
SERVER: Final = server_of(GRANT)
ELSEWHERE: Final = "127.0.0.9:9"


def goal_of(*grants: Grant) -> Programme:
    return programme(grants, [KEY], Path("/gate/keys"), NOW)


def found_of(*grants: Grant) -> Observed:
    return Observed.following(goal_of(*grants))


def with_server(found: Observed, state: ServerState) -> Observed:
    return Observed(found.entries, {**found.servers, SERVER: state})


def with_entry(found: Observed, name: MapName, key: str, value: str) -> Observed:
    return Observed({**found.entries, name: {**found.entries[name], key: value}}, found.servers)


def outline(commands: tuple[Command, ...]) -> list[str]:
    """Kinds of commands, with the map that they are about; repetitions once."""
    told: list[str] = []
    for command in commands:
        where = f" {command.map.value}" if isinstance(command, AddEntry | DropEntry) else ""
        if not told or told[-1] != type(command).__name__ + where:
            told.append(type(command).__name__ + where)
    return told


def test_nothing_is_done_where_both_agree() -> None:
    assert diff(goal_of(GRANT, a_grant(2)), found_of(GRANT, a_grant(2))) == ()


def test_a_grant_opens_from_its_server_to_the_entry_by_which_it_is_found() -> None:
    assert outline(diff(goal_of(GRANT), found_of())) == [
        "AddServer",
        "OpenServer",
        "AddEntry scopes",
        "AddEntry parts",
        "AddEntry hosts",
        "AddEntry grants",
    ]


def test_a_grant_closes_from_the_entry_by_which_it_is_found_to_its_server() -> None:
    assert outline(diff(goal_of(), found_of(GRANT))) == [
        "DropEntry grants",
        "DropEntry scopes",
        "DropEntry parts",
        "DropEntry hosts",
        "CloseServer",
        "CutStreams",
        "DropServer",
    ]


def test_what_goes_is_gone_before_anything_comes() -> None:
    commands = diff(goal_of(a_grant(2), a_grant(3)), found_of(GRANT, a_grant(2)))
    closing = [isinstance(each, DropEntry | CloseServer | CutStreams | DropServer) for each in commands]
    assert closing == sorted(closing, reverse=True)
    assert {True, False} == set(closing)


def test_every_server_that_goes_is_closed_and_cut_before_the_first_is_removed() -> None:
    """Removing can fail while a connection is left; nothing that has to be closed may wait for that."""
    commands = diff(goal_of(), found_of(GRANT, a_grant(2), a_grant(3)))
    kinds = [type(each) for each in commands if not isinstance(each, DropEntry)]
    assert kinds == [CloseServer, CutStreams] * 3 + [DropServer] * 3


def test_a_server_at_another_address_is_cut_and_made_anew() -> None:
    found = with_server(found_of(GRANT), ServerState(ELSEWHERE, is_open=True))
    assert diff(goal_of(GRANT), found) == (
        CloseServer(SERVER),
        CutStreams(SERVER),
        DropServer(SERVER),
        AddServer(SERVER, GRANT.address),
        OpenServer(SERVER),
    )


def test_a_server_that_somebody_closed_is_opened_and_nobody_is_cut() -> None:
    found = with_server(found_of(GRANT), ServerState(GRANT.address, is_open=False))
    assert diff(goal_of(GRANT), found) == (OpenServer(SERVER),)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_server_that_nobody_asked_for_is_cut_whether_or_not_it_takes_requests(*, is_open: bool) -> None:
    found = with_server(found_of(), ServerState(ELSEWHERE, is_open=is_open))
    assert diff(goal_of(), found) == (CloseServer(SERVER), CutStreams(SERVER), DropServer(SERVER))


@pytest.mark.parametrize("name", list(MapName))
def test_an_entry_that_nobody_asked_for_goes(name: MapName) -> None:
    assert diff(goal_of(GRANT), with_entry(found_of(GRANT), name, "stranger", "1")) == (DropEntry(name, "stranger"),)


def test_a_lease_is_not_for_the_programme_to_give_or_take() -> None:
    """`understand` keeps it out of what is found; here it would be a stranger."""
    given = [each for each in diff(goal_of(GRANT), found_of()) if isinstance(each, AddEntry)]
    assert not [each for each in given if each.map is MapName.STATE or each.key == LEASE_KEY]


@pytest.mark.parametrize("value", ["something else", "", REPEATED])
@pytest.mark.parametrize("name", [name for name in MapName if name is not MapName.STATE])
def test_an_entry_with_another_value_is_dropped_before_it_is_added(name: MapName, value: str) -> None:
    """`set map` would leave a repetition, and `add map` alone would make one."""
    key, wanted = next(iter(goal_of(GRANT, BOUND).entries[name].items()))
    found = with_entry(found_of(GRANT, BOUND), name, key, value)
    assert diff(goal_of(GRANT, BOUND), found) == (DropEntry(name, key), AddEntry(name, key, wanted))


def test_what_one_grant_needs_leaves_the_others_of_its_host_alone() -> None:
    other = a_grant(2)
    commands = diff(goal_of(GRANT), found_of(GRANT, other))
    told = [each.key if isinstance(each, DropEntry) else getattr(each, "server", "") for each in commands]
    assert told
    assert not [text for text in told if GRANT.id in text or text == GRANT.host]


NARROWED: Final = {
    "its end": (
        a_grant(1, duration=timedelta(minutes=2)),
        ["DropEntry grants", "CloseServer", "CutStreams", "DropServer", "AddServer", "OpenServer", "AddEntry grants"],
    ),
    "its end, bound": (
        a_grant(1, duration=timedelta(minutes=2), sources=["192.0.2.0/24"]),
        ["DropEntry grants", "CloseServer", "CutStreams", "DropServer", "AddServer", "OpenServer", "AddEntry bound"],
    ),
    "its networks": (a_grant(1, sources=["192.0.2.0/24"]), ["DropEntry grants", "AddEntry bound"]),
    "its paths": (a_grant(1, paths=["/api"]), ["DropEntry scopes", "AddEntry scopes"]),
}


@pytest.mark.parametrize("name", NARROWED)
def test_a_grant_that_is_narrowed_loses_what_it_had_before_it_gets_what_is_left(name: str) -> None:
    narrowed, steps = NARROWED[name]
    assert outline(diff(goal_of(narrowed), found_of(GRANT))) == steps


def test_a_grant_with_fewer_methods_only_loses() -> None:
    commands = diff(goal_of(GRANT), found_of(a_grant(1, methods=["GET", "POST"])))
    assert outline(commands) == ["DropEntry scopes", "DropEntry parts"]


def test_a_grant_with_fewer_networks_has_its_entry_changed_and_nobody_is_cut() -> None:
    fewer = a_grant(9, sources=["192.0.2.128/25"])
    commands = diff(goal_of(fewer), found_of(BOUND))
    assert outline(commands) == ["DropEntry bound", "AddEntry bound"]
