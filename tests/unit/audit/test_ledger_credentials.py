"""Credentials don't reach the ledger, and what people write never keeps a transition out of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jitgress.audit.credentials import REMOVED, holds_credential, without_credentials
from jitgress.audit.errors import EventRefusedError
from jitgress.audit.ledger import Ledger
from jitgress.domain.event import Event, EventCode, EventValue

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"look: {JWT}!",
        "Authorization: Bearer 0123456789abcdef0123",
        "bearer k8s-aws-v1.aHR0cHM6Ly9zdHM",
        "Basic YWxpY2U6c2VjcmV0LXBhc3M=",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----",
    ],
)
def test_a_credential_is_seen(text: str) -> None:
    assert holds_credential(text)


@pytest.mark.parametrize(
    "text", ["INC-123 bearer of bad news", "basic checks", "alice@example.test", "system:serviceaccount:ci:deployer"]
)
def test_prose_and_names_are_left_alone(text: str) -> None:
    assert not holds_credential(text)


def test_a_credential_in_a_comment_is_cut_out_wherever_it_stands(tmp_path: Path) -> None:
    data: dict[str, EventValue] = {"comment": f"revoked, see {JWT}", "more": [{"deep": JWT}], JWT: 1}
    event = Event(id="e", code=EventCode.REVIEW_COUNTED, at=AT, actor="carol", data=data)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    recorded = ledger.append(event)
    ledger.close()
    assert recorded.event.data == {"comment": f"revoked, see {REMOVED}", "more": [{"deep": REMOVED}], REMOVED: 1}
    assert not any(JWT.encode() in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("field", ["id", "actor", "subject"])
def test_a_credential_in_the_place_of_a_name_is_refused(field: str) -> None:
    names = {"id": "e", "actor": "carol", "subject": "alice", field: JWT}
    event = Event(id=names["id"], code=EventCode.REVIEW_COUNTED, at=AT, actor=names["actor"], subject=names["subject"])
    with pytest.raises(EventRefusedError) as caught:
        without_credentials(event)
    assert JWT not in str(caught.value) + caught.value.remedy
