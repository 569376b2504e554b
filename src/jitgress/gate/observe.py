"""What HAProxy reports of itself: the programme that it follows now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jitgress.gate.errors import UnexpectedAnswerError
from jitgress.gate.grants import join_address
from jitgress.gate.layout import LEASE_KEY, SHARDS, MapName, ServerPath, backend_name, map_file
from jitgress.gate.programme import Entries, Programme

REPEATED: Final = "\x00repeated"
"""Stands for the value of a key that is in a map twice: it equals nothing that could be wanted, so it is mended."""

# `show servers state`, version 1 (HAProxy management guide): the columns that we read.
_BACKEND, _SERVER, _IP, _ADMIN_STATE, _PORT, _COLUMNS = 1, 3, 4, 6, 18, 19
_NAMES: Final = {
    _BACKEND: "be_name",
    _SERVER: "srv_name",
    _IP: "srv_addr",
    _ADMIN_STATE: "srv_admin_state",
    _PORT: "srv_port",
}
_BACKENDS: Final = frozenset(backend_name(shard) for shard in SHARDS)


@dataclass(frozen=True, slots=True)
class ServerState:
    """Where a server's requests go, and whether it takes any."""

    address: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """What HAProxy has."""

    entries: Entries
    servers: Mapping[ServerPath, ServerState]

    @classmethod
    def following(cls, wanted: Programme) -> "Observed":
        """Return what HAProxy has once it follows `wanted` exactly."""
        states = {server: ServerState(address, is_open=True) for server, address in wanted.servers.items()}
        return cls(wanted.entries, states)


def questions(folder: Path) -> tuple[str, ...]:
    """Return the lines to ask on the runtime socket."""
    return (*(f"show map {map_file(folder, name)}" for name in MapName), "show servers state")


def understand(answers: Sequence[str]) -> Observed:
    """Return what the answers to `questions` say, or raise `UnexpectedAnswerError`."""
    *maps, servers = answers
    entries = {name: _entries(answer) for name, answer in zip(MapName, maps, strict=True)}
    entries[MapName.STATE].pop(LEASE_KEY, None)
    return Observed(entries, dict(_servers(servers.splitlines())))


def _entries(answer: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for line in answer.splitlines():
        parts = line.split(" ", 2)
        if len(parts) != 3 or not parts[0].startswith("0x"):  # noqa: PLR2004  pointer, key, value
            raise UnexpectedAnswerError(f"a map's entry has an unknown form: {line[:60]!r}", remedy="Use HAProxy 2.8.")
        _, key, value = parts
        entries[key] = REPEATED if key in entries else value
    return entries


def _servers(lines: Iterable[str]) -> Iterable[tuple[ServerPath, ServerState]]:
    version, head, *states = [*lines, "", ""]
    columns = dict(enumerate(head.removeprefix("# ").split(" ")))
    if version != "1" or not _NAMES.items() <= columns.items():  # taken for no servers, they would never be closed
        raise UnexpectedAnswerError(f"servers are told in an unknown form: {version[:60]!r}", remedy="Use HAProxy 2.8.")
    for line in states:
        fields = line.split(" ")
        if not line or (len(fields) > 1 and fields[_BACKEND] not in _BACKENDS):
            continue
        if len(fields) < _COLUMNS:
            raise UnexpectedAnswerError(
                f"a server's state has an unknown form: {line[:60]!r}", remedy="Use HAProxy 2.8."
            )
        state = ServerState(join_address(fields[_IP], fields[_PORT]), is_open=fields[_ADMIN_STATE] == "0")
        yield ServerPath(f"{fields[_BACKEND]}/{fields[_SERVER]}"), state
