"""The ledger itself: appends events to the chain, each exactly once, and reads them back. Blocking.

Invariant 7: each transition is in the ledger exactly once. `append` returns when the event is on disk; an event whose
id is already there is returned as it was recorded, whoever recorded it. Async callers use `jitgress.audit.grouped`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Row, bindparam, select, text

from jitgress.audit.canonical import canonical, read
from jitgress.audit.chain import EMPTY, Head, extend, leaf_hash
from jitgress.audit.credentials import without_credentials
from jitgress.audit.store import EVENTS, faults, open_store, reading, writing
from jitgress.audit.verify import RawRow
from jitgress.domain.event import Event, EventCode
from jitgress.domain.window import to_milliseconds

READ_BATCH: Final = 256  # rows held in memory at a time while streaming

_LAST: Final = select(EVENTS.c.seq, EVENTS.c.chain).order_by(EVENTS.c.seq.desc()).limit(1)
_BY_ID: Final = select(EVENTS).where(EVENTS.c.id == bindparam("event_id"))
_INSERT: Final = EVENTS.insert()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as the ledger has it: its number (from 1), its bytes, its leaf and the chain hash up to it."""

    seq: int
    event: Event
    canonical: bytes
    leaf: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that can be recorded: it has a canonical form and holds no credential."""

    event: Event
    canonical: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events to read: all that is stated holds. `since` is inside, `until` outside; `last` keeps the newest."""

    request_uid: str | None = None
    namespace: str | None = None
    name: str | None = None
    subject: str | None = None
    codes: frozenset[EventCode] | None = None
    since: datetime | None = None
    until: datetime | None = None
    last: int | None = None


def prepare(event: Event) -> Prepared:
    """Return `event` ready to be recorded, or raise `EventRefusedError`. Does no I/O."""
    clean = without_credentials(event)
    return Prepared(clean, canonical(clean))


class Ledger:
    """One ledger file. Safe to use from several threads and processes: SQLite's write lock orders the appends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> Self:
        """Return the ledger at `url` (sqlite:///PATH), made where it is missing unless `read_only`."""
        return cls(open_store(url, read_only=read_only))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def append(self, event: Event) -> Recorded:
        """Record `event` durably and return it as recorded; raise `LedgerError` when it is not on disk."""
        return self.append_all([prepare(event)])[0]

    def append_all(self, batch: Sequence[Prepared]) -> list[Recorded]:
        """Record a batch in one transaction: either all of it is on disk, or none and `LedgerError` is raised."""
        with writing(self._engine) as connection:
            head = _head(connection)
            recorded: list[Recorded] = []
            for prepared in batch:
                present = connection.execute(_BY_ID, {"event_id": prepared.event.id}).one_or_none()
                entry = _recorded(present) if present else _next(head, prepared)
                if present is None:
                    connection.execute(_INSERT, _columns(entry))
                    head = Head(entry.seq, entry.chain)
                recorded.append(entry)
        return recorded

    def head(self) -> Head:
        """Return how far the ledger goes now."""
        with reading(self._engine) as connection:
            return _head(connection)

    def find(self, event_id: str) -> Recorded | None:
        """Return the event with this id as it was recorded."""
        with reading(self._engine) as connection:
            row = connection.execute(_BY_ID, {"event_id": event_id}).one_or_none()
            return _recorded(row) if row else None

    def history(self, request_uid: str) -> tuple[Recorded, ...]:
        """Return all events of one request, oldest first."""
        return tuple(self.events(EventQuery(request_uid=request_uid)))

    def events(self, query: EventQuery) -> Iterator[Recorded]:
        """Yield the events that `query` selects, oldest first, a bounded number in memory at a time."""
        with reading(self._engine) as connection:
            rows = connection.execution_options(yield_per=READ_BATCH).execute(*_selection(query))
            for row in rows:
                yield _recorded(row)

    def rows(self) -> Iterator[RawRow]:
        """Yield every row as it lies in the file, unread, for `jitgress.audit.verify`."""
        columns = ", ".join(f"CAST({column.name} AS BLOB) AS {column.name}" for column in EVENTS.columns)
        # Texts as bytes: one that is no longer UTF-8 must be reported with its number, not stop the reading.
        statement = text(f"SELECT {columns} FROM events ORDER BY events.seq")  # noqa: S608  names from our own table
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=READ_BATCH).execute(statement).mappings():
                yield RawRow(**row)

    def copy_to(self, path: Path) -> None:
        """Write a whole copy, as of now, to the new file `path`, for an auditor to take away."""
        with faults(self._engine.url), self._engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(path),))


def _head(connection: Connection) -> Head:
    row = connection.execute(_LAST).one_or_none()
    return EMPTY if row is None else Head(row.seq, row.chain)


def _next(head: Head, prepared: Prepared) -> Recorded:
    leaf = leaf_hash(prepared.canonical)
    after = extend(head, leaf)
    # Read back from its bytes: what the caller gets is what a later reader will get.
    return Recorded(
        seq=after.count, event=read(prepared.canonical), canonical=prepared.canonical, leaf=leaf, chain=after.chain
    )


def _columns(entry: Recorded) -> Mapping[str, Any]:
    event, request = entry.event, entry.event.request
    return {
        "seq": entry.seq,
        "id": event.id,
        "code": event.code.value,
        "at": to_milliseconds(event.at),
        "actor": event.actor,
        "subject": event.subject,
        "request_namespace": request and request.namespace,
        "request_name": request and request.name,
        "request_uid": request and request.uid,
        "canonical": entry.canonical,
        "leaf": entry.leaf,
        "chain": entry.chain,
    }


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(seq=row.seq, event=read(row.canonical), canonical=row.canonical, leaf=row.leaf, chain=row.chain)


def _selection(query: EventQuery) -> tuple[Any]:
    columns = EVENTS.c
    wanted = (
        (query.request_uid, columns.request_uid),
        (query.namespace, columns.request_namespace),
        (query.name, columns.request_name),
        (query.subject, columns.subject),
    )
    statement = select(EVENTS).where(*(column == value for value, column in wanted if value is not None))
    if query.codes is not None:
        statement = statement.where(columns.code.in_(sorted(query.codes)))
    if query.since is not None:
        statement = statement.where(columns.at >= to_milliseconds(query.since))
    if query.until is not None:
        statement = statement.where(columns.at < to_milliseconds(query.until))
    if query.last is not None:
        newest = statement.order_by(columns.seq.desc()).limit(query.last).with_only_columns(columns.seq)
        statement = select(EVENTS).where(columns.seq.in_(newest))
    return (statement.order_by(columns.seq),)
