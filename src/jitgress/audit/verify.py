"""Tells whether a ledger is whole, and if not, names the first broken event and how it is broken. Pure.

What the chain alone can't show: that events are missing at the end, or that somebody with write access rewrote
everything from some event on. For both, compare with a head that was kept elsewhere (`expected`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from jitgress.audit.canonical import parse
from jitgress.audit.chain import EMPTY, Head, extend, leaf_hash
from jitgress.audit.errors import LedgerDamagedError, LedgerError


class Damage(StrEnum):
    """How an event can be broken."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    CHAIN_MISMATCH = "chain_mismatch"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it lies in the file: every column as bytes, integers in decimal, None for NULL."""

    seq: bytes
    id: bytes | None
    code: bytes | None
    at: bytes | None
    actor: bytes | None
    subject: bytes | None
    request_namespace: bytes | None
    request_name: bytes | None
    request_uid: bytes | None
    canonical: bytes | None
    leaf: bytes | None
    chain: bytes | None


@dataclass(frozen=True, slots=True)
class Expected:
    """A head that was kept elsewhere: the chain hash, the count of events, or both."""

    chain: bytes | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """Every event is as it was recorded. `head` is worth keeping elsewhere."""

    head: Head


@dataclass(frozen=True, slots=True)
class Broken:
    """Event number `seq` is the first that is broken; the events up to `verified` are whole."""

    seq: int
    damage: Damage
    detail: str
    verified: Head

    def __str__(self) -> str:
        return f"event {self.seq} is {self.damage.value.replace('_', ' ')}: {self.detail}"


NOTHING_EXPECTED: Final = Expected()
_OUR_ID: Final = re.compile(rb"[0-9a-f]{32}")
_COLUMNS: Final = ("id", "code", "actor", "subject")
_REQUEST_COLUMNS: Final = ("namespace", "name", "uid")


def verify(rows: Iterable[RawRow], expected: Expected = NOTHING_EXPECTED) -> Whole | Broken:
    """Check every row in order, in memory of about 80 bytes an event, and the end against `expected`.

    An iterator that raises `LedgerError` in the middle (a damaged file) breaks the event that it could not read.
    """
    head = EMPTY
    seen: set[bytes | int] = set()
    reached = expected.chain is None
    try:
        for row in rows:
            broken = _check(row, head, seen)
            if broken is not None:
                return broken
            head = extend(head, row.leaf or b"")
            seen.add(_identity(row))
            reached = reached or (head.chain == expected.chain and expected.count in (None, head.count))
    except LedgerError as error:
        return Broken(head.count + 1, Damage.UNREADABLE, error.message, head)
    reached = reached or (expected.chain == EMPTY.chain and expected.count in (None, 0))
    return _check_end(head, expected, reached=reached)


def _check(row: RawRow, head: Head, seen: set[bytes | int]) -> Broken | None:
    due = head.count + 1
    seq = int(row.seq)
    if seq != due:
        damage = Damage.MISSING if seq > due else Damage.REORDERED
        return Broken(min(seq, due), damage, f"number {due} was due, {seq} came", head)
    if row.canonical is None or row.leaf is None or row.chain is None or row.id is None:
        return Broken(due, Damage.ALTERED, "a value was taken out of it", head)
    if leaf_hash(row.canonical) != row.leaf:
        return Broken(due, Damage.ALTERED, "its content is not the one that was hashed", head)
    if extend(head, row.leaf).chain != row.chain:
        return Broken(due, Damage.CHAIN_MISMATCH, "it does not follow from the event before it", head)
    if _identity(row) in seen:
        return Broken(due, Damage.DUPLICATE, f"the id {row.id[:40]!r} was recorded before", head)
    return _check_columns(row, due, head)


def _check_columns(row: RawRow, due: int, head: Head) -> Broken | None:
    try:
        columns = _expected_columns(parse(row.canonical or b""))
    except LedgerDamagedError as error:
        return Broken(due, Damage.UNREADABLE, error.message, head)
    except (TypeError, AttributeError, ValueError, OverflowError):
        return Broken(due, Damage.UNREADABLE, "its content is not an event", head)
    for name, value in columns.items():
        if getattr(row, name) != value:
            return Broken(due, Damage.ALTERED, f"the column {name} differs from the recorded content", head)
    return None


def _check_end(head: Head, expected: Expected, *, reached: bool) -> Whole | Broken:
    if expected.count is not None and head.count < expected.count:
        detail = f"the ledger ends after {head.count} events, {expected.count} are expected"
        return Broken(head.count + 1, Damage.TRUNCATED, detail, head)
    if not reached:
        at = head.count if expected.count is None else expected.count
        detail = "no event has the expected chain hash: events were taken off the end, or the ledger was rewritten"
        return Broken(at, Damage.REWRITTEN, detail, EMPTY)
    return Whole(head)


def _identity(row: RawRow) -> bytes | int:
    """Return the id in as few bytes as tell ids apart: ours are 32 hexadecimal digits, which make a number."""
    identity = row.id or b""
    return int(identity, 16) if _OUR_ID.fullmatch(identity) else identity


def _expected_columns(document: Mapping[str, Any]) -> dict[str, bytes | None]:
    columns = {name: _as_bytes(document[name]) for name in _COLUMNS}
    request: Mapping[str, Any] = document["request"] or {}
    columns |= {f"request_{name}": _as_bytes(request.get(name)) for name in _REQUEST_COLUMNS}
    since_epoch = datetime.fromisoformat(document["at"]) - datetime(1970, 1, 1, tzinfo=UTC)
    return columns | {"at": str(since_epoch // timedelta(milliseconds=1)).encode()}


def _as_bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return value.encode()
