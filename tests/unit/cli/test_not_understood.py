"""What somebody stored and nobody can read is shown as that, and hides nothing else."""

import json
from datetime import timedelta

import pytest

from jitgress.kube.resources import ACCESS_REVIEWS
from tests.unit.cli.cluster import ALICE, CAROL, Cluster, active, counted, pending

UNREADABLE = [
    "2026-11-25T10:00:00+99:99",
    "2026-11-25T10:00:00,5Z",
    "2026-11-25T10:00:00x5Z",
    "0001-01-01T00:00:00+23:00",
]
LIST_80 = """\
REQUEST            STATE          REQUESTER           NEXT              AGE
shop/orders-bad00  NotUnderstood  bob@example.test                      1 min
shop/orders-abcde  Active         alice@example.test  closes in 30 min  3 h
"""
SHOW_80 = """\
shop/orders-bad00 is NotUnderstood
  why        it can't be understood: '2026-11-25T10:00:00+99:99' is not an RFC
             3339 time
  what now   Ask anew. Write it like 2026-01-01T10:00:00Z.
  requester  bob@example.test (dev)
  target     shop/orders
  scope      GET on /api
  for        30 min
  reason     INC-123 stuck orders

  09:59:00 UTC  bob@example.test asked
"""
BOB = {"username": "bob@example.test", "groups": ["dev"]}
every_field = pytest.mark.parametrize("field", ["startTime", "endTime"])
every_time = pytest.mark.parametrize("time", UNREADABLE)


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster().has_target().has_request("orders-abcde", active(), timedelta(hours=3))
    cluster.environ["COLUMNS"] = "80"
    return cluster


def has_broken(cluster: Cluster, field: str = "startTime", time: str = UNREADABLE[0]) -> None:
    scope = {"paths": ["/api"], "methods": ["GET"]}
    cluster.has_request("orders-bad00", {}, timedelta(minutes=1), requester=BOB, **scope, **{field: time})


@every_field
@every_time
def test_the_list_goes_on_behind_what_cant_be_understood(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], field: str, time: str
) -> None:
    has_broken(cluster, field, time)

    assert cluster.run("list") == 0

    assert capsys.readouterr().out == LIST_80


@every_field
def test_what_cant_be_understood_is_shown_with_why_and_as_much_as_can_be_read(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    has_broken(cluster, field)

    assert cluster.run("show", "shop/orders-bad00") == 0

    assert capsys.readouterr().out == SHOW_80


def test_what_cant_be_understood_can_be_looked_for(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    has_broken(cluster)

    assert cluster.run("list", "--state", "notunderstood", "-o", "name") == 0

    assert capsys.readouterr().out == "shop/orders-bad00\n"


def test_as_json_it_is_the_object_itself(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    has_broken(cluster)

    assert cluster.run("show", "shop/orders-bad00", "-o", "json") == 0

    assert json.loads(capsys.readouterr().out)["spec"]["startTime"] == UNREADABLE[0]


def test_of_break_glass_that_cant_be_understood_nothing_is_claimed(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.has_request("orders-bad00", {}, breakGlass=True, startTime=UNREADABLE[0])

    assert cluster.run("list", "--state", "NotUnderstood") == 0

    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["shop/orders-bad00", "NotUnderstood", "unknown"]


@every_time
def test_a_review_that_cant_be_understood_doesnt_hide_its_request(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], time: str
) -> None:
    cluster.has_review("r1", "orders-abcde", "Approve", ALICE, {}, startTime=time)
    cluster.has_review("r2", "orders-abcde", "Approve", CAROL, counted())
    cluster.environ["COLUMNS"] = "200"

    assert cluster.run("show", "shop/orders-abcde") == 0

    told = capsys.readouterr().out
    assert f"alice@example.test approved (not understood: '{time}' is not an RFC 3339 time): not judged yet" in told
    assert "carol@example.test approved\n" in told


def test_an_extension_that_cant_be_understood_doesnt_hide_what_it_extends(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    extends = {"name": "orders-abcde", "uid": "uid-of-orders-abcde"}
    cluster.has_request("orders-bad00", {}, requester=BOB, extends=extends, endTime=UNREADABLE[0])

    assert cluster.run("show", "shop/orders-abcde") == 0

    assert "extended by  shop/orders-bad00, NotUnderstood" in capsys.readouterr().out


def test_what_extends_something_that_cant_be_understood_can_be_denied(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    has_broken(cluster)
    extends = {"name": "orders-bad00", "uid": "uid-of-orders-bad00"}
    cluster.has_request("orders-next0", pending(), extends=extends)
    cluster.caller = CAROL
    cluster.answers[ACCESS_REVIEWS] = lambda _: [counted()]

    assert cluster.run("deny", "shop/orders-next0") == 0

    assert "denied: shop/orders-next0" in capsys.readouterr().out
