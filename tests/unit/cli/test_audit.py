import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from jitgress.audit.ledger import Ledger
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.domain.request import RequestRef
from tests.unit.cli.cluster import ALICE, CAROL, NOW, Cluster

REQUEST = RequestRef("shop", "orders-1", "uid-1")
OTHER = RequestRef("shop", "orders-2", "uid-2")
LOG_80 = """\
NO  TIME          EVENT             ACTOR               REQUEST
1   10:00:00 UTC  request.received  alice@example.test  shop/orders-1
2   10:01:00 UTC  review.counted    carol@example.test  shop/orders-1
3   10:02:00 UTC  request.received  alice@example.test  shop/orders-2
"""


def event(minute: int, code: EventCode, actor: str, request: RequestRef) -> Event:
    return Event(
        id=event_id(request.uid, code),
        code=code,
        at=NOW + timedelta(minutes=minute),
        actor=actor,
        subject=ALICE.username,
        request=request,
        data={"reason": "INC-123", "paths": ["/api", "/health"]},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    ledger.append(event(0, EventCode.REQUEST_RECEIVED, ALICE.username, REQUEST))
    ledger.append(event(1, EventCode.REVIEW_COUNTED, CAROL.username, REQUEST))
    ledger.append(event(2, EventCode.REQUEST_RECEIVED, ALICE.username, OTHER))
    ledger.close()
    return path


@pytest.fixture
def cluster(path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("JITGRESS_LEDGER", f"sqlite:///{path}")
    return Cluster(environ={"COLUMNS": "80"})


def tamper(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TRIGGER events_no_update")
        database.execute("UPDATE events SET actor = 'mallory' WHERE seq = 2")
    database.close()


def test_the_log_is_a_table(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("audit", "log") == 0

    assert capsys.readouterr().out == LOG_80


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("--request", "shop/orders-1"), [1, 2]),
        (("--request", "uid-2"), [3]),
        (("--code", "review.counted"), [2]),
        (("--code", "review.counted", "--code", "request.received", "-n", "2"), [2, 3]),
        (("--subject", "alice@example.test", "--since", "2026-01-01T10:01:00Z"), [2, 3]),
        (("--until", "1m"), [1]),
        (("--since", "30s"), [3]),
        (("--subject", "nobody"), []),
    ],
)
def test_the_log_is_narrowed(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], numbers: list[int]
) -> None:
    cluster.clock.time = NOW + timedelta(minutes=2)

    assert cluster.run("audit", "log", *arguments, "-o", "json") == 0

    assert [each["seq"] for each in json.loads(capsys.readouterr().out)] == numbers


def test_json_is_the_recorded_event_with_its_hashes(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.run("audit", "log", "-o", "json", "-n", "1")

    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["at"] == "2026-01-01T10:02:00.000Z"
    assert entry["data"] == {"reason": "INC-123", "paths": ["/api", "/health"]}
    assert len(entry["chain"]) == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("log", "--code", "nothing"), "'nothing' is not an event. Use one of: request.received"),
        (("log", "--since", "yesterday"), "'yesterday' is not a time. Write 2h for two hours ago"),
        (("verify", "--expect-head", "zz"), "'zz' is not a head"),
        (("verify", "--expect-head", ""), "'' is not a head"),
        (("verify", "--expect-head", f"-1:{'0' * 64}"), "is not a head. Give it as verify printed it: COUNT:HASH."),
        (("verify", "--expect-head", f"٣:{'0' * 64}"), "is not a head"),
        (("verify", "--expect-head", f"5:{'0' * 62}  "), "is not a head"),
        (("verify", "--expect-head", "5:ab"), "'5:ab' is not a head"),
        (("verify", "--expect-head", "0" * 64), "is not a head"),
        (("verify", "--ledger", "/nope"), "'/nope' is not the address of a ledger. Write it like sqlite:////PATH."),
    ],
)
def test_wrong_usage_says_what_to_do(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert cluster.run("audit", *arguments) == 2

    assert words in capsys.readouterr().err


def test_a_whole_ledger_gives_a_head_that_is_worth_keeping(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster.run("audit", "verify") == 0
    assert capsys.readouterr().out.startswith("whole: 3 events, each as it was recorded\nhead:  3:")

    cluster.run("audit", "verify", "-o", "name")
    head = capsys.readouterr().out.strip()

    assert cluster.run("audit", "verify", "--expect-head", head) == 0


def test_a_ledger_that_was_cut_short_does_not_have_the_head(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster.run("audit", "verify", "--expect-head", f"4:{'0' * 64}") == 1

    assert "event 4 is truncated" in capsys.readouterr().err


def test_the_first_broken_event_is_named(cluster: Cluster, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(path)

    assert cluster.run("audit", "verify", "-o", "json") == 1

    captured = capsys.readouterr()
    assert captured.err.startswith("error: event 2 is altered: the column actor differs")
    assert "The 1 events before it are whole." in captured.err
    assert json.loads(captured.out)["error"]["code"] == "ledger_broken"


def test_reading_never_makes_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.db"

    assert Cluster().run("audit", "verify", "--ledger", f"sqlite:///{missing}") == 1

    assert not missing.exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_a_ledger_there_is_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JITGRESS_LEDGER", raising=False)

    assert Cluster(environ={"JITGRESS_LOCAL_DIR": str(tmp_path)}).run("audit", "log") == 2

    assert "set JITGRESS_LEDGER" in capsys.readouterr().err
