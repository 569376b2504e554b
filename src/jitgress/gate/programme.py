"""What the gate should permit now: a pure function of the grants, the keys and the time.

Invariant 12: it is a union over grants; what one permits never depends on another, save that hosts are counted once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from jitgress.domain.grant import Grant
from jitgress.gate.grants import normal_address
from jitgress.gate.keys import GateKey
from jitgress.gate.layout import (
    PRESENT,
    MapName,
    ServerPath,
    grant_entry,
    grant_key,
    map_of,
    part_keys,
    scope_keys,
    server_of,
)

Entries: TypeAlias = Mapping[MapName, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Programme:
    """Entries of every map (`STATE` has none: the lease tells time, not access), and every open server's address."""

    entries: Entries
    servers: Mapping[ServerPath, str]


def programme(grants: Iterable[Grant], keys: Iterable[GateKey], keys_folder: Path, now: datetime) -> Programme:
    """Return what should be permitted at `now`.

    A grant that has ended keeps its entries as long as it exists, so that its subject is told that it has ended; it has
    no server any more.
    """
    known, accepted = tuple(grants), tuple(keys)
    return Programme(
        {
            MapName.STATE: {},
            MapName.HOSTS: {grant.host: PRESENT for grant in known},
            **{
                name: {
                    grant_key(grant, key): grant_entry(grant, keys_folder / key.file_name)
                    for grant in known
                    if map_of(grant) is name
                    for key in accepted
                }
                for name in (MapName.GRANTS, MapName.BOUND)
            },
            MapName.SCOPES: {key: PRESENT for grant in known for key in scope_keys(grant)},
            MapName.PARTS: {key: PRESENT for grant in known for key in part_keys(grant)},
        },
        {server_of(grant): normal_address(grant.address) for grant in known if not grant.window.has_ended(now)},
    )


def next_end(grants: Iterable[Grant], now: datetime) -> datetime | None:
    """Return when the next grant ends, which changes the programme without a word from outside."""
    return min((grant.window.not_after for grant in grants if grant.window.not_after > now), default=None)
