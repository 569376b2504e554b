import json
from datetime import timedelta

import pytest
import yaml

from tests.unit.cli.cluster import ALICE, CAROL, NOW, Cluster, active, counted, pending, status

LIST_80 = """\
REQUEST            STATE    REQUESTER           NEXT                       AGE
shop/orders-x7k2p  Pending  alice@example.test  waits for group approvers  2 min
shop/orders-abcde  Active   alice@example.test  closes in 30 min           3 h
shop/orders-zzzzz  Denied   bob@example.test                               3 d
"""
LIST_120 = """\
REQUEST            STATE    REQUESTER           NEXT                       SCOPE                                   AGE
shop/orders-x7k2p  Pending  alice@example.test  waits for group approvers  every permitted method on every permi…  2 min
shop/orders-abcde  Active   alice@example.test  closes in 30 min           GET on /api                             3 h
shop/orders-zzzzz  Denied   bob@example.test                               every permitted method on every permi…  3 d
"""
LIST_40 = """\
REQUEST            STATE
shop/orders-x7k2p  Pending
shop/orders-abcde  Active
shop/orders-zzzzz  Denied
"""
TARGETS_120 = """\
TARGET        READY  HOST                  METHODS    PATHS          WHY NOT
shop/billing  False  billing.example.test  GET, POST  /api, /health  its Service is missing
shop/orders   True   orders.example.test   GET, POST  /api, /health
"""
SHOW_80 = """\
shop/orders-abcde is Active, closes in 30 min
  requester  alice@example.test (dev)
  target     shop/orders
  scope      GET on /api
  for        30 min
  reason     INC-123 stuck orders
  policy     dev-orders
  approvals  1 of 1 by carol@example.test
  window     10:00:00 UTC to 10:30:00 UTC
  url        https://orders.example.test

  07:00:00 UTC  alice@example.test asked
  10:00:00 UTC  alice@example.test approved: does not count (SelfReview): nobody
                approves their own
  10:00:00 UTC  carol@example.test approved
  10:00:00 UTC  the window begins
  10:00:00 UTC  seen open: strangers are refused at the address
  10:30:00 UTC  it will close by itself
"""


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster().has_target().has_target("billing", ready=False)
    cluster.has_request("orders-x7k2p", pending(), timedelta(minutes=2))
    cluster.has_request("orders-abcde", active(), timedelta(hours=3), paths=["/api"], methods=["GET"])
    bob = {"username": "bob@example.test", "groups": ["dev"]}
    cluster.has_request("orders-zzzzz", status("Denied", "too long"), timedelta(days=3), requester=bob)
    cluster.has_review("r1", "orders-abcde", "Approve", ALICE, counted("SelfReview", "nobody approves their own"))
    cluster.has_review("r2", "orders-abcde", "Approve", CAROL, counted())
    return cluster


@pytest.mark.parametrize(
    ("arguments", "width", "shown"),
    [
        (("list",), 40, LIST_40),
        (("list",), 80, LIST_80),
        (("list",), 120, LIST_120),
        (("targets",), 120, TARGETS_120),
        (("show", "shop/orders-abcde"), 80, SHOW_80),
    ],
)
def test_a_table_is_as_wide_as_the_screen(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], width: int, shown: str
) -> None:
    cluster.environ["COLUMNS"] = str(width)

    assert cluster.run(*arguments) == 0

    assert capsys.readouterr().out == shown


def test_a_pipe_gets_everything_and_no_colour(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    del cluster.environ["COLUMNS"]

    cluster.run("list")

    out = capsys.readouterr().out
    assert "every permitted method on every permitted path" in out
    assert "INC-123 stuck orders" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["shop/orders-x7k2p", "shop/orders-abcde", "shop/orders-zzzzz"]),
        (("--mine",), ["shop/orders-x7k2p", "shop/orders-abcde"]),
        (("--state", "pending", "--state", "Denied"), ["shop/orders-x7k2p", "shop/orders-zzzzz"]),
        (("-n", "shop", "--mine", "--state", "active"), ["shop/orders-abcde"]),
        (("-n", "elsewhere"), []),
    ],
)
def test_a_list_is_narrowed(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], names: list[str]
) -> None:
    assert cluster.run("list", *arguments, "-o", "name") == 0

    assert capsys.readouterr().out.splitlines() == names


def test_an_empty_list_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert Cluster().run("list") == 0

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Ask with: jitgress request" in captured.err


def test_json_and_yaml_are_the_objects_themselves(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.run("show", "shop/orders-abcde", "-o", "json")
    shown = json.loads(capsys.readouterr().out)
    cluster.run("show", "shop/orders-abcde", "-o", "yaml")

    assert yaml.safe_load(capsys.readouterr().out) == shown
    assert shown["status"]["window"]["notAfter"] == "2026-01-01T10:30:00.000Z"


def test_what_has_passed_its_end_is_expired_though_nobody_tidied_up(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.clock.time = NOW + timedelta(minutes=30)

    cluster.run("list", "--state", "expired", "-o", "name")

    assert capsys.readouterr().out == "shop/orders-abcde\n"


def test_options_may_stand_before_the_command(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("-o", "name", "list", "--mine") == 0

    assert capsys.readouterr().out.splitlines() == ["shop/orders-x7k2p", "shop/orders-abcde"]


def test_a_list_has_every_page(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jitgress.cli.reading.PAGE", 2)

    cluster.run("list", "-o", "name")

    assert len(capsys.readouterr().out.splitlines()) == 3
