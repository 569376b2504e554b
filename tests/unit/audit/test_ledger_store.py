"""The ledger file: append-only, of a known version, with errors that say what to do."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jitgress.audit.errors import (
    LedgerBusyError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    LedgerNewerError,
    LedgerUnreachableError,
)
from jitgress.audit.ledger import EventQuery, Ledger, prepare
from jitgress.audit.verify import Whole, verify
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.domain.request import RequestRef

AT = datetime(2026, 1, 1, tzinfo=UTC)
OTHERS = "code, at, actor, subject, request_namespace, request_name, request_uid, canonical, leaf, chain"


def an_event(number: int, code: EventCode = EventCode.GRANT_OPENED, subject: str = "alice") -> Event:
    ref = RequestRef("shop", f"r{number % 2}", f"uid-{number % 2}")
    at = AT + timedelta(seconds=number)
    return Event(id=event_id(str(number), code), code=code, at=at, actor="operator", subject=subject, request=ref)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


def test_an_appended_event_is_there_after_opening_again(ledger: Ledger, path: Path) -> None:
    recorded = ledger.append(an_event(1))
    ledger.close()
    again = Ledger.open(f"sqlite:///{path}", read_only=True)
    assert again.find(recorded.event.id) == recorded
    assert (again.head().count, again.head().chain) == (1, recorded.chain)
    again.close()


def test_an_event_appended_twice_is_recorded_once_as_it_was_first(ledger: Ledger) -> None:
    first = ledger.append(an_event(1))
    late = Event(id=first.event.id, code=EventCode.GRANT_OPENED, at=AT + timedelta(days=1), actor="somebody else")
    assert ledger.append(late) == first
    assert ledger.append_all([prepare(late), prepare(an_event(2)), prepare(an_event(2))])[0] == first
    assert ledger.head().count == 2


def test_a_history_has_the_events_of_its_request_only(ledger: Ledger) -> None:
    for number in range(6):
        ledger.append(an_event(number))
    assert [entry.seq for entry in ledger.history("uid-1")] == [2, 4, 6]
    assert ledger.history("uid-7") == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery(), [1, 2, 3, 4]),
        (EventQuery(last=2), [3, 4]),
        (EventQuery(namespace="shop", name="r0"), [1, 3]),
        (EventQuery(subject="bob"), [4]),
        (EventQuery(codes=frozenset({EventCode.GRANT_REMOVED})), [3]),
        (EventQuery(codes=frozenset()), []),
        (EventQuery(since=AT + timedelta(seconds=1), until=AT + timedelta(seconds=3)), [2, 3]),
        (EventQuery(request_uid="uid-0", last=1), [3]),
    ],
)
def test_a_query_selects_what_holds_for_all_that_is_stated(
    ledger: Ledger, query: EventQuery, expected: list[int]
) -> None:
    for event in (an_event(0), an_event(1), an_event(2, EventCode.GRANT_REMOVED), an_event(3, subject="bob")):
        ledger.append(event)
    assert [entry.seq for entry in ledger.events(query)] == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'mallory'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 1",
        "INSERT OR REPLACE INTO events SELECT 3, id, OTHERS FROM events WHERE seq = 1",
        "INSERT INTO events SELECT 4, 'x', OTHERS FROM events WHERE seq = 1",
    ],
    ids=["update", "delete", "replace by number", "replace by id", "leave a gap"],
)
def test_the_file_itself_refuses_to_forget(ledger: Ledger, path: Path, statement: str) -> None:
    ledger.append_all([prepare(an_event(1)), prepare(an_event(2))])
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute(statement.replace("OTHERS", OTHERS))
    connection.close()
    assert isinstance(verify(ledger.rows()), Whole)


def test_only_its_owner_can_read_the_file(ledger: Ledger, path: Path) -> None:
    ledger.append(an_event(1))
    assert {item.stat().st_mode & 0o077 for item in path.parent.iterdir()} == {0}


def test_a_copy_is_a_ledger_with_the_same_head(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(an_event(1))
    ledger.copy_to(tmp_path / "copy.db")
    copy = Ledger.open(f"sqlite:///{tmp_path}/copy.db", read_only=True)
    assert verify(copy.rows()) == Whole(ledger.head())
    copy.close()


def test_a_newer_schema_is_not_opened(ledger: Ledger, path: Path) -> None:
    ledger.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE schema_version SET version = 99")
    connection.close()
    with pytest.raises(LedgerNewerError, match="99"):
        Ledger.open(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    ["postgresql://db/ledger", "sqlite://", "nonsense", "sqlite:///:memory:"],
    ids=["other", "no file", "text", "memory"],
)
def test_an_address_that_is_no_file_is_refused(url: str) -> None:
    with pytest.raises(LedgerUnreachableError) as caught:
        Ledger.open(url)
    assert "sqlite:///" in caught.value.remedy


def test_a_missing_ledger_is_not_made_by_reading_it(path: Path) -> None:
    with pytest.raises(LedgerUnreachableError):
        Ledger.open(f"sqlite:///{path}", read_only=True)
    assert not path.exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database " * 100)
    with pytest.raises(LedgerDamagedError):
        Ledger.open(f"sqlite:///{tmp_path}/text")


def test_another_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(LedgerDamagedError):
        Ledger.open(f"sqlite:///{tmp_path}/other.db")


def test_a_lock_that_is_never_let_go_is_an_error_with_a_remedy(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jitgress.audit.store.BUSY_TIMEOUT_MS", 1)
    impatient = Ledger.open(f"sqlite:///{path}")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusyError) as caught:
        impatient.append(an_event(1))
    holder.close()
    impatient.close()
    assert "process" in caught.value.remedy
    assert ledger.append(an_event(1)).seq == 1


def test_a_full_disk_is_an_error_and_nothing_is_recorded_until_there_is_room(ledger: Ledger) -> None:
    engine = ledger._engine  # noqa: SLF001  the one way to a limit on the same connection
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    big = Event(id="big", code=EventCode.GRANT_OPENED, at=AT, actor="operator", data={"reason": "x" * 50_000})
    with pytest.raises(LedgerFullError) as caught:
        ledger.append(big)
    assert "room" in caught.value.remedy
    assert ledger.head().count == 0
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert ledger.append(big).seq == 1


def test_a_damaged_file_is_an_error_of_the_family(ledger: Ledger, path: Path) -> None:
    ledger.append_all([prepare(an_event(number)) for number in range(200)])
    ledger.close()
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half:] = b"\xa5" * (len(content) - half)
    path.write_bytes(content)
    damaged = Ledger.open(f"sqlite:///{path}", read_only=True)
    with pytest.raises(LedgerError):
        tuple(damaged.events(EventQuery()))
    assert not isinstance(verify(damaged.rows()), Whole)
    damaged.close()
