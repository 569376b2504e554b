"""Ask, approve, use, end, prove: through the real ingress, as several people."""

import asyncio
import json
import shutil
import sqlite3
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, all_ends, end_of_stream, end_of_websocket

pytestmark = pytest.mark.real


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_host_without_a_grant_is_hidden(stack: Stack) -> None:
    answer = stack.get(stack.host("orders"))

    assert answer.status_code == 404
    assert "Jitgress-Gate" not in answer.headers


def test_only_the_granted_person_path_and_method_pass(stack: Stack) -> None:
    host = stack.host("orders")
    request = stack.open("alice", "shop/orders", 30, "--path", "/echo", "--method", "GET")
    token = stack.token("alice", request)

    assert stack.get(host, "/echo", token=token).status_code == 200
    assert stack.get(host, "/echo/below", token=token).status_code == 200
    assert stack.get(host, "/echo").status_code == 401
    assert stack.get(host, "/echo", token=token + "x").status_code == 401
    assert stack.get(host, "/download", token=token).status_code in {403, 404}
    assert stack.get(host, "/echoes", token=token).status_code in {403, 404}
    assert stack.get(host, "/echo/../download", token=token).status_code in {400, 403, 404}
    assert stack.get(host, "/echo", token=token, method="POST").status_code == 403
    for other in ("bob", "carol", "mallory"):
        assert stack.cli(other, "token", request).returncode != 0

    assert stack.cli("carol", "revoke", request).returncode == 0
    stack.wait(lambda: stack.get(host, "/echo", token=token).status_code, lambda status: status in {403, 404})
    stack.wait(lambda: stack.get(host, "/echo").status_code, lambda status: status == 404)


def test_nobody_approves_their_own_request(stack: Stack) -> None:
    request = stack.ask("alice", "shop/orders", 30)

    done = stack.cli("alice", "approve", request)

    assert done.returncode == 3, done.stdout + done.stderr
    assert stack.state("alice", request)["state"] == "Pending"
    stack.cli("alice", "withdraw", request)
    stack.wait_for_state("alice", request, "Withdrawn")


def test_credentials_and_spoofed_identities_never_reach_the_target(stack: Stack) -> None:
    host = stack.host("grafana")
    request = stack.open("alice", "monitoring/grafana", 20, approver=None)
    token = stack.token("alice", request)
    spoofed = {
        "X-Forwarded-User": "root",
        "X-Forwarded-Email": "root@example.test",
        "X-Forwarded-Groups": "system:masters",
        "X-Auth-Request-User": "root",
        "Remote-User": "root",
        "X_Forwarded_User": "root",
        "Cookie": f"theme=dark; __Host-jitgress={token}; a=b",
    }

    answer = stack.get(host, "/echo", token=token, headers=spoofed)

    assert answer.status_code == 200
    seen = {name.lower(): value for name, value in dict(answer.json()["headers"]).items()}
    assert seen["x-forwarded-user"] == "alice@example.test"
    assert "dev" in seen["x-forwarded-groups"]
    assert seen["cookie"].replace(" ", "") == "theme=dark;a=b"
    assert "root" not in json.dumps(seen)
    for place in (stack.upstream_log("grafana"), *(log.read_text() for log in (stack.folder / "logs").glob("*.log"))):
        assert token not in place
    ledger = Path(stack.env["ledger"].removeprefix("sqlite:///"))
    assert all(token.encode() not in part.read_bytes() for part in ledger.parent.glob(f"{ledger.name}*"))
    stack.cli("alice", "withdraw", request)


async def test_streams_are_cut_at_the_end_and_the_host_is_hidden_again(stack: Stack) -> None:
    host = stack.host("grafana")
    request = await asyncio.to_thread(stack.open, "alice", "monitoring/grafana", 15, approver=None)
    token = await asyncio.to_thread(stack.token, "alice", request)
    end = epoch((await asyncio.to_thread(stack.state, "alice", request))["window"]["notAfter"])

    async with (
        stack.websocket(host, "/ws", token) as socket,
        stack.stream(host, "/sse", token) as events,
        stack.stream(host, "/download?bytes=100000000&rate=200000", token) as download,
    ):
        assert events.status_code == 200
        assert download.status_code == 200
        ends = await all_ends(end_of_websocket(socket), end_of_stream(events), end_of_stream(download))

    lateness = [round((each - end) * 1000) for each in ends]
    assert all(-500 < late < 1000 for late in lateness), lateness
    assert all(late < 500 for late in lateness), f"cut too late: {lateness} ms"
    assert stack.get(host, "/echo", token=token).status_code in {401, 403, 404}
    closed = stack.wait(lambda: stack.state("alice", request), lambda seen: "hiddenAt" in seen)
    assert closed["state"] == "Expired"
    assert stack.get(host).status_code == 404


def test_the_end_of_one_grant_leaves_the_other_ones_of_the_host_open(stack: Stack) -> None:
    host = stack.host("grafana")
    short = stack.open("alice", "monitoring/grafana", 5, approver=None)
    long = stack.open("alice", "monitoring/grafana", 25, approver=None)
    token = stack.token("alice", long)

    stack.wait_for_state("alice", short, "Expired")

    for _ in range(20):
        assert stack.get(host, "/echo", token=token).status_code == 200
        time.sleep(0.02)
    stack.cli("alice", "withdraw", long)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shop/orders", "--for", "23h"), "permits up to"),
        (("shop/nothing", "--for", "10s"), "nothing"),
        (("shop/orders", "--for", "10s", "--path", "/*"), "/*"),
        (("shop/orders", "--for", "10s", "--method", "TRACE"), "TRACE"),
    ],
)
def test_asking_for_too_much_is_denied_with_the_reason(stack: Stack, arguments: tuple[str, ...], words: str) -> None:
    done = stack.cli("alice", "request", *arguments, "--reason", "end-to-end test", "--wait", "--timeout", "20s")

    assert done.returncode in {1, 2, 3}, done.stdout + done.stderr
    assert words in done.stdout + done.stderr


def test_the_ledger_verifies_and_a_tampered_copy_does_not(stack: Stack, tmp_path: Path) -> None:
    ledger = Path(stack.env["ledger"].removeprefix("sqlite:///"))
    copy = tmp_path / "copy.db"
    with sqlite3.connect(ledger) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    whole = stack.cli("erin", "audit", "verify", "--ledger", f"sqlite:///{copy}")
    broken = tmp_path / "broken.db"
    shutil.copy(copy, broken)
    with sqlite3.connect(broken) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE events SET actor = 'mallory@example.test' WHERE seq = 3")
    tampered = stack.cli("erin", "audit", "verify", "--ledger", f"sqlite:///{broken}")

    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert tampered.returncode == 1
    assert "3" in tampered.stdout + tampered.stderr
