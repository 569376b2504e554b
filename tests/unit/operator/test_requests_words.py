"""What people read in Kubernetes Events about a request's life."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import pytest

from jitgress.domain.course import EXPIRED, Close, CloseReason
from jitgress.domain.event import Event, EventCode
from jitgress.domain.review import JudgedReview, ReviewStanding
from jitgress.operator import record
from jitgress.operator.requests.apply import describe
from tests.builders import ALICE, NOW, a_grant, a_request, a_review

REQUEST: Final = a_request()
COUNTED: Final = JudgedReview(a_review(), ReviewStanding.COUNTED, "it counts")
OWN: Final = JudgedReview(a_review("Approve", ALICE), ReviewStanding.SELF_REVIEW, "your own")
STOPPED: Final = Close(CloseReason.REVOKED, "revoked by carol: enough", by="carol")

WORDS: Final[dict[str, Callable[[datetime], Event]]] = {
    "alice asks for orders for 1800 s: INC-123 orders are stuck": lambda now: record.received(REQUEST, now),
    "Approve by carol: Counted": lambda now: record.judged(REQUEST, COUNTED, now),
    "Approve by alice: SelfReview": lambda now: record.judged(REQUEST, OWN, now),
    "policy standard opens orders.example.test until 2026-01-01T10:30:00.000Z": lambda now: record.opened(
        REQUEST, a_grant(), ["carol"], [], now
    ),
    "break-glass: alice asks for orders for 1800 s: INC-123 orders are stuck": lambda now: record.received(
        a_request(break_glass=True), now
    ),
    "break-glass: policy standard opens orders.example.test until 2026-01-01T10:30:00.000Z": lambda now: record.opened(
        REQUEST, a_grant(review_by=NOW), [], [], now
    ),
    "orders.example.test answers, and refuses strangers": lambda now: record.active(REQUEST, a_grant(), now),
    "Revoked: revoked by carol: enough": lambda now: record.closed(REQUEST, STOPPED, a_grant(), now),
    f"Expired: {EXPIRED.message}": lambda now: record.closed_grant(a_grant(), EXPIRED, now),
}


@pytest.mark.parametrize("words", WORDS)
def test_each_step_is_told_in_words(words: str) -> None:
    assert describe(WORDS[words](NOW)) == words


def test_an_event_of_another_kind_is_told_by_its_code() -> None:
    event = Event(id="1", code=EventCode.KEY_ROTATED, at=NOW, actor="jitgress-portal")

    assert describe(event) == "key.rotated: "
