"""Approvers can allow less than was asked for. What would be more, or leave nothing, is refused before it is sent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from jitgress.crds.values import review_value
from jitgress.domain.subject import Subject
from jitgress.domain.window import format_time
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REVIEWS, ACCESS_TARGETS
from tests.unit.cli.cluster import CAROL, NOW, Cluster, active, broken_glass, counted, pending, scheduled

CHRIS = Subject("chris@example.test", frozenset({"approvers"}))
APPROVE = ("approve", "shop/orders-1")
OFFICE_HOURS = {"timeZone": "UTC", "windows": [{"days": ["Thu"], "from": "08:00", "to": "18:00"}]}


def asked_for(**spec: Any) -> Cluster:
    """Return a cluster in which carol is asked to approve orders-1."""
    cluster = Cluster(caller=CAROL).has_target().has_policy(maxStartAheadSeconds=86_400)
    cluster.has_request("orders-1", pending(), **spec)
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]
    return cluster


def answered(cluster: Cluster) -> Mapping[str, Any]:
    (created,) = cluster.created
    spec: Mapping[str, Any] = created["spec"]
    return {name: value for name, value in spec.items() if name not in ("request", "reviewer", "decision")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), {}),
        (("--for", "15m"), {"durationSeconds": 900}),
        (("--for", "30m"), {"durationSeconds": 1800}),
        (("--path", "/api/v1", "--path", "/health"), {"paths": ["/api/v1", "/health"]}),
        (("--method", "get"), {"methods": ["GET"]}),
        (("--at", "14:00"), {"startTime": "2026-01-01T14:00:00.000Z"}),
        (("--at", "+1h", "--for", "1m", "--comment", "later"), {
            "startTime": "2026-01-01T11:00:00.000Z",
            "durationSeconds": 60,
            "comment": "later",
        }),
    ],
    ids=["all", "shorter", "as long", "fewer paths", "fewer methods", "later", "several"],
)  # fmt: skip
def test_an_approval_says_what_it_leaves(arguments: Sequence[str], said: Mapping[str, Any]) -> None:
    cluster = asked_for()

    assert cluster.run(*APPROVE, *arguments) == 0

    assert answered(cluster) == said


def test_what_the_command_writes_is_what_the_operator_reads() -> None:
    cluster = asked_for()
    cluster.run(*APPROVE, "--for", "15m", "--path", "/api", "--method", "GET", "--at", "14:00")

    read = review_value(cluster.created[0]).narrowing

    assert (read.duration, read.paths, read.methods) == (timedelta(minutes=15), ("/api",), ("GET",))
    assert read.start_at == NOW.replace(hour=14)


@pytest.mark.parametrize(
    ("spec", "arguments", "words"),
    [
        ({}, ("--for", "31m"), "--for 31 min is longer than was asked for. The most is 30 min."),
        ({"durationSeconds": None}, ("--for", "21m"), "is longer than was asked for. The most is 20 min."),
        ({"paths": ["/api"]}, ("--path", "/health"), "/health is more than was asked for"),
        ({"paths": ["/api"]}, ("--path", "/apis"), "/apis is more than was asked for"),
        ({}, ("--path", "/"), "/ is more than was asked for. Name no more than: GET, POST, /api, /health."),
        ({"methods": ["GET"]}, ("--method", "POST"), "POST is more than was asked for"),
        ({}, ("--method", "DELETE"), "DELETE is more than was asked for"),
        ({}, ("--method", "TRACE"), "is not a method that can be granted"),
        ({}, ("--path", "/api/../x"), "is not a path prefix"),
        (
            {"startTime": "2026-01-01T15:00:00.000Z"},
            ("--at", "14:00"),
            "--at 14:00:00 UTC is earlier than was asked for. The earliest is 15:00:00 UTC.",
        ),
        ({}, ("--at", "09:00"), "'09:00' has passed"),
        (
            {"endTime": "2026-01-01T14:00:00.000Z"},
            ("--at", "14:00"),
            "--at 14:00:00 UTC is not before 14:00:00 UTC, when it has to end",
        ),
        ({}, ("--at", "2026-01-02 10:01"), "is further ahead than policy dev-orders permits (1 d from when"),
    ],
    ids=[
        "longer",
        "longer than the default",
        "another path",
        "not by whole segments",
        "beyond the target",
        "another method",
        "a method beyond the target",
        "no method",
        "no path",
        "earlier",
        "in the past",
        "at the end",
        "too far ahead",
    ],
)
def test_what_is_not_less_is_refused_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], spec: Mapping[str, Any], arguments: Sequence[str], words: str
) -> None:
    cluster = Cluster(caller=CAROL).has_target()
    cluster.has_policy(defaultDurationSeconds=1200, maxStartAheadSeconds=86_400)
    cluster.has_request("orders-1", pending(), **spec)

    assert cluster.run(*APPROVE, *arguments) == 2

    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert cluster.created == []


def test_a_start_outside_the_policys_hours_would_deny_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=CAROL).has_policy(maxStartAheadSeconds=86_400, schedule=OFFICE_HOURS)
    cluster.has_request("orders-1", pending())

    assert cluster.run(*APPROVE, "--at", "18:00", "-o", "json") == 2

    captured = capsys.readouterr()
    assert '"code": "nothing_left"' in captured.out
    assert "is outside the hours of policy dev-orders" in captured.err


def test_a_start_after_the_end_of_what_is_extended_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = asked_for(extends={"name": "orders-0", "uid": "uid-of-orders-0"})
    cluster.has_request("orders-0", active())

    assert cluster.run(*APPROVE, "--at", "10:30") == 2

    assert "is not before 10:30:00 UTC, when it has to end" in capsys.readouterr().err


def test_two_approvals_that_share_no_path_would_deny_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = asked_for()
    cluster.has_review("r1", "orders-1", "Approve", CHRIS, counted(), paths=["/health"])

    assert cluster.run(*APPROVE, "--path", "/api") == 2

    assert "with what others approved no path or no method would be left" in capsys.readouterr().err


def test_what_the_approver_may_not_read_is_left_to_the_server() -> None:
    cluster = asked_for(durationSeconds=None)
    cluster.forbidden |= {ACCESS_POLICIES, ACCESS_TARGETS}

    assert cluster.run(*APPROVE, "--for", "2h", "--path", "/elsewhere", "--at", "2026-01-05 10:00") == 0

    assert answered(cluster)["paths"] == ["/elsewhere"]


def test_what_break_glass_opened_does_not_become_less_by_its_review(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=CAROL).has_request("orders-1", broken_glass(), breakGlass=True)

    assert cluster.run(*APPROVE, "--for", "1m") == 2

    assert "end it with: jitgress revoke shop/orders-1" in capsys.readouterr().err


def test_approvers_see_what_they_leave_out(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = asked_for(
        startTime=format_time(NOW + timedelta(hours=1)),
        endTime=format_time(NOW + timedelta(hours=6)),
        ticket="CHG-7",
        durationSeconds=None,
    )
    cluster.has_review("r1", "orders-1", "Approve", CHRIS, counted(), durationSeconds=1200, methods=["GET"])

    cluster.run(*APPROVE, "--for", "15m", "--path", "/api", "--at", "14:00")

    assert capsys.readouterr().out == (
        "  request    shop/orders-1\n"
        "  who        alice@example.test (dev)\n"
        "  target     shop/orders, orders.example.test\n"
        "  methods    GET, POST (everything that target and policy permit)\n"
        "  paths      /api, instead of /api, /health (everything that target and policy permit)\n"
        "  for        15 min, instead of 1 h (the policy's default)\n"
        "  when       from 14:00:00 UTC (in 4 h), instead of 11:00:00 UTC, not after 16:00:00 UTC\n"
        "  reason     INC-123 stuck orders\n"
        "  ticket     CHG-7\n"
        "  approvals  0 of 1, 1 missing\n"
        "  but        chris@example.test approved no more than: for 20 min, GET\n"
        "approved: shop/orders-1\n"
    )


def test_everything_is_what_target_and_policy_have_in_common(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=CAROL).has_target().has_request("orders-1", pending())
    cluster.has_policy(scope={"paths": ["/api/v1", "/elsewhere"], "methods": ["GET", "DELETE"]})
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    cluster.run(*APPROVE)

    out = capsys.readouterr().out
    assert "  methods    GET (everything that target and policy permit)\n" in out
    assert "  paths      /api/v1 (everything that target and policy permit)\n" in out
    assert "  approvals  0 of 1, 1 missing: group approvers\n" in out


def test_approvers_see_when_it_is_to_be_open(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=CAROL).has_request("orders-1", scheduled())
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    cluster.run("revoke", "shop/orders-1")

    assert "  when       14:00:00 UTC to 14:30:00 UTC\n" in capsys.readouterr().out


def test_approvers_see_what_is_extended_and_who_else_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    groups = [
        {"name": "security", "required": 1, "approvers": [{"kind": "Group", "name": "approvers"}]},
        {
            "name": "owner",
            "required": 1,
            "approvers": [{"kind": "User", "name": "olga"}, {"kind": "Group", "name": "own"}],
        },
    ]
    cluster = Cluster(caller=CAROL).has_target()
    cluster.has_policy(approval={"groups": groups, "webhook": "change", "timeoutSeconds": 3600})
    waits = {
        "approvals": {"required": 2, "counted": 1, "by": [CHRIS.username]},
        "waitingFor": ["user olga", "group own", "webhook change"],
    }
    cluster.has_request("orders-0", active())
    cluster.has_request("orders-1", pending() | waits, extends={"name": "orders-0", "uid": "uid-of-orders-0"})
    cluster.has_review("r1", "orders-1", "Approve", CHRIS, counted())
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    cluster.run(*APPROVE)

    out = capsys.readouterr().out
    assert "  extends    shop/orders-0, open until 10:30:00 UTC; with this until 11:00:00 UTC\n" in out
    assert (
        "  approvals  1 of 2 by chris@example.test, 1 missing: 1 of owner: user olga or group own, webhook change\n"
        in out
    )


@pytest.mark.parametrize(
    ("command", "duration", "done"),
    [
        ("approve", 30, "reviewed as justified"),
        ("deny", 30, "reviewed as not justified, and closed"),
        ("approve", -30, "reviewed as justified"),
        ("deny", -30, "reviewed as not justified"),
        ("revoke", 30, "revoked"),
    ],
    ids=["justified", "unjustified", "justified after the end", "unjustified after the end", "revoked"],
)
def test_of_break_glass_the_answer_is_the_review_afterwards(
    capsys: pytest.CaptureFixture[str], command: str, duration: int, done: str
) -> None:
    cluster = Cluster(caller=CAROL).has_target()
    standing = broken_glass(duration=timedelta(minutes=30))
    cluster.clock.time = NOW + timedelta(minutes=0 if duration > 0 else 60)
    cluster.has_request("orders-1", standing, breakGlass=True)
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    assert cluster.run(command, "shop/orders-1") == 0

    lines = capsys.readouterr().out.splitlines()
    left = "6 h" if duration > 0 else "5 h"
    assert lines[1] == f"  break-glass  opened without approval; review due in {left}"
    assert lines[-1] == f"{done}: shop/orders-1"
