"""Verification: whole ledgers, kept heads, and what can't be seen without one."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from jitgress.audit.chain import EMPTY, GENESIS, Head, chain_hash, leaf_hash
from jitgress.audit.errors import LedgerDamagedError
from jitgress.audit.ledger import Ledger
from jitgress.audit.verify import Broken, Damage, Expected, RawRow, Whole, verify
from jitgress.domain.event import Event, EventCode


@pytest.fixture
def rows(tmp_path: Path) -> list[RawRow]:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    for number in range(4):
        at = datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)
        ledger.append(Event(id=f"e{number}", code=EventCode.GRANT_OPENED, at=at, actor="operator"))
    found = list(ledger.rows())
    ledger.close()
    return found


def chain_of(row: RawRow) -> bytes:
    assert row.chain is not None
    return row.chain


def test_the_chain_is_the_documented_one() -> None:
    genesis = hashlib.sha256(b"jitgress ledger v1").digest()
    leaf = hashlib.sha256(b"\x00event").digest()
    assert genesis == GENESIS
    assert leaf_hash(b"event") == leaf
    assert chain_hash(genesis, leaf) == hashlib.sha256(b"\x02" + genesis + leaf).digest()


@pytest.mark.parametrize("seq", [1, 4])
def test_every_single_bit_of_a_row_counts(rows: list[RawRow], seq: int) -> None:
    row = rows[seq - 1]
    for name in RawRow.__dataclass_fields__:
        value = getattr(row, name) or b""
        for position, bit in product(range(len(value)), range(8)):
            flipped = bytearray(value)
            flipped[position] ^= 1 << bit
            changed = [*rows[: seq - 1], replace(row, **{name: bytes(flipped)}), *rows[seq:]]
            if name == "seq" and not flipped.isdigit():
                continue  # SQLite's own numbers: always digits
            outcome = verify(changed)
            assert isinstance(outcome, Broken), (name, position, bit)
            assert outcome.seq == (min(seq, int(flipped)) if name == "seq" else seq)


def test_an_empty_ledger_is_whole() -> None:
    assert verify([]) == Whole(EMPTY)
    assert verify([], Expected(chain=GENESIS, count=0)) == Whole(EMPTY)


def test_a_whole_ledger_tells_its_head(rows: list[RawRow]) -> None:
    assert verify(rows) == Whole(Head(4, chain_of(rows[3])))


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_a_ledger_that_grew_since_its_head_was_kept_is_whole(rows: list[RawRow], kept: int) -> None:
    chain = chain_of(rows[kept - 1])
    assert isinstance(verify(rows, Expected(chain=chain, count=kept)), Whole)
    assert isinstance(verify(rows, Expected(chain=chain)), Whole)
    assert isinstance(verify(rows, Expected(count=kept)), Whole)


def test_events_taken_off_the_end_are_seen_with_a_kept_head_only(rows: list[RawRow]) -> None:
    head = Head(4, chain_of(rows[3]))
    assert verify(rows[:2]) == Whole(Head(2, chain_of(rows[1])))
    by_count, by_chain = verify(rows[:2], Expected(count=4)), verify(rows[:2], Expected(chain=head.chain))
    assert isinstance(by_count, Broken)
    assert (by_count.seq, by_count.damage) == (3, Damage.TRUNCATED)
    assert isinstance(by_chain, Broken)
    assert by_chain.damage is Damage.REWRITTEN


def test_a_kept_head_at_another_count_is_not_taken_for_it(rows: list[RawRow]) -> None:
    assert isinstance(verify(rows, Expected(chain=chain_of(rows[1]), count=3)), Broken)


def test_a_file_that_cannot_be_read_on_names_the_event_it_ends_before(rows: list[RawRow]) -> None:
    def torn() -> Iterator[RawRow]:
        yield from rows[:2]
        raise LedgerDamagedError("malformed")

    outcome = verify(torn())
    assert isinstance(outcome, Broken)
    assert (outcome.seq, outcome.damage, outcome.verified.count) == (3, Damage.UNREADABLE, 2)
    assert str(outcome) == "event 3 is unreadable: malformed"
