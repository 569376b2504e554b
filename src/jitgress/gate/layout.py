"""What HAProxy and the agent have agreed on: the maps, their entries' form, and the names of servers.

Nothing here can be misread: whatever comes from a grant is percent-encoded, and HAProxy decodes it where it is used.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NewType
from urllib.parse import quote

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.sources import ANYWHERE, Network
from jitgress.domain.window import to_milliseconds
from jitgress.gate.keys import GateKey

ServerPath = NewType("ServerPath", str)
"""`BACKEND/SERVER`, as the runtime socket wants it."""


class MapName(StrEnum):
    """The maps. Each is a file that is empty at HAProxy's start, so that a gate begins by permitting nothing."""

    STATE = "state"
    """`lease_until`, in ms since the epoch."""
    HOSTS = "hosts"
    """Every host that has a grant, whether or not its window is open."""
    GRANTS = "grants"
    """`HOST@BEGINNING` of the grant's tokens → `SERVER.notBefore.|KEY FILE|user|groups`, one for each signing key."""
    BOUND = "bound"
    """The same for grants that may be used from some networks only: `…|FIRST-LAST,FIRST-LAST` at the end. `sources.lua`
    makes such an entry count, so that the map above alone decides for everybody else."""
    SCOPES = "scopes"
    """`METHOD:GRANT:/prefix/`, compared with the beginning of `METHOD:GRANT:` + path + `/`."""
    PARTS = "parts"
    """`GRANT`, `HOST@GRANT` and `METHOD:GRANT`: nothing opens by them, a refusal finds its reason by them."""


LEASE_KEY: Final = "lease_until"
PRESENT: Final = "1"
TOKEN_TYPE: Final = "jitgress-gate+jwt"  # noqa: S105  a type, not a credential; jitgress.identity.tokens.TYPE
ID_LENGTH: Final = 36
TIME_LENGTH: Final = 13  # of milliseconds since the epoch, until 2286
SERVER_LENGTH: Final = ID_LENGTH + 1 + TIME_LENGTH
MAX_GROUPS_BYTES: Final = 4096  # of the header; half of what HAProxy keeps free for rewriting (tune.maxrewrite)
SHARDS: Final = tuple(f"{number:02x}" for number in range(256))
"""HAProxy finds a server by walking through its backend (2.8: 60 ns a server): 256 backends make that short."""

_GRANT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_grant_id(text: str) -> bool:
    """Tell whether `text` is a UUID in lower case, as the API server makes them."""
    return _GRANT_ID.fullmatch(text) is not None


def is_time(at: datetime) -> bool:
    """Tell whether `at` has the length that HAProxy counts on."""
    return 0 <= to_milliseconds(at) < 10**TIME_LENGTH


def map_file(folder: Path, name: MapName) -> Path:
    """Return the map's file, which is also its name on the runtime socket."""
    return folder / f"{name.value}.map"


def backend_name(shard: str) -> str:
    """Return the backend of all grants whose id begins with `shard`."""
    return f"targets_{shard}"


def server_of(grant: Grant) -> ServerPath:
    """Return the grant's server. Its name tells its end, so that HAProxy itself can cut it, whoever else is dead."""
    return ServerPath(f"{backend_name(grant.id[:2])}/{_server_name(grant)}")


def token_beginning(grant: GrantId, key: GateKey) -> str:
    """Return how tokens of `grant` that `key` signed begin: with the header, and the first 48 bytes of the claims.

    HAProxy finds a grant by that beginning as it stands in the token; to query the claims for it costs 1.2 us (ADR 6).
    """
    header = f'{{"typ":"{TOKEN_TYPE}","alg":"ES256","kid":"{key.kid}"}}'
    return ".".join(_base64url(part) for part in (header, f'{{"grant":"{grant}",'))


def grant_key(grant: Grant, key: GateKey) -> str:
    """Return the grant's key in its map."""
    return f"{grant.host}@{token_beginning(grant.id, key)}"


def map_of(grant: Grant) -> MapName:
    """Return the map that the grant's entries belong in."""
    return MapName.GRANTS if grant.sources == ANYWHERE else MapName.BOUND


def grant_entry(grant: Grant, key_file: Path) -> str:
    """Return the grant's value in its map."""
    groups = ",".join(sorted(group for group in grant.subject.groups if "," not in group))
    if len(groups.encode()) > MAX_GROUPS_BYTES:
        groups = ""
    times = f"{_server_name(grant)}.{_time(grant.window.not_before)}."
    entry = "|".join((times, str(key_file), quote(grant.subject.username, safe=""), quote(groups, safe="")))
    return entry if map_of(grant) is MapName.GRANTS else f"{entry}|{ranges(grant.sources.networks)}"


def ranges(networks: Iterable[Network]) -> str:
    """Return networks as `sources.lua` reads them: first and last address in hex digits."""
    return ",".join(f"{network[0].packed.hex()}-{network[-1].packed.hex()}" for network in networks)


def scope_keys(grant: Grant) -> Iterator[str]:
    """Yield the keys that permit a method on a prefix and on what is below it, by whole segments."""
    for method in grant.scope.methods:
        for prefix in grant.scope.paths:
            yield f"{method}:{grant.id}:{prefix.rstrip('/')}/"


def part_keys(grant: Grant) -> Iterator[str]:
    """Yield the keys by which a refusal finds its reason."""
    yield from (grant.id, f"{grant.host}@{grant.id}")
    yield from (f"{method}:{grant.id}" for method in grant.scope.methods)


def _server_name(grant: Grant) -> str:
    return f"{grant.id}.{_time(grant.window.not_after)}"


def _time(at: datetime) -> str:
    return f"{to_milliseconds(at):0{TIME_LENGTH}d}"


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
