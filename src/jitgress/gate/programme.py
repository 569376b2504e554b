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
from jitgress.gate.keys import GateKey, fingerprint
from jitgress.gate.layout import (
    KEYS_KEY,
    PRESENT,
    MapName,
    ServerPath,
    grant_entry,
    method_key,
    path_key,
    server_of,
)

Entries: TypeAlias = Mapping[MapName, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Programme:
    """Entries of every map (less the lease, which tells time, not access), and the address of every open server."""

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
            MapName.STATE: {KEYS_KEY: fingerprint(accepted)},
            MapName.HOSTS: {grant.host: PRESENT for grant in known},
            MapName.GRANTS: {grant.id: grant_entry(grant) for grant in known},
            MapName.METHODS: {method_key(grant.id, name): PRESENT for grant in known for name in grant.scope.methods},
            MapName.PATHS: {path_key(grant.id, prefix): PRESENT for grant in known for prefix in grant.scope.paths},
            MapName.KEYS: {key.kid: str(keys_folder / key.file_name) for key in accepted},
        },
        {server_of(grant): normal_address(grant.address) for grant in known if not grant.window.has_ended(now)},
    )


def next_end(grants: Iterable[Grant], now: datetime) -> datetime | None:
    """Return when the next grant ends, which changes the programme without a word from outside."""
    return min((grant.window.not_after for grant in grants if grant.window.not_after > now), default=None)
