"""What is sent to an approval webhook: all that it needs to decide, no credential, and signed by the standard."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Final

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.subject import Subject
from jitgress.operator.consults.message import SigningKeys, body, headers
from tests.builders import ALICE, NOW, a_request, a_target, after
from tests.unit.operator.questions import a_question

EXAMPLE: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the Standard Webhooks' own test vector
ANOTHER: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_a_message_is_signed_as_the_standards_own_example() -> None:
    signature = SigningKeys.read(EXAMPLE).signatures(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_a_message_is_signed_with_both() -> None:
    keys = SigningKeys.read(f"{EXAMPLE}\n\n  {ANOTHER}\n")

    first, second = keys.signatures("id", 1, b"{}").split(" ")

    assert first == SigningKeys.read(EXAMPLE).signatures("id", 1, b"{}")
    assert second == SigningKeys.read(ANOTHER).signatures("id", 1, b"{}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        EXAMPLE.removeprefix("whsec_"),
        "whsec_",
        "whsec_!!!!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        f"{EXAMPLE}\nwhsec_c2hvcnQ=",
        EXAMPLE + "é",
    ],
    ids=["nothing", "blank", "no prefix", "no key", "no base64", "too short", "too long", "one of two", "not ascii"],
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        SigningKeys.read(text)

    assert "MfKQ9r8" not in refused.value.message
    assert "openssl rand -base64 32" in refused.value.remedy


def test_keys_are_not_shown() -> None:
    assert repr(SigningKeys.read(EXAMPLE)) == "SigningKeys()"


def test_a_receiver_can_check_who_sent_it() -> None:
    """With the standard's words alone: HMAC-SHA256 of id, time and body, joined by full stops."""
    question = a_question()
    content = body(question)

    sent = headers(question, content, SigningKeys.read(ANOTHER), after(61.5))

    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.{content.decode()}"
    expected = hmac.new(bytes(range(32)), signed.encode(), hashlib.sha256).digest()
    assert sent["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert sent["webhook-timestamp"] == str(int(NOW.timestamp()) + 61)
    assert sent["content-type"] == "application/json"


def test_a_repetition_has_the_same_id_and_body_and_any_other_question_another_id() -> None:
    first, again = a_question(), a_question()
    other_request, other_webhook = a_question(request=a_request(uid="request-2")), a_question(webhook="other")

    assert (first.id, body(first)) == (again.id, body(again))
    assert len({first.id, other_request.id, other_webhook.id}) == 3


def test_the_body_says_who_asks_for_what_why_and_until_when_an_answer_counts() -> None:
    request = replace(
        a_request(paths=("/api",), methods=("GET",)), ticket="CHG-7", start_at=after(600), end_at=after(9000)
    )

    assert json.loads(body(a_question(request=request))) == {
        "type": "approval.requested",
        "request": {
            "namespace": "shop",
            "name": "alice-orders",
            "uid": "request-1",
            "reason": "INC-123 orders are stuck",
            "ticket": "CHG-7",
            "duration_seconds": 1800,
            "start_time": "2026-01-01T10:10:00.000Z",
            "end_time": "2026-01-01T12:30:00.000Z",
            "extends": None,
            "paths": ["/api"],
            "methods": ["GET"],
        },
        "requester": {"username": "alice", "groups": ["dev"]},
        "target": {"namespace": "shop", "name": "orders", "host": "orders.example.test"},
        "policy": "standard",
        "expires_at": "2026-01-01T11:00:00.000Z",
    }


def test_what_is_left_to_the_policy_is_null() -> None:
    request = replace(a_request(), duration=None)

    asked = json.loads(body(a_question(request=request)))["request"]

    assert (asked["duration_seconds"], asked["start_time"], asked["ticket"]) == (None, None, "")


def test_what_the_requesters_token_claimed_is_not_sent() -> None:
    claims = frozenset({("jitgress.dev/amr", "hwk"), ("scopes", "secret-claim")})
    request = replace(a_request(), requester=Subject(ALICE.username, ALICE.groups, claims))

    content = body(a_question(request=request, target=a_target(labels={"tier": "secret-label"})))

    assert b"secret-" not in content
    assert b"hwk" not in content


def test_a_reason_in_any_script_arrives_whole() -> None:
    reason = 'überprüfen "今すぐ" \u2028 \\ </script>'

    assert json.loads(body(a_question(request=a_request(reason=reason))))["request"]["reason"] == reason
