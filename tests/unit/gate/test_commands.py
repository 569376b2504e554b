"""Commands as lines of the runtime socket, and what counts as done."""

from pathlib import Path
from typing import Final

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.gate.commands import (
    AddEntry,
    AddServer,
    CloseServer,
    Command,
    CutStreams,
    DropEntry,
    DropServer,
    Failure,
    OpenServer,
    failures,
    text,
)
from jitgress.gate.layout import MapName, ServerPath

FOLDER: Final = Path("/gate")
SERVER: Final = ServerPath("targets_ab/grant.1767261900000")

LINES: Final[dict[Command, str]] = {
    AddEntry(MapName.HOSTS, "orders.example.test", "1"): "add map /gate/hosts.map orders.example.test 1",
    DropEntry(MapName.GRANTS, "key"): "del map /gate/grants.map key",
    AddServer(SERVER, "127.0.0.1:80"): f"add server {SERVER} 127.0.0.1:80 weight 0",
    OpenServer(SERVER): f"set server {SERVER} state ready",
    CloseServer(SERVER): f"set server {SERVER} state maint",
    CutStreams(SERVER): f"shutdown sessions server {SERVER}",
    DropServer(SERVER): f"del server {SERVER}",
}
ANSWERS: Final = {AddServer: "New server registered.", DropServer: "Server deleted."}
"""Every other command is done when HAProxy says nothing."""


@pytest.mark.parametrize("command", LINES, ids=lambda command: type(command).__name__)
def test_a_command_is_one_line(command: Command) -> None:
    assert text(command, FOLDER) == LINES[command]


def test_what_ends_a_command_or_escapes_is_escaped() -> None:
    assert text(AddEntry(MapName.SCOPES, "a;b", "c\\d"), FOLDER) == r"add map /gate/scopes.map a\;b c\\d"


HOSTILE: Final = ("", " ", "a b", "a\nshow info", "a\r", "a\tb", "\x00", "\x7f", "é", "a\n")


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    "place", ["key", "value", "dropped key", "server", "address", "opened", "closed", "cut", "gone"]
)
def test_what_could_be_more_than_one_word_is_never_sent(place: str, value: str) -> None:
    server = ServerPath(value)
    commands: dict[str, Command] = {
        "key": AddEntry(MapName.HOSTS, value, "1"),
        "value": AddEntry(MapName.HOSTS, "key", value),
        "dropped key": DropEntry(MapName.HOSTS, value),
        "server": AddServer(server, "127.0.0.1:80"),
        "address": AddServer(SERVER, value),
        "opened": OpenServer(server),
        "closed": CloseServer(server),
        "cut": CutStreams(server),
        "gone": DropServer(server),
    }
    with pytest.raises(InvalidValueError):
        text(commands[place], FOLDER)


def test_commands_that_were_answered_as_they_should_be_are_done() -> None:
    commands = list(LINES)
    assert failures(commands, [ANSWERS.get(type(command), "") for command in commands]) == ()


@pytest.mark.parametrize("command", LINES, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("answer", ["No such server.", "Unknown command", "Permission denied", "Done."])
def test_any_other_answer_is_a_failure(command: Command, answer: str) -> None:
    assert failures([command], [answer]) == (Failure(command, answer),)


@pytest.mark.parametrize("command", [AddServer(SERVER, "127.0.0.1:80"), DropServer(SERVER)])
def test_of_a_server_that_comes_or_goes_silence_is_a_failure(command: Command) -> None:
    assert failures([command], [""]) == (Failure(command, ""),)


def test_a_failure_is_told_of_its_own_command() -> None:
    commands = [DropEntry(MapName.HOSTS, "a"), DropEntry(MapName.HOSTS, "b"), DropEntry(MapName.HOSTS, "c")]
    assert failures(commands, ["", "Key not found.", ""]) == (Failure(commands[1], "Key not found."),)


@pytest.mark.parametrize("answers", [[], [""], [""] * 3])
def test_a_command_without_an_answer_is_never_taken_for_done(answers: list[str]) -> None:
    with pytest.raises(ValueError, match="zip"):
        failures([CloseServer(SERVER), CutStreams(SERVER)], answers)
