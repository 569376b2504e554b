"""Keeps credentials out of events: the last line of defence, behind callers that never put one in.

Invariant 8: credentials never reach the ledger. What people wrote (data) is recorded with the credential cut out, since
a transition such as a revocation must be recordable whatever its comment says; a name that holds one is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from jitgress.audit.errors import EventRefusedError
from jitgress.domain.event import Event, EventValue

REMOVED: Final = "[credential removed]"

_CREDENTIAL: Final = re.compile(
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"  # a JWT: base64url of '{"', three parts (RFC 7519, 3)
    r"|\bbearer\s+[A-Za-z0-9._~+/-]{16,}=*"  # RFC 6750, 2.1; shorter words are prose
    r"|\bbasic\s+[A-Za-z0-9+/]{16,}={0,2}"  # RFC 7617, 2
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",  # RFC 7468
    re.IGNORECASE,
)


def holds_credential(text: str) -> bool:
    """Tell whether `text` holds what looks like a JWT, a bearer or basic credential, or a private key."""
    return _CREDENTIAL.search(text) is not None


def without_credentials(event: Event) -> Event:
    """Return `event` with credentials cut out of its data; raise `EventRefusedError` for one in any other field."""
    request = event.request
    names = (event.id, event.actor, event.subject, *((request.namespace, request.name, request.uid) if request else ()))
    if any(name is not None and holds_credential(name) for name in names):
        raise EventRefusedError(
            f"an event {event.code} has what looks like a credential as a name",
            remedy="Name people and objects; never pass a token.",
        )
    data = cast("Mapping[str, EventValue]", _cut(event.data))
    return event if data == event.data else replace(event, data=data)


def _cut(value: EventValue) -> EventValue:
    match value:
        case str():
            return _CREDENTIAL.sub(REMOVED, value)
        case Mapping():
            return {_CREDENTIAL.sub(REMOVED, key): _cut(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_cut(inner) for inner in value]
        case _:
            return value
