"""AccessGrant objects as the gate takes them: what it does not wholly understand permits nothing.

Invariant 1 needs it: a field that this version does not know may be a restriction.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jitgress.crds.grants import grant_value
from jitgress.crds.reading import mapping, text
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant
from jitgress.gate.layout import is_grant_id, is_time

_FIELDS: Final = frozenset(
    {"request", "target", "policy", "subject", "host", "address", "paths", "methods", "notBefore", "notAfter"}
    | {"sourceCIDRs", "since", "extensions", "reviewBy"}
)
"""`policy` and the last three don't concern the gate: whoever made the grant has gone by them."""
_REMEDY: Final = "Delete the AccessGrant; the operator makes it anew."
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]")  # nothing that could end a header
_ADDRESS: Final = re.compile(r"(?P<ip>[0-9.]+|\[[0-9a-fA-F:.]+\]):(?P<port>[1-9][0-9]{0,4})")
_LAST_PORT: Final = 65535
MAX_USERNAME_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Unusable:
    """An object that permits nothing, and why."""

    name: str
    reason: str


def read_grants(objects: Iterable[Mapping[str, Any]]) -> tuple[tuple[Grant, ...], tuple[Unusable, ...]]:
    """Return the grants that are understood, and the objects that are not."""
    grants: list[Grant] = []
    unusable: list[Unusable] = []
    for found in objects:
        try:
            grants.append(read_grant(found))
        except InvalidValueError as error:
            unusable.append(Unusable(_name(found), error.message))
    return tuple(grants), tuple(unusable)


def read_grant(found: Mapping[str, Any]) -> Grant:
    """Return one AccessGrant, or raise `InvalidValueError`."""
    grant = grant_value(found)
    unknown = set(found["spec"]) - _FIELDS
    if unknown:
        raise InvalidValueError(f"unknown fields {', '.join(sorted(map(str, unknown)))}", remedy="Upgrade the gate.")
    if found["metadata"].get("deletionTimestamp"):
        raise InvalidValueError("it is being deleted", remedy=_REMEDY)
    if not is_grant_id(grant.id):
        raise InvalidValueError("its name is not a UID", remedy=_REMEDY)
    if not all(is_time(at) for at in (grant.window.not_before, grant.window.not_after)):
        raise InvalidValueError("its window is not in this age", remedy=_REMEDY)
    _check_names(grant)
    normal_address(grant.address)
    return grant


def normal_address(address: str) -> str:
    """Return `IP:port` in its one form (RFC 5952, 5; in brackets for IPv6), or raise `InvalidValueError`."""
    match = _ADDRESS.fullmatch(address)
    try:
        ip = ipaddress.ip_address(match["ip"].strip("[]")) if match else None
    except ValueError:
        ip = None
    if match is None or ip is None or int(match["port"]) > _LAST_PORT:
        raise InvalidValueError(f"{address[:60]!r} is not IP:port", remedy=_REMEDY)
    # HAProxy tells addresses as the C library does: an IPv4 address inside an IPv6 one with its dots.
    told = socket.inet_ntop(socket.AF_INET6, ip.packed) if ip.version == 6 else str(ip)  # noqa: PLR2004  IPv6
    return join_address(told, match["port"])


def join_address(ip: str, port: str) -> str:
    """Return `IP:port`, with brackets around an IPv6 address."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _check_names(grant: Grant) -> None:
    """Names end up in headers: nothing in them may end one, nor be too much for one."""
    names = (grant.subject.username, *grant.subject.groups)
    try:
        sizes = [len(name.encode()) for name in names]
    except UnicodeEncodeError:
        raise InvalidValueError("a name of its subject is not Unicode", remedy=_REMEDY) from None
    if sizes[0] > MAX_USERNAME_BYTES or any(_CONTROL.search(name) for name in names):
        raise InvalidValueError("a name of its subject does not fit into a header", remedy=_REMEDY)


def _name(found: Mapping[str, Any]) -> str:
    try:
        return text(mapping(found, "metadata"), "name")[:80]
    except InvalidValueError:
        return "?"
