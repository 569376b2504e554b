"""What a request can say beside its target: when, until when, for which ticket, and that it can't wait."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.unit.cli.cluster import (
    ALICE,
    CAROL,
    Cluster,
    active,
    broken_glass,
    counted,
    pending,
    scheduled,
    status,
)

ASK = ("request", "shop/orders", "--reason", "INC-123")
GLASS = {
    "subjects": [{"kind": "Group", "name": "dev"}],
    "maxDurationSeconds": 1800,
    "reviewWithinSeconds": 86_400,
}
EXTRA = {"jitgress.dev/amr": ["pwd", "mfa"], "example.test/credential-id": ["X509SHA256=7"]}


def answering(*statuses: Mapping[str, Any]) -> Cluster:
    cluster = Cluster().has_target()
    cluster.answers[ACCESS_REQUESTS] = lambda _: statuses
    return cluster


def asked(cluster: Cluster) -> Mapping[str, Any]:
    (created,) = cluster.created
    spec: Mapping[str, Any] = created["spec"]
    return spec


def test_without_a_duration_it_is_left_to_the_policy() -> None:
    cluster = answering(pending())

    assert cluster.run(*ASK) == 0

    assert set(asked(cluster)) == {"target", "requester", "reason"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "14:00"), {"startTime": "2026-01-01T13:00:00.000Z"}),
        (("--at", "+90m", "--for", "1h"), {"startTime": "2026-01-01T11:30:00.000Z", "durationSeconds": 3600}),
        (
            ("--for", "1h", "--until", "2026-01-01T10:30:00Z"),
            {"endTime": "2026-01-01T10:30:00.000Z", "durationSeconds": 3600},
        ),
        (("--until", "11:45"), {"endTime": "2026-01-01T10:45:00.000Z", "durationSeconds": 2700}),
        (
            ("--at", "14:00", "--until", "15:00"),
            {
                "startTime": "2026-01-01T13:00:00.000Z",
                "endTime": "2026-01-01T14:00:00.000Z",
                "durationSeconds": 3600,
            },
        ),
        (("--ticket", "CHG-7"), {"ticket": "CHG-7"}),
        (("--break-glass",), {"breakGlass": True}),
    ],
    ids=["start", "start and duration", "end and duration", "until then", "from to", "ticket", "break-glass"],
)
def test_times_are_those_of_the_persons_clock(arguments: Sequence[str], said: Mapping[str, Any]) -> None:
    cluster = answering(pending())
    cluster.zone = ZoneInfo("Europe/Berlin")

    assert cluster.run(*ASK, *arguments) == 0

    plain = {"target", "requester", "reason"}
    assert {name: value for name, value in asked(cluster).items() if name not in plain} == said


@pytest.mark.parametrize("format_", ["table", "json"])
def test_everything_that_the_api_server_says_of_the_caller_is_stated_in_its_order(format_: str) -> None:
    cluster = answering(pending())
    cluster.extra = EXTRA

    cluster.run(*ASK, "-o", format_)

    assert asked(cluster)["requester"] == {
        "username": ALICE.username,
        "groups": sorted(ALICE.groups),
        "claims": EXTRA,
    }


def test_a_reviewer_states_it_too() -> None:
    cluster = Cluster(caller=CAROL, extra=EXTRA).has_target().has_request("orders-1", pending())
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    assert cluster.run("approve", "shop/orders-1") == 0

    assert asked(cluster)["reviewer"]["claims"] == EXTRA


def test_nothing_beside_is_left_out() -> None:
    cluster = answering(pending())
    cluster.extra = {}

    cluster.run(*ASK)

    assert "claims" not in asked(cluster)["requester"]


def test_a_start_beyond_the_patience_is_waited_for_until_it_is_scheduled(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = answering(pending(), scheduled(timedelta(hours=4)))

    assert cluster.run(*ASK, "--at", "14:00", "--wait", "--timeout", "3h") == 0

    name = f"shop/{cluster.created[0]['metadata']['name']}"
    assert capsys.readouterr().out == (
        f"{name} is Scheduled: opens at 14:00:00 UTC (in 4 h), until 14:30:00 UTC\n"
        f"  It opens by itself. Take it back with: jitgress withdraw {name}\n"
    )


def test_a_start_within_the_patience_is_waited_for_until_it_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = answering(pending(), scheduled(timedelta(minutes=3)), active())

    assert cluster.run(*ASK, "--at", "+3m", "--wait", "--timeout", "3m") == 0

    captured = capsys.readouterr()
    assert " is Active until 10:30:00 UTC" in captured.out
    assert "is Scheduled: opens at 10:03:00 UTC (in 3 min), until 10:33:00 UTC" in captured.err


def test_a_start_that_an_approver_moved_beyond_the_patience_ends_the_waiting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = answering(pending(), scheduled(timedelta(hours=1)))

    assert cluster.run(*ASK, "--wait", "--timeout", "5m") == 0

    assert "is Scheduled: opens at 11:00:00 UTC (in 1 h)" in capsys.readouterr().out


def test_while_waiting_it_is_told_who_may_approve(capsys: pytest.CaptureFixture[str]) -> None:
    message = "0 of 2 approvals; to be asked: 1 of security: group sec, 1 of owner: group own, webhook change"
    waits: dict[str, Any] = {
        "approvals": {"required": 2, "counted": 0, "by": []},
        "waitingFor": ["group sec", "group own", "webhook change"],
    }
    cluster = answering(status("Pending", message, **waits), active())

    cluster.run(*ASK, "--wait")

    assert capsys.readouterr().err.endswith(f"is Pending: {message}\n")


def test_nobody_is_told_to_approve_what_only_a_webhook_decides(capsys: pytest.CaptureFixture[str]) -> None:
    answering(status("Pending", "webhook change is asked", waitingFor=["webhook change"])).run(*ASK)

    assert "approve it with" not in capsys.readouterr().out


def test_breaking_the_glass_says_before_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = answering(broken_glass()).has_policy(breakGlass=GLASS)

    assert cluster.run(*ASK, "--break-glass") == 0

    captured = capsys.readouterr()
    assert captured.err == (
        "break-glass: shop/orders opens at once, without approval, for up to 30 min. "
        "It is recorded as that; group approvers must review it within 1 d.\n"
    )
    assert captured.out.endswith("  An approver has to review it by 16:00:00 UTC (in 6 h)\n")


def test_breaking_the_glass_asks_nothing_and_needs_no_policy_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = answering(broken_glass()).has_policy(breakGlass=GLASS)
    cluster.forbidden.add(ACCESS_POLICIES)

    assert cluster.run(*ASK, "--break-glass", "-o", "json") == 0

    assert capsys.readouterr().err == (
        "break-glass: shop/orders opens at once, without approval, if policy lets you. "
        "It is recorded as that, and has to be reviewed afterwards.\n"
    )


@pytest.mark.parametrize(
    "policy",
    [
        {"breakGlass": GLASS, "priority": 200},
        {"breakGlass": GLASS, "subjects": [{"kind": "Group", "name": "ops"}]},
        {"breakGlass": GLASS, "fromALaterVersion": True},
    ],
    ids=["another decides", "about others", "not understood"],
)
def test_a_policy_that_does_not_decide_promises_nothing(
    capsys: pytest.CaptureFixture[str], policy: Mapping[str, Any]
) -> None:
    cluster = answering(broken_glass()).has_policy("first").has_policy("second", **policy)

    cluster.run(*ASK, "--break-glass")

    assert "if policy lets you" in capsys.readouterr().err


def test_what_was_denied_to_break_the_glass_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    denial = {
        "code": "review_overdue",
        "message": "1 of your break-glass grants should have been reviewed by now",
        "remedy": "Ask one of the approvers to review them: jitgress list --unreviewed",
    }
    cluster = answering(status("Denied", f"{denial['message']}. {denial['remedy']}", denial=denial))

    assert cluster.run(*ASK, "--break-glass") == 3

    assert capsys.readouterr().err.endswith(f"{denial['message']}. {denial['remedy']}\n")
