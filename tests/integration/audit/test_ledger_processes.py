"""The ledger with several real processes on one file, and with writers that are killed at any moment."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jitgress.audit.ledger import EventQuery, Ledger
from jitgress.audit.verify import Whole, verify

WRITER = Path(__file__).with_name("ledger_writer.py")
KILLS = 15


@contextmanager
def a_writer(url: str, first: int, count: int) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    command = [sys.executable, str(WRITER), url, str(first), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def recorded_ids(url: str) -> list[str]:
    ledger = Ledger.open(url)
    ids = [entry.event.id for entry in ledger.events(EventQuery())]
    outcome = verify(ledger.rows())
    ledger.close()
    assert isinstance(outcome, Whole)
    assert outcome.head.count == len(ids)
    return ids


def test_two_writers_of_the_same_events_record_each_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"  # made by whichever of the two comes first
    with a_writer(url, 0, 200) as (one, one_output), a_writer(url, 0, 200) as (other, other_output):
        acknowledged = [one_output.read().split(), other_output.read().split()]
        assert (one.wait(), other.wait()) == (0, 0)
    everything = [f"e{number}" for number in range(200)]
    assert acknowledged == [everything, everything]
    assert recorded_ids(url) == everything


def test_no_acknowledged_event_is_lost_or_doubled_by_kills_at_any_moment(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    chance = random.Random()  # noqa: S311  a moment, not a secret
    acknowledged: list[str] = []
    for _ in range(KILLS):
        with a_writer(url, max(0, len(acknowledged) - 2), 100_000) as (process, output):
            lines = [output.readline().strip() for _ in range(chance.randint(0, 40))]
            process.kill()
            lines += output.read().split("\n")
        acknowledged += [line for line in lines if line and line not in acknowledged]
        ids = recorded_ids(url)
        assert len(set(ids)) == len(ids)
        assert set(acknowledged) <= set(ids)
    assert acknowledged == sorted(acknowledged, key=lambda name: int(name[1:]))
