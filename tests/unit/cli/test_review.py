import json
from datetime import timedelta

import pytest

from jitgress.kube.resources import ACCESS_REVIEWS
from tests.unit.cli.cluster import ALICE, CAROL, Cluster, active, counted, pending


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(caller=CAROL).has_target().has_request("orders-1", pending())
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]
    return cluster


@pytest.mark.parametrize(
    ("command", "decision", "done"),
    [("approve", "Approve", "approved"), ("deny", "Deny", "denied"), ("revoke", "Revoke", "revoked")],
)
def test_a_review_pins_the_very_request(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], command: str, decision: str, done: str
) -> None:
    assert cluster.run(command, "shop/orders-1", "--comment", "fine") == 0

    (created,) = cluster.created
    assert created["spec"] == {
        "request": {"name": "orders-1", "uid": "uid-of-orders-1"},
        "decision": decision,
        "reviewer": {"username": CAROL.username, "groups": sorted(CAROL.groups)},
        "comment": "fine",
    }
    assert capsys.readouterr().out.splitlines()[-1] == f"{done}: shop/orders-1"


def test_approvers_see_what_they_allow(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.run("approve", "orders-1", "-n", "shop")

    assert capsys.readouterr().out == (
        "  request    shop/orders-1\n"
        "  who        alice@example.test (dev)\n"
        "  target     shop/orders, orders.example.test\n"
        "  methods    GET, POST (everything that target and policy permit)\n"
        "  paths      /api, /health (everything that target and policy permit)\n"
        "  for        30 min\n"
        "  when       as soon as it is approved\n"
        "  reason     INC-123 stuck orders\n"
        "  approvals  0 of 1, 1 missing: group approvers\n"
        "approved: shop/orders-1\n"
    )


def test_a_reason_cannot_rewrite_what_the_approver_sees(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=CAROL).has_request("orders-1", pending(), reason="\x1b[1A\x1b[2Kharmless\nfor 5 min [red]")
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    cluster.run("approve", "shop/orders-1")

    assert "  reason     \\x1b[1A\\x1b[2Kharmless for 5 min [red]\n" in capsys.readouterr().out


def test_a_review_that_does_not_count_exits_with_3_and_says_why(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted("SelfReview", "nobody approves their own request")]

    assert cluster.run("approve", "shop/orders-1", "-o", "json") == 3

    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == "review_not_counted"
    assert "it does not count (SelfReview): nobody approves their own request" in captured.err


def test_a_review_that_nobody_judges_exits_with_4(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jitgress.cli.review._PATIENCE", timedelta(milliseconds=1))
    cluster.answers.clear()

    assert cluster.run("approve", "shop/orders-1") == 4
    assert "It is recorded, and counts as soon as an operator looks at it" in capsys.readouterr().err


def test_requesters_withdraw_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(caller=ALICE).has_request("orders-1", active())
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    assert cluster.run("withdraw", "shop/orders-1") == 0

    assert cluster.created[0]["spec"]["decision"] == "Revoke"
    assert capsys.readouterr().out.endswith("withdrawn: shop/orders-1\n")


def test_nobody_withdraws_for_somebody_else(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("withdraw", "shop/orders-1") == 3

    assert "is alice@example.test's request, you are carol@example.test" in capsys.readouterr().err
    assert cluster.created == []


def test_an_unknown_request_is_said_to_be_one(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("approve", "shop/nope") == 1

    assert capsys.readouterr().err == "error: there is no request shop/nope. List them with: jitgress list\n"
