"""From what HAProxy has to what it should have, in an order in which no moment permits more than either end.

Closing comes before opening. A grant's entry goes first and comes last: without it nothing of the grant counts.
"""

from collections.abc import Iterator, Mapping
from typing import Final

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
from jitgress.gate.layout import MapName, ServerPath
from jitgress.gate.observe import Observed, ServerState
from jitgress.gate.programme import Programme

_CLOSING: Final = (MapName.STATE, MapName.GRANTS, MapName.BOUND, MapName.SCOPES, MapName.PARTS, MapName.HOSTS)
_OPENING: Final = (MapName.SCOPES, MapName.PARTS, MapName.HOSTS, MapName.GRANTS, MapName.BOUND)


def diff(wanted: Programme, found: Observed) -> tuple[Command, ...]:
    """Return the commands, in order, that lead from `found` to `wanted`; none where they agree."""
    return (*_close(wanted, found), *_open(wanted, found))


def _close(wanted: Programme, found: Observed) -> Iterator[Command]:
    for name in _CLOSING:
        yield from _dropped(name, wanted.entries[name], found.entries[name])
    surplus = [server for server, state in found.servers.items() if not _may_stay(server, state, wanted)]
    for server in surplus:
        yield CloseServer(server)
        yield CutStreams(server)
    for server in surplus:
        yield DropServer(server)


def _open(wanted: Programme, found: Observed) -> Iterator[Command]:
    for server, address in wanted.servers.items():
        state = found.servers.get(server)
        if state is None or state.address != address:
            yield AddServer(server, address)
        if state is None or state != ServerState(address, is_open=True):
            yield OpenServer(server)
    for name in _OPENING:
        before, after = found.entries[name], wanted.entries[name]
        yield from (AddEntry(name, key, value) for key, value in after.items() if before.get(key) != value)


def _dropped(name: MapName, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Command]:
    return (DropEntry(name, key) for key, value in found.items() if wanted.get(key) != value)


def _may_stay(server: ServerPath, state: ServerState, wanted: Programme) -> bool:
    return wanted.servers.get(server) == state.address
