"""The commands of HAProxy's runtime socket that we use, as values and as text (HAProxy management guide, 9.3)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from jitgress.domain.errors import InvalidValueError
from jitgress.gate.layout import MapName, ServerPath, map_file

_WORD: Final = re.compile(r"[\x21-\x7e]+")
_SPECIAL: Final = re.compile(r"([\\;])")


@dataclass(frozen=True, slots=True)
class AddEntry:
    """Put an entry into a map. HAProxy does not look whether it is there already."""

    map: MapName
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DropEntry:
    """Take an entry, and its repetitions, out of a map."""

    map: MapName
    key: str


@dataclass(frozen=True, slots=True)
class AddServer:
    """Make a server, closed. Weight 0: it is never chosen in place of another."""

    server: ServerPath
    address: str


@dataclass(frozen=True, slots=True)
class OpenServer:
    """Let a server take requests."""

    server: ServerPath


@dataclass(frozen=True, slots=True)
class CloseServer:
    """Let a server take no more requests."""

    server: ServerPath


@dataclass(frozen=True, slots=True)
class CutStreams:
    """End all that is under way to a server."""

    server: ServerPath


@dataclass(frozen=True, slots=True)
class DropServer:
    """Remove a closed server. HAProxy refuses while a connection is left; it can wait."""

    server: ServerPath


Command: TypeAlias = AddEntry | DropEntry | AddServer | OpenServer | CloseServer | CutStreams | DropServer


@dataclass(frozen=True, slots=True)
class Failure:
    """A command that HAProxy did not carry out, and what it said."""

    command: Command
    answer: str


def text(command: Command, folder: Path) -> str:
    """Return the line for the runtime socket."""
    match command:
        case AddEntry(name, key, value):
            return f"add map {map_file(folder, name)} {_word(key)} {_word(value)}"
        case DropEntry(name, key):
            return f"del map {map_file(folder, name)} {_word(key)}"
        case AddServer(server, address):
            return f"add server {_word(server)} {_word(address)} weight 0"
        case OpenServer(server):
            return f"set server {_word(server)} state ready"
        case CloseServer(server):
            return f"set server {_word(server)} state maint"
        case CutStreams(server):
            return f"shutdown sessions server {_word(server)}"
        case DropServer(server):
            return f"del server {_word(server)}"


def failures(commands: Sequence[Command], answers: Iterable[str]) -> tuple[Failure, ...]:
    """Return the commands that were not carried out: an answer that we do not expect is a failure."""
    pairs = zip(commands, answers, strict=True)
    return tuple(Failure(command, answer) for command, answer in pairs if answer != _expected(command))


def _expected(command: Command) -> str:
    match command:
        case AddServer():
            return "New server registered."
        case DropServer():
            return "Server deleted."
        case _:
            return ""


def _word(value: str) -> str:
    """Return `value` as one word of a command line (HAProxy management guide, 9.3: a backslash escapes)."""
    if not _WORD.fullmatch(value):
        raise InvalidValueError(f"{value[:40]!r} is not one printable word", remedy="This is a defect; report it.")
    return _SPECIAL.sub(r"\\\1", value)
