"""The ledger's table in SQLite: durable at commit, append-only by triggers, with the version of its schema.

Nothing but rows here: what they mean is in `ledger`, whether they are whole in `verify`.
"""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text, create_engine
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import QueuePool

from jitgress.audit.errors import (
    LedgerBusyError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    LedgerNewerError,
    LedgerUnreachableError,
)

SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_MS: Final = 5_000  # a commit takes milliseconds; five seconds of waiting is another process that hangs

METADATA: Final = MetaData()
EVENTS: Final = Table(
    "events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("code", Text, nullable=False),
    Column("at", Integer, nullable=False),  # milliseconds since the epoch
    Column("actor", Text, nullable=False),
    Column("subject", Text),
    Column("request_namespace", Text),
    Column("request_name", Text),
    Column("request_uid", Text),
    Column("canonical", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Index("events_request_uid", "request_uid"),
    Index("events_subject", "subject"),
    Index("events_at", "at"),
)
SCHEMA: Final = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

# The insert trigger also stops INSERT OR REPLACE, which deletes rows without asking the delete trigger.
TRIGGERS: Final = (
    "CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END",
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END",
    """CREATE TRIGGER events_in_order BEFORE INSERT ON events
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events) OR EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
)


def open_store(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine on the ledger at `url` (sqlite:///PATH), made where it is missing unless `read_only`.

    Raises `LedgerUnreachableError`, `LedgerDamagedError`, `LedgerNewerError` and the other ledger errors.
    """
    path = _path(url)
    if not read_only:
        _make_private(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)), creator=_connecting(path, read_only=read_only), poolclass=QueuePool
    )
    listen(engine, "connect", _settings(read_only=read_only))
    try:
        with faults(path):
            _check_schema(engine, read_only=read_only)
    except LedgerError:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """Yield a connection that holds the ledger's one write lock; commits at the end, durably (fsync)."""
    with faults(engine.url), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Yield a connection that sees the ledger as it is at the first read, undisturbed by writers."""
    with faults(engine.url), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def faults(where: object) -> Generator[None]:
    """Turn the database's errors into the ledger's own."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _translated(where, error) from error


def _path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise LedgerUnreachableError(
            "the address given is not one of a ledger", remedy="Give a file: sqlite:///PATH, with three slashes."
        )
    return Path(str(parsed.database)).absolute()


def _make_private(path: Path) -> None:
    """Create the file readable by its owner only: it holds who did what. SQLite's own files take its mode over."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise LedgerUnreachableError(
            f"the ledger {path} cannot be opened: {error.strerror}", remedy="Check the path and its permissions."
        ) from None


def _connecting(path: Path, *, read_only: bool) -> Callable[[], sqlite3.Connection]:
    mode = "ro" if read_only else "rw"
    uri = f"file:{quote(str(path))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level=None: transactions begin where we say so, not where the driver guesses (PEP 249 mode).
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    return connect


def _settings(*, read_only: bool) -> Callable[[sqlite3.Connection, Any], None]:
    def apply(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: fsync at every commit (sqlite.org/pragma)

    return apply


def _check_schema(engine: Engine, *, read_only: bool) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
        tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
        if not tables and not read_only:
            METADATA.create_all(connection)
            for trigger in TRIGGERS:
                connection.exec_driver_sql(trigger)
            connection.execute(SCHEMA.insert().values(version=SCHEMA_VERSION))
            connection.commit()
            return
        if not {"events", "schema_version"} <= tables:
            raise LedgerDamagedError("the file is a database but no ledger", remedy="Name the ledger's own file.")
        version = connection.execute(SCHEMA.select()).scalar_one_or_none()
    if version is None or version > SCHEMA_VERSION:
        raise LedgerNewerError(
            f"the ledger has schema version {version}, this jitgress knows {SCHEMA_VERSION}",
            remedy="Use the version that wrote it, or a newer one.",
        )


def _translated(where: object, error: Exception) -> LedgerError:
    cause = getattr(error, "orig", None) or error
    name = getattr(cause, "sqlite_errorname", "")
    kinds: tuple[tuple[tuple[str, ...], type[LedgerError], str], ...] = (
        (("SQLITE_BUSY", "SQLITE_LOCKED"), LedgerBusyError, "Find the process that holds it open; nothing was lost."),
        (("SQLITE_FULL",), LedgerFullError, "Make room on its disk; appending goes on by itself."),
        (("SQLITE_CORRUPT", "SQLITE_NOTADB"), LedgerDamagedError, "Keep the file, and restore it from a backup."),
        (("SQLITE_CONSTRAINT",), LedgerError, "The ledger is append-only; report this as a defect."),
    )
    for prefixes, kind, remedy in kinds:
        if name.startswith(prefixes):
            return kind(f"the ledger {where}: {cause}", remedy=remedy)
    return LedgerUnreachableError(f"the ledger {where}: {cause}", remedy="Check its path, permissions and disk.")
