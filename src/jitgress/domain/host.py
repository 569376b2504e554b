"""Exact host names. There is no wildcard: one host is one target."""

import re
from typing import Final, NewType

from jitgress.domain.errors import InvalidValueError

Host = NewType("Host", str)
"""A lower-case DNS name of at least two labels, without port, trailing dot or wildcard (RFC 1123, 2.1)."""

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_PATTERN: Final = rf"^{_LABEL}(\.{_LABEL})*\.[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$"
MAX_HOST_LENGTH: Final = 253  # RFC 1035, 2.3.4, less the root label
_HOST: Final = re.compile(HOST_PATTERN)


def parse_host(text: str) -> Host:
    """Return `text` as a host, or raise `InvalidValueError`."""
    if len(text) > MAX_HOST_LENGTH or not _HOST.fullmatch(text):
        raise InvalidValueError(
            f"{text[:80]!r} is not an exact host name",
            remedy="Name one host in lower case, such as orders.example.com, without a wildcard, port or final dot.",
        )
    return Host(text)
