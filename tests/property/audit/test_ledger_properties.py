"""Any sequence of appends verifies; any change of any stored byte or row is found, at the first event it touches."""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.audit.ledger import Ledger, prepare
from jitgress.audit.store import EVENTS
from jitgress.audit.verify import Broken, Expected, Whole, verify
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.domain.request import RequestRef

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[EventValue] = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EVENT = st.builds(
    Event,
    id=st.integers(0, 12).map(lambda number: f"{number:032x}") | TEXT,
    code=st.sampled_from(EventCode),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  zone is given
    actor=TEXT,
    subject=st.none() | TEXT,
    request=st.none() | st.builds(RequestRef, TEXT, TEXT, TEXT),
    data=st.dictionaries(TEXT, VALUES, max_size=3),
)
TEXT_COLUMNS = ("id", "code", "actor", "subject", "request_namespace", "request_name", "request_uid")
ON_DISK = settings(deadline=None)  # how long an fsync takes is the disk's matter
BLOB_COLUMNS = ("canonical", "leaf", "chain")


@ON_DISK
@given(st.lists(EVENT, max_size=12), st.lists(st.integers(1, 5), max_size=6))
def test_any_sequence_of_appends_verifies_and_holds_each_id_once_as_it_came_first(
    events: list[Event], groups: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(Ledger.open(f"sqlite:///{folder}/ledger.db")) as ledger:
        waiting = [prepare(event) for event in events]
        for size in (*groups, len(waiting)):
            ledger.append_all(waiting[:size])
            waiting = waiting[size:]
        first = {event.id: event for event in reversed(events)}
        outcome = verify(ledger.rows())
        assert isinstance(outcome, Whole)
        assert outcome.head == ledger.head()
        assert outcome.head.count == len(first)
        for event in first.values():
            found = ledger.find(event.id)
            assert found is not None
            assert found.event.at == event.at - timedelta(microseconds=event.at.microsecond % 1000)
            assert (found.event.actor, found.event.subject, found.event.request) == (
                event.actor,
                event.subject,
                event.request,
            )
            assert found.event.data == event.data


@dataclass(frozen=True)
class Sample:
    """A closed ledger without its triggers, as somebody with the file could make it: copies are for tampering."""

    content: bytes
    count: int

    def tampered(self, change: Callable[[sqlite3.Connection], object], expected: Expected) -> Whole | Broken:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.db"
            path.write_bytes(self.content)
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                change(connection)
            with closing(Ledger.open(f"sqlite:///{path}", read_only=True)) as ledger:
                return verify(ledger.rows(), expected)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    for number in range(1, 7):
        ledger.append(
            Event(
                id=f"{number:032x}",
                code=EventCode.GRANT_OPENED,
                at=datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC),
                actor="operator",
                subject="zoë" if number % 2 else None,
                request=RequestRef("shop", f"r{number}", f"uid-{number}"),
                data={"number": number},
            )
        )
    ledger.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in ("events_no_update", "events_no_delete", "events_in_order"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA ignore_check_constraints = 1")
    return Sample(path.read_bytes(), 6)


def assert_broken_at(outcome: Whole | Broken, seq: int) -> None:
    assert isinstance(outcome, Broken)
    assert outcome.seq == seq
    assert outcome.verified.count == seq - 1


@ON_DISK
@given(data=st.data())
def test_any_flipped_byte_of_any_column_is_found_at_its_event(sample: Sample, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, sample.count), "seq")
    column = data.draw(st.sampled_from([*TEXT_COLUMNS, *BLOB_COLUMNS]), "column")
    mask = data.draw(st.integers(1, 255), "mask")

    def change(connection: sqlite3.Connection) -> None:
        (found,) = connection.execute(
            "SELECT CAST(COLUMN AS BLOB) FROM events WHERE seq = ?".replace("COLUMN", column), (seq,)
        ).fetchone()
        value = bytearray(found or b"\0")  # where nothing was, something is
        value[data.draw(st.integers(0, len(value) - 1), "position")] ^= mask
        update = "UPDATE events SET COLUMN = ? WHERE seq = ?"
        if column in TEXT_COLUMNS:
            update = update.replace("= ?", "= CAST(? AS TEXT)", 1)
        connection.execute(update.replace("COLUMN", column), (bytes(value), seq))

    assert_broken_at(sample.tampered(change, Expected()), seq)


@ON_DISK
@given(seq=st.integers(1, 6), bit=st.integers(0, 62))
def test_any_flipped_bit_of_the_time_is_found_at_its_event(sample: Sample, seq: int, bit: int) -> None:
    def change(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE events SET at = (at | :m) - (at & :m) WHERE seq = :s", {"m": 1 << bit, "s": seq})

    assert_broken_at(sample.tampered(change, Expected()), seq)


@ON_DISK
@given(seq=st.integers(1, 6), bit=st.integers(0, 62))
def test_any_flipped_bit_of_a_number_is_found_where_it_is_first_missed(sample: Sample, seq: int, bit: int) -> None:
    renumbered = seq ^ (1 << bit)
    taken = 1 <= renumbered <= sample.count

    def change(connection: sqlite3.Connection) -> None:
        if taken:  # the two change places
            connection.execute("UPDATE events SET seq = -1 WHERE seq = ?", (renumbered,))
        connection.execute("UPDATE events SET seq = ? WHERE seq = ?", (renumbered, seq))
        connection.execute("UPDATE events SET seq = ? WHERE seq = -1", (seq,))

    outcome = sample.tampered(change, Expected(count=sample.count))
    assert isinstance(outcome, Broken)
    assert outcome.seq == (min(seq, renumbered) if taken or renumbered == 0 else seq)


@ON_DISK
@given(data=st.data())
def test_a_value_taken_out_is_found_at_its_event(sample: Sample, data: st.DataObject) -> None:
    seq = data.draw(st.sampled_from([1, 3, 5]), "seq")
    column = data.draw(st.sampled_from(["subject", "request_namespace", "request_name", "request_uid"]), "column")
    take_out = "UPDATE events SET COLUMN = NULL WHERE seq = ?".replace("COLUMN", column)
    assert_broken_at(sample.tampered(lambda connection: connection.execute(take_out, (seq,)), Expected()), seq)


@ON_DISK
@given(seqs=st.sets(st.integers(1, 6), min_size=1))
def test_any_deleted_rows_are_found_at_the_first(sample: Sample, seqs: set[int]) -> None:
    def change(connection: sqlite3.Connection) -> None:
        connection.executemany("DELETE FROM events WHERE seq = ?", [(seq,) for seq in seqs])

    assert_broken_at(sample.tampered(change, Expected(count=sample.count)), min(seqs))


@ON_DISK
@given(seqs=st.sets(st.integers(1, 5), min_size=1))
def test_deleted_rows_are_found_also_when_the_rest_is_renumbered(sample: Sample, seqs: set[int]) -> None:
    def change(connection: sqlite3.Connection) -> None:
        for seq in sorted(seqs, reverse=True):
            connection.execute("DELETE FROM events WHERE seq = ?", (seq,))
            connection.execute("UPDATE events SET seq = -seq WHERE seq > ?", (seq,))
            connection.execute("UPDATE events SET seq = -seq - 1 WHERE seq < 0")

    assert_broken_at(sample.tampered(change, Expected()), min(seqs))


@ON_DISK
@given(order=st.permutations(range(1, 7)).filter(lambda order: order != [1, 2, 3, 4, 5, 6]))
def test_any_other_order_is_found_at_the_first_that_moved(sample: Sample, order: list[int]) -> None:
    def change(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "UPDATE events SET seq = ? WHERE seq = ?", [(-to, seq) for seq, to in enumerate(order, 1)]
        )
        connection.execute("UPDATE events SET seq = -seq")

    first = next(seq for seq, to in enumerate(order, 1) if seq != to)
    assert_broken_at(sample.tampered(change, Expected()), first)


@ON_DISK
@given(source=st.integers(1, 6), at=st.integers(1, 7))
def test_an_inserted_row_is_found_where_it_was_put(sample: Sample, source: int, at: int) -> None:
    others = ", ".join(column.name for column in EVENTS.columns if column.name not in {"seq", "id"})
    insert = "INSERT INTO events (seq, id, OTHERS) SELECT -999, 'forged', OTHERS FROM events WHERE seq = ?"
    insert = insert.replace("OTHERS", others)

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(insert, (source,))
        connection.execute("UPDATE events SET seq = -seq - 1 WHERE seq >= ?", (at,))
        connection.execute("UPDATE events SET seq = -seq WHERE seq < 0 AND seq > -999")
        connection.execute("UPDATE events SET seq = ? WHERE seq = -999", (at,))

    outcome = sample.tampered(change, Expected())
    assert isinstance(outcome, Broken)
    assert outcome.seq == at
