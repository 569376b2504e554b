"""What external systems said, in the ledger and back: one answer a webhook and request, and the first one stands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from jitgress.audit.canonical import canonical, read
from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.operator.answers import answer_event, answers
from tests.builders import a_request, after

APPROVED: Final = Answer("change", AnswerVerdict.APPROVE, after(60), "CHG-7", after(3600))
DATA: Final = answer_event(a_request(), APPROVED, after(61)).data


def told(data: Mapping[str, EventValue]) -> tuple[Answer, ...]:
    return answers([replace(answer_event(a_request(), APPROVED, after(61)), data=data)])


@pytest.mark.parametrize(
    "answer",
    [APPROVED, replace(APPROVED, not_after=None), replace(APPROVED, verdict=AnswerVerdict.DENY, comment="")],
    ids=["approved", "without an end", "denied"],
)
def test_an_answer_comes_back_from_the_ledger_as_it_was_given(answer: Answer) -> None:
    stored = read(canonical(answer_event(a_request(), answer, after(61))))

    assert answers([stored]) == (answer,)


def test_the_event_says_who_answered_about_whose_request_and_when() -> None:
    event = answer_event(a_request(), APPROVED, after(61))

    assert (event.code, event.actor, event.subject, event.request, event.at) == (
        EventCode.APPROVAL_ANSWERED,
        "webhook:change",
        "alice",
        a_request().ref,
        after(61),
    )
    assert event.data == {
        "webhook": "change",
        "verdict": "Approve",
        "comment": "CHG-7",
        "not_after": "2026-01-01T11:00:00.000Z",
        "answered_at": "2026-01-01T10:01:00.000Z",
    }


def test_an_end_is_never_recorded_as_later_than_it_was_given() -> None:
    end = after(3600.0009)

    (answer,) = answers([answer_event(a_request(), replace(APPROVED, not_after=end), after(61))])

    assert answer.not_after == after(3600)


def test_a_second_answer_has_the_id_of_the_first() -> None:
    denied = Answer("change", AnswerVerdict.DENY, after(90))

    assert answer_event(a_request(), denied, after(91)).id == answer_event(a_request(), APPROVED, after(61)).id


def test_answers_of_two_webhooks_and_about_two_requests_are_apart() -> None:
    elsewhere = replace(APPROVED, webhook="other")
    events = [
        answer_event(a_request(), APPROVED, after(61)),
        answer_event(a_request(), elsewhere, after(61)),
        answer_event(a_request(uid="request-2"), APPROVED, after(61)),
    ]

    assert len({event.id for event in events}) == 3
    assert answers(events[:2]) == (APPROVED, elsewhere)


def test_other_events_hold_no_answer() -> None:
    event = replace(answer_event(a_request(), APPROVED, after(61)), code=EventCode.REVIEW_COUNTED)

    assert answers([event, Event(id="1", code=EventCode.GRANT_OPENED, at=after(1), actor="x")]) == ()


@pytest.mark.parametrize("field", sorted(DATA))
def test_an_answer_that_lacks_a_field_is_none(field: str) -> None:
    assert told({name: value for name, value in DATA.items() if name != field}) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("webhook", 7),
        ("webhook", None),
        ("verdict", "approve"),
        ("verdict", "Maybe"),
        ("verdict", True),
        ("comment", ["CHG-7"]),
        ("not_after", ""),
        ("not_after", "tomorrow"),
        ("not_after", 7),
        ("not_after", False),
        ("answered_at", "yesterday"),
        ("answered_at", None),
    ],
)
def test_an_answer_that_cannot_be_read_is_none(field: str, value: EventValue) -> None:
    assert told({**DATA, field: value}) == ()
