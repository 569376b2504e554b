"""Invariant 7: what was recorded can be read back, and a record that can't is an error, never a guess."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from jitgress.domain.course import EXPIRED, Close, CloseReason, Recorded
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.domain.review import JudgedReview, ReviewStanding
from jitgress.operator import history as past
from jitgress.operator import record
from tests.builders import (
    CAROL,
    NOW,
    a_grant,
    a_request,
    a_review,
    after,
)

REQUEST: Final = a_request()
GRANT: Final = a_grant()
OPENED: Final = record.opened(REQUEST, GRANT, ["carol"], ["policy standard decides"], NOW)
REVOKED: Final = Close(CloseReason.REVOKED, "revoked by carol", by="carol")
COUNTED: Final = JudgedReview(a_review(), ReviewStanding.COUNTED, "it counts")
IGNORED: Final = JudgedReview(a_review("Deny", uid="other"), ReviewStanding.NOT_ENTITLED, "not entitled")

MAKERS: Final[dict[str, Callable[[Any], Event]]] = {
    "received": lambda now: record.received(REQUEST, now),
    "counted": lambda now: record.judged(REQUEST, COUNTED, now),
    "ignored": lambda now: record.judged(REQUEST, IGNORED, now),
    "opened": lambda now: record.opened(REQUEST, GRANT, [], [], now),
    "active": lambda now: record.active(REQUEST, GRANT, now),
    "closed": lambda now: record.closed(REQUEST, REVOKED, GRANT, now),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_that_is_repeated_later_has_the_same_id(name: str) -> None:
    assert MAKERS[name](NOW).id == MAKERS[name](after(60)).id


def test_different_steps_have_different_ids() -> None:
    assert len({make(NOW).id for make in MAKERS.values()}) == len(MAKERS)


def test_the_same_step_of_another_request_has_another_id() -> None:
    again = a_request(uid="request-2")

    assert record.received(REQUEST, NOW).id != record.received(again, NOW).id


def test_a_request_ends_once_for_whatever_reason_and_whoever_sees_it() -> None:
    ends = [
        record.closed(REQUEST, REVOKED, GRANT, NOW),
        record.closed(REQUEST, EXPIRED, None, NOW),
        record.closed_grant(GRANT, EXPIRED, NOW),
    ]

    assert len({event.id for event in ends}) == 1


@pytest.mark.parametrize("judged", [COUNTED, IGNORED], ids=["counted", "ignored"])
def test_the_ids_of_a_judgement_are_known_before_it_is_made(judged: JudgedReview) -> None:
    assert record.judged(REQUEST, judged, NOW).id in record.judgement_ids(REQUEST, judged)


def test_who_did_it_is_the_actor_and_the_operator_where_nobody_did() -> None:
    assert record.received(REQUEST, NOW).actor == "alice"
    assert record.judged(REQUEST, COUNTED, NOW).actor == "carol"
    assert record.closed(REQUEST, REVOKED, GRANT, NOW).actor == "carol"
    assert record.closed(REQUEST, EXPIRED, GRANT, NOW).actor == "jitgress-operator"
    assert all(make(NOW).subject == "alice" for make in MAKERS.values())


def test_a_received_request_is_recorded_as_it_was_asked_for() -> None:
    request = a_request(paths=["/b", "/a"], methods=["GET"], reason="INC-1")

    assert record.received(request, after(1)).data == {
        "target": "orders",
        "reason": "INC-1",
        "ticket": "",
        "duration_seconds": 1800,
        "start_at": None,
        "end_at": None,
        "extends": None,
        "break_glass": False,
        "paths": ["/b", "/a"],
        "methods": ["GET"],
        "groups": ["dev"],
        "asked_at": "2026-01-01T10:00:00.000Z",
    }


def test_a_judged_review_is_recorded_with_its_standing() -> None:
    judged = JudgedReview(a_review("Deny", CAROL, comment="no"), ReviewStanding.LATE, "too late")

    event = record.judged(REQUEST, judged, after(90))

    assert event.code is EventCode.REVIEW_IGNORED
    assert event.data == {
        "review": "carol-deny",
        "decision": "Deny",
        "standing": "Late",
        "comment": "no",
        "groups": ["approvers"],
        "reviewed_at": "2026-01-01T10:01:00.000Z",
    }


def test_a_closing_says_what_was_open() -> None:
    assert record.closed(REQUEST, EXPIRED, GRANT, NOW).data["not_after"] == "2026-01-01T10:30:00.000Z"
    assert record.closed(REQUEST, EXPIRED, None, NOW).data == {
        "reason": "Expired",
        "message": EXPIRED.message,
        "opened": False,
    }


def test_a_history_is_folded_into_what_was_opened_and_how_it_ended() -> None:
    history = [record.received(REQUEST, NOW), OPENED, record.closed(REQUEST, REVOKED, GRANT, NOW)]

    assert past.recorded([]) == Recorded(None, None)
    assert past.recorded(history[:1]) == Recorded(None, None)
    assert past.recorded(history[:2]) == Recorded(GRANT, None)
    assert past.recorded(history) == Recorded(GRANT, REVOKED)


def test_an_end_that_nobody_caused_has_nobody_behind_it() -> None:
    assert past.recorded([record.closed(REQUEST, EXPIRED, GRANT, NOW)]).closed == EXPIRED


def test_what_was_recorded_first_stands() -> None:
    later = replace(OPENED, data={**OPENED.data, "host": "evil.example.test"})
    ended = record.closed(REQUEST, REVOKED, GRANT, NOW)

    found = past.recorded([OPENED, later, ended, record.closed(REQUEST, EXPIRED, GRANT, NOW)])

    assert found == Recorded(GRANT, REVOKED)


def test_what_is_recorded_as_ignored_is_barred() -> None:
    late = JudgedReview(a_review(uid="late"), ReviewStanding.LATE, "too late")
    history = [record.judged(REQUEST, judged, NOW) for judged in (COUNTED, IGNORED, late)]
    reviews = (COUNTED.review, IGNORED.review, late.review, a_review(uid="new"))

    barred = past.with_bars(history, REQUEST, reviews)

    assert [(review.uid, review.is_barred) for review in barred] == [
        ("carol-approve", False),
        ("other", True),
        ("late", True),
        ("new", False),
    ]


def test_a_bar_of_another_request_bars_nobody_here() -> None:
    history = [record.judged(a_request(uid="request-2"), IGNORED, NOW)]

    assert not past.with_bars(history, REQUEST, [IGNORED.review])[0].is_barred


FIELDS: Final = (
    "policy",
    "target_namespace",
    "target_name",
    "target_uid",
    "groups",
    "host",
    "address",
    "paths",
    "methods",
    "not_before",
    "not_after",
    "sources",
    "since",
)


@pytest.mark.parametrize("value", [None, 7, True, {}], ids=["null", "number", "boolean", "object"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_another_type_is_an_error(field: str, value: EventValue) -> None:
    broken = replace(OPENED, data={**OPENED.data, field: value})

    with pytest.raises(InvalidValueError) as raised:
        past.recorded([broken])
    assert raised.value.remedy == "Verify the ledger."


@pytest.mark.parametrize("value", [None, "7", True, {}], ids=["null", "text", "boolean", "object"])
@pytest.mark.parametrize("field", ["extensions", "claims"])
def test_a_number_or_claims_of_another_type_are_an_error(field: str, value: EventValue) -> None:
    broken = replace(OPENED, data={**OPENED.data, field: ["amr"] if field == "claims" else value})

    with pytest.raises(InvalidValueError):
        past.recorded([broken])


@pytest.mark.parametrize("field", [*FIELDS, "claims", "extensions"])
def test_a_missing_field_is_an_error(field: str) -> None:
    broken = replace(OPENED, data={key: value for key, value in OPENED.data.items() if key != field})

    with pytest.raises(InvalidValueError):
        past.recorded_grant(broken)


@pytest.mark.parametrize(
    "change",
    [
        {"host": "*.example.test"},
        {"paths": []},
        {"paths": ["/api*"]},
        {"methods": ["CONNECT"]},
        {"not_before": "yesterday"},
        {"not_after": "2026-01-01T10:00:00.000Z"},
    ],
    ids=["wildcard", "no path", "path", "method", "time", "empty window"],
)
def test_a_value_that_no_grant_can_have_is_an_error(change: dict[str, EventValue]) -> None:
    with pytest.raises(InvalidValueError):
        past.recorded_grant(replace(OPENED, data={**OPENED.data, **change}))


@pytest.mark.parametrize(
    "event", [replace(OPENED, request=None), replace(OPENED, subject=None)], ids=["no request", "no subject"]
)
def test_an_opening_for_nobody_is_an_error(event: Event) -> None:
    with pytest.raises(InvalidValueError, match="names no request or subject"):
        past.recorded_grant(event)


@pytest.mark.parametrize("field", ["reason", "message"])
def test_a_closing_without_its_words_is_an_error(field: str) -> None:
    closing = record.closed(REQUEST, REVOKED, GRANT, NOW)
    broken = replace(closing, data={key: value for key, value in closing.data.items() if key != field})

    with pytest.raises(InvalidValueError):
        past.recorded([broken])


def test_a_recorded_end_with_an_unknown_reason_is_an_error_of_ours() -> None:
    event = record.closed(a_request(), EXPIRED, None, NOW)

    with pytest.raises(InvalidValueError):
        past.recorded([replace(event, data={**event.data, "reason": "Nonsense"})])
