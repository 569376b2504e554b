from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.unit.cli.cluster import (
    CAROL,
    Cluster,
    active,
    broken_glass,
    counted,
    pending,
    scheduled,
    status,
)

EXTEND = ("extend", "shop/orders-1", "--for", "30m", "--reason", "INC-123 still stuck")
PAST = {"notBefore": "2026-01-01T09:00:00.000Z", "notAfter": "2026-01-01T10:00:00.000Z"}
ORDERS_1 = {"name": "orders-1", "uid": "uid-of-orders-1"}


def opened(**spec: Any) -> Cluster:
    """Return a cluster in which alice's orders-1 is open until 10:30, and extensions are approved at once."""
    cluster = Cluster().has_target().has_request("orders-1", active(), **spec)
    cluster.answers[ACCESS_REQUESTS] = lambda _: [pending(), active(timedelta(minutes=60))]
    return cluster


def asked(cluster: Cluster) -> Mapping[str, Any]:
    (created,) = cluster.created
    spec: Mapping[str, Any] = created["spec"]
    return {name: value for name, value in spec.items() if name != "requester"}


def test_an_extension_is_a_request_for_the_same_in_more_time() -> None:
    cluster = opened(paths=["/api"], methods=["GET"], ticket="CHG-7", durationSeconds=600)

    assert cluster.run(*EXTEND) == 0

    assert asked(cluster) == {
        "target": "orders",
        "reason": "INC-123 still stuck",
        "ticket": "CHG-7",
        "durationSeconds": 1800,
        "paths": ["/api"],
        "methods": ["GET"],
        "extends": ORDERS_1,
    }


def test_what_was_left_to_the_policy_is_left_to_it_again() -> None:
    cluster = opened()

    cluster.run(*EXTEND, "--ticket", "CHG-8")

    assert {"paths", "methods"}.isdisjoint(asked(cluster))
    assert asked(cluster)["ticket"] == "CHG-8"


def test_it_asks_for_no_more_than_the_approvers_left() -> None:
    cluster = opened(paths=["/api"])
    cluster.has_review("r1", "orders-1", "Approve", CAROL, counted(), paths=["/api/v1", "/api/v2"], methods=["GET"])
    cluster.has_review("r2", "orders-1", "Approve", CAROL, counted(), paths=["/api/v1"])
    cluster.has_review("r3", "orders-1", "Approve", CAROL, counted("NotEntitled"), paths=["/api/v2"])

    cluster.run(*EXTEND)

    assert (asked(cluster)["paths"], asked(cluster)["methods"]) == (["/api/v1"], ["GET"])


def test_who_may_not_read_the_reviews_asks_for_what_they_asked_for() -> None:
    cluster = opened(paths=["/api"])
    cluster.forbidden.add(ACCESS_REVIEWS)

    assert cluster.run(*EXTEND) == 0

    assert asked(cluster)["paths"] == ["/api"]


def test_fewer_paths_and_methods_can_be_named() -> None:
    cluster = opened(paths=["/api"])

    assert cluster.run(*EXTEND, "--path", "/api/v1", "--method", "get") == 0

    assert (asked(cluster)["paths"], asked(cluster)["methods"]) == (["/api/v1"], ["GET"])


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--path", "/health"), 2, "/health is more than what shop/orders-1 opened. Name no more than: GET, /api."),
        (("--path", "/apis"), 2, "/apis is more than what shop/orders-1 opened."),
        (("--method", "POST"), 2, "POST is more than what shop/orders-1 opened."),
        (("--path", "/api/*"), 2, "is not a path prefix"),
        (("--for", "25h"), 2, "nobody can ask for 1 d 1 h"),
        (("--reason", "…"), 2, "--reason doesn't say what the access is for"),
    ],
    ids=["another path", "not by whole segments", "another method", "no path", "over a day", "no reason"],
)
def test_more_cannot_be_asked_for(
    capsys: pytest.CaptureFixture[str], more: Sequence[str], code: int, words: str
) -> None:
    cluster = opened(paths=["/api"], methods=["GET"])

    assert cluster.run(*EXTEND, *more) == code

    assert words in capsys.readouterr().err
    assert cluster.created == []


def test_it_says_when_it_would_end_and_waits_until_it_has_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = opened()

    assert cluster.run(*EXTEND, "--wait") == 0

    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == (
        "shop/orders-1 ends at 10:30:00 UTC; extended by 30 min it would end at 11:00:00 UTC"
    )
    assert " is Active until 11:00:00 UTC (in 1 h)\n" in captured.out
    assert captured.out.endswith("  It takes over from shop/orders-1\n")


def test_until_it_is_approved_nothing_lasts_longer(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = opened()
    cluster.answers[ACCESS_REQUESTS] = lambda _: [pending()]

    cluster.run(*EXTEND)

    assert capsys.readouterr().out.endswith("  Until it is Active, shop/orders-1 ends as it would have\n")


@pytest.mark.parametrize(
    ("standing", "spec", "words"),
    [
        (status("Denied", "too long"), {}, "shop/orders-1 is over (Denied). Ask anew with: jitgress request"),
        (status("Active", window=PAST), {}, "shop/orders-1 is over (Expired)"),
        (pending(), {}, "shop/orders-1 is not open yet (Pending). Wait until it is"),
        (scheduled(), {}, "shop/orders-1 is not open yet (Scheduled)"),
        ({}, {}, "shop/orders-1 is not open yet (New)"),
        (broken_glass(), {"breakGlass": True}, "shop/orders-1 is break-glass, which can't be extended"),
        (
            active(),
            {"requester": {"username": "bob@example.test", "groups": ["dev"]}},
            "shop/orders-1 is bob@example.test's access, you are alice@example.test",
        ),
    ],
    ids=["closed", "ended", "waiting", "scheduled", "not looked at", "break-glass", "somebody else's"],
)
def test_what_is_hopeless_is_denied_at_once(
    capsys: pytest.CaptureFixture[str], standing: Mapping[str, Any], spec: Mapping[str, Any], words: str
) -> None:
    cluster = Cluster().has_target().has_request("orders-1", standing, timedelta(hours=2), **spec)

    assert cluster.run(*EXTEND, "-o", "json") == 3

    captured = capsys.readouterr()
    assert words in captured.err
    assert '"code": "extension_impossible"' in captured.out
    assert cluster.created == []


def test_what_is_extended_already_is_not_extended_twice(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = opened().has_request("orders-2", pending(), extends=ORDERS_1)

    assert cluster.run(*EXTEND) == 3

    assert "shop/orders-1 is extended by shop/orders-2 already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "other",
    [
        {"extends": ORDERS_1 | {"uid": "uid-of-an-earlier-orders-1"}},
        {"extends": ORDERS_1, "requester": {"username": "bob@example.test", "groups": []}},
    ],
    ids=["another of the name", "somebody else's"],
)
def test_only_ones_own_extension_of_the_very_request_is_in_the_way(other: Mapping[str, Any]) -> None:
    assert opened().has_request("orders-2", pending(), **other).run(*EXTEND) == 0


def test_after_a_denied_extension_it_can_be_asked_for_again() -> None:
    assert opened().has_request("orders-2", status("Denied", "no"), extends=ORDERS_1).run(*EXTEND) == 0


def test_a_denied_extension_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    denial = {
        "code": "extension_over_sum",
        "message": "asked for 30 min more, policy dev-orders permits 1 h in all",
        "remedy": "Ask for up to 10 min.",
    }
    cluster = opened()
    cluster.answers[ACCESS_REQUESTS] = lambda _: [status("Denied", denial["message"], denial=denial)]

    assert cluster.run(*EXTEND, "--wait") == 3

    assert capsys.readouterr().err.endswith(f"{denial['message']}. {denial['remedy']}\n")
