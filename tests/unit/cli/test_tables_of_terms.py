"""How schedules, extensions, break-glass and denials stand in tables, at the widths of real terminals."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from jitgress.domain.window import format_time
from jitgress.kube.resources import ACCESS_REVIEWS
from tests.unit.cli.cluster import ALICE, CAROL, NOW, Cluster, active, broken_glass, counted, scheduled, status

BOB = {"username": "bob@example.test", "groups": ["dev"]}

GLASS_80 = """\
REQUEST            STATE    BREAK-GLASS   REQUESTER           NEXT
shop/orders-glass  Active   due in 6 h    alice@example.test  closes in 30 min
shop/orders-later  Active   OVERDUE 2 h   alice@example.test  closes in 30 min
shop/orders-known  Expired  justified     alice@example.test
shop/orders-never  Denied   never opened  alice@example.test
shop/orders-plain  Active                 alice@example.test  closes in 30 min
"""
GLASS_40 = """\
REQUEST            STATE   BREAK-GLASS
shop/orders-later  Active  OVERDUE 2 h
shop/orders-glass  Active  due in 6 h
"""
SHOW_SCHEDULED = """\
shop/orders-later is Scheduled, opens in 4 h
  requester  alice@example.test (dev)
  target     shop/orders
  scope      GET on /api (asked for: every permitted method on every permitted
             path)
  for        the policy's default
  starts     12:00:00 UTC
  ends by    16:00:00 UTC
  reason     INC-123 stuck orders
  ticket     CHG-7
  policy     dev-orders
  approvals  1 of 1 by carol@example.test
  window     14:00:00 UTC to 14:30:00 UTC

  07:00:00 UTC  alice@example.test asked, from 12:00:00 UTC, not after 16:00:00
                UTC
  10:00:00 UTC  carol@example.test approved (for 30 min, GET, on /api, from
                14:00:00 UTC) “not at noon”
  14:00:00 UTC  it will open by itself
  14:30:00 UTC  it will close by itself
"""
SHOW_EXTENDED = """\
shop/orders-first is Superseded
  why          request orders-again extends it and has taken over
  requester    alice@example.test (dev)
  target       shop/orders
  scope        every permitted method on every permitted path
  for          30 min
  reason       INC-123 stuck orders
  extended by  shop/orders-again, Active
  window       10:00:00 UTC to 10:30:00 UTC

  07:00:00 UTC  alice@example.test asked
  10:00:00 UTC  extended by shop/orders-again (Active)
  10:00:00 UTC  the window begins
  10:30:00 UTC  closed: Superseded. request orders-again extends it and has
                taken over
"""
SHOW_EXTENSION = """\
shop/orders-again is Active, closes in 1 h
  requester  alice@example.test (dev)
  target     shop/orders
  scope      every permitted method on every permitted path
  for        30 min
  reason     INC-123 stuck orders
  extends    shop/orders-first (extension 2)
  policy     dev-orders
  approvals  1 of 1 by carol@example.test
  window     10:00:00 UTC to 11:00:00 UTC
  url        https://orders.example.test

  10:00:00 UTC  alice@example.test asked to extend shop/orders-first
  10:00:00 UTC  the window begins
  10:00:00 UTC  seen open: strangers are refused at the address
  11:00:00 UTC  it will close by itself
"""
SHOW_GLASS = """\
shop/orders-glass is Active, closes in 30 min
  break-glass  review OVERDUE by 2 h
  requester    alice@example.test (dev)
  target       shop/orders
  scope        every permitted method on every permitted path
  for          30 min
  reason       INC-123 stuck orders
  policy       dev-orders
  window       10:00:00 UTC to 10:30:00 UTC
  url          https://orders.example.test

  07:00:00 UTC  alice@example.test broke the glass
  08:00:00 UTC  its review was due, and nobody has reviewed it (OVERDUE 2 h)
  10:00:00 UTC  the window begins
  10:00:00 UTC  seen open: strangers are refused at the address
  10:30:00 UTC  it will close by itself
"""
SHOW_REVIEWED = """\
shop/orders-known is Active, closes in 30 min
  break-glass  reviewed by carol@example.test: not justified
  requester    alice@example.test (dev)
  target       shop/orders
  scope        every permitted method on every permitted path
  for          30 min
  reason       INC-123 stuck orders
  policy       dev-orders
  window       10:00:00 UTC to 10:30:00 UTC
  url          https://orders.example.test

  07:00:00 UTC  alice@example.test broke the glass
  10:00:00 UTC  carol@example.test reviewed it: not justified
  10:00:00 UTC  the window begins
  10:00:00 UTC  seen open: strangers are refused at the address
  10:30:00 UTC  it will close by itself
"""
SHOW_DENIED = """\
shop/orders-toolong is Denied
  why        asked for 2 h, policy dev-orders permits up to 1 h
  what now   Ask for 1 s to 1 h.
  requester  alice@example.test (dev)
  target     shop/orders
  scope      every permitted method on every permitted path
  for        2 h
  reason     INC-123 stuck orders

  07:00:00 UTC  alice@example.test asked
"""

HOUR = timedelta(hours=1)
PAST = {"notBefore": "2026-01-01T07:00:00.000Z", "notAfter": "2026-01-01T08:00:00.000Z"}
TOO_LONG = {
    "code": "duration_over_cap",
    "message": "asked for 2 h, policy dev-orders permits up to 1 h",
    "remedy": "Ask for 1 s to 1 h.",
}


def reviewed(verdict: str) -> dict[str, Any]:
    return broken_glass(reviewedAt=format_time(NOW), reviewedBy=CAROL.username, verdict=verdict)


@pytest.fixture
def broken() -> Cluster:
    """Return a cluster with break-glass in each way in which it can stand, and one that isn't."""
    cluster = Cluster(environ={"COLUMNS": "80"})
    cluster.has_request("orders-glass", broken_glass(), HOUR, breakGlass=True)
    cluster.has_request("orders-later", broken_glass(-2 * HOUR), 2 * HOUR, breakGlass=True)
    cluster.has_request("orders-known", reviewed("Approve") | {"window": PAST}, 3 * HOUR, breakGlass=True)
    cluster.has_request("orders-never", status("Denied", "no"), 4 * HOUR, breakGlass=True)
    return cluster.has_request("orders-plain", active(), 5 * HOUR)


def test_break_glass_is_marked_in_the_list(broken: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert broken.run("list") == 0

    assert capsys.readouterr().out == GLASS_80


def test_what_waits_for_its_review_is_listed_the_longest_overdue_first_however_narrow(
    broken: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    broken.environ["COLUMNS"] = "40"

    assert broken.run("list", "--unreviewed") == 0

    assert capsys.readouterr().out == GLASS_40


def test_a_program_gets_the_same_requests_with_their_review(
    broken: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    broken.run("list", "--unreviewed", "-o", "json")

    found = json.loads(capsys.readouterr().out)
    assert [each["spec"]["breakGlass"] for each in found] == [True, True]
    assert found[0]["status"]["breakGlass"]["reviewDueAt"] == "2026-01-01T08:00:00.000Z"


def test_whose_reviews_are_missing_can_be_ones_own(broken: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    broken.has_request("orders-bobs0", broken_glass(-3 * HOUR), breakGlass=True, requester=BOB)

    broken.run("list", "--unreviewed", "--mine", "-o", "name")

    assert capsys.readouterr().out == "shop/orders-later\nshop/orders-glass\n"


def test_where_nothing_waits_for_its_review_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Cluster().has_request("orders-plain", active()).run("list", "--unreviewed")

    assert capsys.readouterr().err == "No break-glass waits for a review here.\n"


def test_a_schedule_is_a_state_to_look_for(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_request("orders-plain", active()).has_request("orders-later", scheduled())

    assert cluster.run("list", "--state", "scheduled") == 0

    header, row = capsys.readouterr().out.splitlines()
    assert "BREAK-GLASS" not in header
    assert row.startswith("shop/orders-later  Scheduled  alice@example.test  opens in 4 h ")


def test_what_was_scheduled_and_has_passed_its_end_is_expired(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_request("orders-later", scheduled())
    cluster.clock.time = NOW + timedelta(hours=4, minutes=30)

    cluster.run("list", "--state", "Expired", "-o", "name")

    assert capsys.readouterr().out == "shop/orders-later\n"


def test_many_who_are_waited_for_leave_room_for_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    waits = ["group security", "user olga", "group owners", "webhook change"]
    cluster = Cluster(environ={"COLUMNS": "100"})

    cluster.has_request("orders-plain", status("Pending", "0 of 2", waitingFor=waits)).run("list")

    assert "  waits for group security and 3 more  " in capsys.readouterr().out


def shown(name: str) -> Cluster:
    """Return a cluster with the request `name` and what belongs to it, on a terminal of 80 columns."""
    cluster, age = Cluster(environ={"COLUMNS": "80"}), 3 * HOUR
    first = {"name": "orders-first", "uid": "uid-of-orders-first"}
    match name:
        case "later":
            times = {"startTime": "2026-01-01T12:00:00.000Z", "endTime": "2026-01-01T16:00:00.000Z"}
            cluster.has_request("orders-later", scheduled(), age, durationSeconds=None, ticket="CHG-7", **times)
            less = {"durationSeconds": 1800, "paths": ["/api"], "methods": ["GET"]}
            start = {"startTime": "2026-01-01T14:00:00.000Z", "comment": "not at noon"}
            cluster.has_review("r1", "orders-later", "Approve", CAROL, counted(), **less, **start)
        case "first" | "again":
            over = {"window": active()["window"], "closedAt": "2026-01-01T10:30:00.000Z"}
            message = "request orders-again extends it and has taken over"
            cluster.has_request("orders-first", status("Superseded", message, **over), age)
            again = active(timedelta(minutes=60)) | {"extensions": 2}
            cluster.has_request("orders-again", again, extends=first)
        case "known":
            cluster.has_request("orders-known", reviewed("Deny"), age, breakGlass=True)
            cluster.has_review("r1", "orders-known", "Deny", CAROL, counted())
        case "glass":
            cluster.has_request("orders-glass", broken_glass(-2 * HOUR), age, breakGlass=True)
        case _:
            message = f"{TOO_LONG['message']}. {TOO_LONG['remedy']}"
            standing = status("Denied", message, denial=TOO_LONG)
            cluster.has_request("orders-toolong", standing, age, durationSeconds=7200)
    return cluster


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("later", SHOW_SCHEDULED),
        ("first", SHOW_EXTENDED),
        ("again", SHOW_EXTENSION),
        ("glass", SHOW_GLASS),
        ("known", SHOW_REVIEWED),
        ("toolong", SHOW_DENIED),
    ],
    ids=["scheduled", "extended", "extension", "overdue", "reviewed", "denied"],
)
def test_one_page_tells_the_whole_story(name: str, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(name).run("show", f"shop/orders-{name}") == 0

    assert capsys.readouterr().out == page


def test_a_review_that_was_tidied_up_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    Cluster().has_request("orders-1", reviewed("Approve"), breakGlass=True).run("show", "shop/orders-1")

    assert "  10:00:00 UTC  carol@example.test reviewed it: justified\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [("list",), ("show", "shop/orders-1"), ("approve", "shop/orders-1")], ids=["list", "show", "approve"]
)
def test_a_ticket_or_reason_cannot_rewrite_the_screen(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(environ={}).has_request("orders-1", active(), reason="\x1b[2Jfine", ticket="\x1b[1A")
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]
    cluster.has_request("orders-2", active(), requester={"username": f"{ALICE.username}\x1b[0m", "groups": []})

    cluster.run(*arguments)

    assert "\x1b" not in capsys.readouterr().out
