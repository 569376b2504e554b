"""What HAProxy and the agent have agreed on: the maps, their entries' form, and the names of servers.

Nothing here can be misread: whatever comes from a grant is percent-encoded, and HAProxy decodes it where it is used.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, NewType
from urllib.parse import quote

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.scope import PathPrefix
from jitgress.domain.window import to_milliseconds

ServerPath = NewType("ServerPath", str)
"""`BACKEND/SERVER`, as the runtime socket wants it."""


class MapName(StrEnum):
    """The maps. Each is a file that is empty at HAProxy's start, so that a gate begins by permitting nothing."""

    STATE = "state"
    """`lease_until` (ms since the epoch) and `keys` (which set of keys verified tokens were checked with)."""
    HOSTS = "hosts"
    """Every host that has a grant, whether or not its window is open."""
    GRANTS = "grants"
    """Grant id → `notBefore|notAfter|host|user|groups`; times in ms since the epoch."""
    METHODS = "methods"
    """`METHOD:GRANT`."""
    PATHS = "paths"
    """`GRANT:/prefix/`, compared with the beginning of `GRANT:` + path + `/`."""
    KEYS = "keys"
    """Key id → the file with the public key."""


LEASE_KEY: Final = "lease_until"
KEYS_KEY: Final = "keys"
PRESENT: Final = "1"
MAX_GROUPS_BYTES: Final = 4096  # of the header; half of what HAProxy keeps free for rewriting (tune.maxrewrite)
SHARDS: Final = tuple(f"{number:02x}" for number in range(256))
"""HAProxy finds a server by walking through its backend (2.8: 60 ns a server): 256 backends make that short."""

_GRANT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_grant_id(text: str) -> bool:
    """Tell whether `text` is a UUID in lower case, as the API server makes them."""
    return _GRANT_ID.fullmatch(text) is not None


def map_file(folder: Path, name: MapName) -> Path:
    """Return the map's file, which is also its name on the runtime socket."""
    return folder / f"{name.value}.map"


def backend_name(shard: str) -> str:
    """Return the backend of all grants whose id begins with `shard`."""
    return f"targets_{shard}"


def server_of(grant: Grant) -> ServerPath:
    """Return the grant's server. Its name tells its end, so that HAProxy itself can cut it, whoever else is dead."""
    return ServerPath(f"{backend_name(grant.id[:2])}/{grant.id}.{to_milliseconds(grant.window.not_after)}")


def grant_entry(grant: Grant) -> str:
    """Return the grant's value in the map of grants."""
    groups = ",".join(sorted(group for group in grant.subject.groups if "," not in group))
    if len(groups.encode()) > MAX_GROUPS_BYTES:
        groups = ""
    window = grant.window
    parts = (grant.host, grant.subject.username, groups)
    times = (to_milliseconds(window.not_before), to_milliseconds(window.not_after))
    return "|".join([*(str(time) for time in times), *(quote(part, safe="") for part in parts)])


def method_key(grant: GrantId, method: str) -> str:
    """Return the key that permits `method`."""
    return f"{method}:{grant}"


def path_key(grant: GrantId, prefix: PathPrefix) -> str:
    """Return the key that permits `prefix` and what is below it, by whole segments."""
    return f"{grant}:{prefix}" if prefix == "/" else f"{grant}:{prefix}/"
