import json
import signal
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from jitgress.cli.asking import LONGEST, MAX_REASON_LENGTH, MAX_TICKET_LENGTH
from jitgress.crds.access_request import AccessRequestSpec
from jitgress.kube.client import Object
from jitgress.kube.errors import InvalidObjectError
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_TARGETS
from tests.unit.cli.cluster import ALICE, Cluster, active, pending, status

ASK = ("request", "shop/orders", "--for", "30m", "--reason", "INC-123")


@pytest.fixture
def cluster() -> Cluster:
    return Cluster().has_target()


def answering(cluster: Cluster, *statuses: dict[str, Any]) -> Cluster:
    cluster.answers[ACCESS_REQUESTS] = lambda _: statuses
    return cluster


def test_a_request_says_who_asks_for_what(cluster: Cluster) -> None:
    answering(cluster, pending())

    assert cluster.run(*ASK, "--path", "/api", "--method", "get") == 0

    (created,) = cluster.created
    assert created["metadata"]["name"].startswith("orders-")
    assert created["spec"] == {
        "target": "orders",
        "requester": {"username": ALICE.username, "groups": sorted(ALICE.groups)},
        "reason": "INC-123",
        "durationSeconds": 1800,
        "paths": ["/api"],
        "methods": ["GET"],
    }


def test_what_is_not_narrowed_is_left_out(cluster: Cluster) -> None:
    answering(cluster, pending()).run(*ASK)

    assert {"paths", "methods"}.isdisjoint(cluster.created[0]["spec"])


def test_it_says_whom_it_waits_for_and_what_they_do(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert answering(cluster, pending()).run(*ASK) == 0

    first, second = capsys.readouterr().out.splitlines()
    name = f"shop/{cluster.created[0]['metadata']['name']}"
    assert first == f"{name} is Pending: 0 of 1 approvals; these may approve: group approvers"
    assert second == f"  They approve it with: jitgress approve {name}"


def test_waiting_ends_with_the_address_and_the_closing_time(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(cluster, pending(), status("Opening", "the route is being programmed"), active())

    assert cluster.run(*ASK, "--wait") == 0

    captured = capsys.readouterr()
    assert " is Active until 10:30:00 UTC (in 30 min)" in captured.out
    assert "  https://orders.example.test\n" in captured.out
    assert "is Opening: the route is being programmed" in captured.err


def test_without_waiting_json_is_the_object_and_nothing_else(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answering(cluster, pending()).run(*ASK, "-o", "json") == 0

    captured = capsys.readouterr()
    assert json.loads(captured.out)["metadata"]["namespace"] == "shop"
    assert captured.err == ""


def test_only_the_name_is_printed_for_a_script(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert answering(cluster, pending()).run(*ASK, "-o", "name") == 0

    assert capsys.readouterr().out == f"shop/{cluster.created[0]['metadata']['name']}\n"


def test_a_denial_exits_with_3_and_its_reason(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    answering(cluster, status("Denied", "no policy lets alice reach shop/orders"))

    assert cluster.run(*ASK, "--wait", "-o", "json") == 3

    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == "denied"
    assert "no policy lets alice reach shop/orders" in captured.err


def test_a_denial_says_its_code_and_what_to_ask_for_instead_once(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    denial = {
        "code": "duration_over_cap",
        "message": "asked for 2 h, dev-orders permits 1 h",
        "remedy": "Ask for 1 s to 1 h.",
    }
    answering(cluster, status("Denied", f"{denial['message']}. {denial['remedy']}", denial=denial))

    assert cluster.run(*ASK, "-o", "json") == 3

    captured = capsys.readouterr()
    name = f"shop/{cluster.created[0]['metadata']['name']}"
    assert json.loads(captured.out)["error"] == denial | {"message": f"{name}: {denial['message']}"}
    assert captured.err == f"denied: {name}: {denial['message']}. {denial['remedy']}\n"


def test_a_denial_that_tells_no_message_of_its_own_says_its_remedy_once(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    denial = {"code": "duration_over_cap", "remedy": "Ask for 1 s to 1 h."}
    answering(cluster, status("Denied", "asked for 2 h. Ask for 1 s to 1 h.", denial=denial))

    assert cluster.run(*ASK) == 3

    assert capsys.readouterr().err.endswith(": asked for 2 h. Ask for 1 s to 1 h.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--for", "30m", "--reason", ""), "--reason doesn't say what the access is for"),
        (("--for", "30m", "--reason", " … "), "--reason doesn't say what the access is for"),
        (("--for", "30m", "--reason", "x" * 1025), "--reason has more than 1024 characters"),
        (("--for", "25h", "--reason", "x"), "nobody can ask for 1 d 1 h. The longest is 1 d"),
        (("--until", "2026-01-03 10:00", "--reason", "x"), "nobody can ask for 2 d. The longest is 1 d"),
        (("--reason", "x", "--ticket", ""), "--ticket has 0 characters, not 1 to 128"),
        (("--reason", "x", "--ticket", "C" * 129), "--ticket has 129 characters, not 1 to 128"),
        (("--reason", "x", "--at", "09:00"), "'09:00' has passed, 1 h ago"),
        (("--reason", "x", "--at", "noon"), "'noon' is not a time"),
        (("--reason", "x", "--at", "14:00", "--until", "13:00"), "it would end before it begins"),
        (("--reason", "x", "--for", "1m", "--at", "14:00", "--until", "14:00"), "it would end before it begins"),
        (("--reason", "x", "--break-glass", "--at", "14:00"), "--break-glass opens at once. Leave out --at."),
    ],
    ids=[
        "empty",
        "no word",
        "too long",
        "over a day",
        "over a day until the end",
        "empty ticket",
        "long ticket",
        "start has passed",
        "no time",
        "end before start",
        "end at start",
        "break-glass later",
    ],
)
def test_what_no_cluster_would_take_is_wrong_usage_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    unreachable = Cluster(failure=RuntimeError("it was asked"))

    assert unreachable.run("request", "shop/orders", *arguments) == 2

    assert words in capsys.readouterr().err


def test_the_command_line_refuses_what_the_schema_refuses_and_no_more() -> None:
    fields = AccessRequestSpec.model_json_schema(by_alias=True)["properties"]

    (duration,) = (each for each in fields["durationSeconds"]["anyOf"] if each["type"] != "null")
    (ticket,) = (each for each in fields["ticket"]["anyOf"] if each["type"] != "null")
    assert timedelta(seconds=duration["maximum"]) == LONGEST
    assert fields["reason"]["maxLength"] == MAX_REASON_LENGTH
    assert ticket["maxLength"] == MAX_TICKET_LENGTH


def test_an_object_that_was_never_made_is_not_named(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    words = "spec.reason: Invalid value: must be plain text"
    message = f'AccessRequest.jitgress.dev "orders-x7k2p" is invalid: {words}'
    cluster.refusals[ACCESS_REQUESTS] = InvalidObjectError(message, remedy="Correct it.", status=422)

    assert cluster.run(*ASK) == 1

    assert capsys.readouterr().err == f"error: {words}. Correct it.\n"


def test_what_closes_while_waiting_is_told(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    answering(cluster, pending(), status("ApprovalTimedOut", "nobody approved in time"))

    assert cluster.run(*ASK, "--wait") == 0

    assert "is ApprovalTimedOut: nobody approved in time" in capsys.readouterr().out


def test_patience_that_ends_exits_with_4_and_says_what_stands(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(cluster, pending())

    assert cluster.run(*ASK, "--wait", "--timeout", "1s") == 4

    words = capsys.readouterr().err.splitlines()[-1]
    assert words.startswith("error: waited 1 s, and shop/orders-")
    assert "It keeps standing; take it back with: jitgress withdraw shop/orders-" in words


def test_ctrl_c_exits_with_130_and_says_what_stands(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_created: Object) -> Sequence[dict[str, Any]]:
        signal.raise_signal(signal.SIGINT)
        return []

    cluster.answers[ACCESS_REQUESTS] = interrupted

    assert cluster.run(*ASK, "--wait") == 130

    (words,) = capsys.readouterr().err.splitlines()
    assert words.startswith("interrupted: ")
    assert "jitgress withdraw shop/orders-" in words


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--path", "/apix"), 3, "doesn't permit /apix. The most it permits is GET, POST on /api, /health"),
        (("--path", "/"), 3, "doesn't permit /."),
        (("--method", "DELETE"), 3, "doesn't permit DELETE."),
        (("--path", "/*"), 2, "is not a path prefix"),
        (("--path", "/api/../admin"), 2, "is not a path prefix"),
        (("--method", "TRACE"), 2, "is not a method that can be granted"),
        (("--timeout", "soon", "--wait"), 2, "'soon' is not a duration"),
    ],
)
def test_what_is_hopeless_is_said_at_once(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], code: int, words: str
) -> None:
    assert cluster.run(*ASK, *more) == code

    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert cluster.created == []


def test_an_unknown_target_is_answered_with_the_nearest(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("request", "shop/order", "--for", "5m", "--reason", "x") == 3

    assert "there is no target shop/order. Did you mean shop/orders?" in capsys.readouterr().err


def test_a_target_that_is_not_ready_is_not_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_target(ready=False)

    assert cluster.run(*ASK) == 3

    assert "target shop/orders is not ready: its Service is missing" in capsys.readouterr().err
    assert cluster.created == []


def test_who_may_not_read_targets_leaves_the_decision_to_the_server(
    cluster: Cluster,
) -> None:
    cluster.forbidden.add(ACCESS_TARGETS)
    answering(cluster, pending())

    assert cluster.run(*ASK, "--path", "/elsewhere") == 0


def test_without_an_operator_asking_is_done_all_the_same(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jitgress.cli.sending._FIRST_LOOK", timedelta(milliseconds=1))

    assert cluster.run(*ASK) == 0

    assert "is New: nobody has looked at it yet; is the operator running?" in capsys.readouterr().out
