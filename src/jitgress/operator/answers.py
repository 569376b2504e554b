"""What external approval systems said, as events of the ledger, and read back from them.

Invariant 7: there is one answer a webhook and request, whoever asks again; what was recorded first stands.
"""

from collections.abc import Iterable
from datetime import datetime

from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.domain.request import Request
from jitgress.domain.window import format_time, parse_time
from jitgress.operator.record import about_request


def answer_id(request_uid: str, webhook: str) -> str:
    """Return the id of the one event that tells what `webhook` said about a request."""
    return event_id(request_uid, EventCode.APPROVAL_ANSWERED, webhook)


def answer_event(request: Request, answer: Answer, now: datetime) -> Event:
    """Return the event: an external approval system answered."""
    return about_request(
        request,
        EventCode.APPROVAL_ANSWERED,
        now,
        actor=f"webhook:{answer.webhook}",
        discriminator=answer.webhook,
        data={
            "webhook": answer.webhook,
            "verdict": answer.verdict.value,
            "comment": answer.comment,
            "not_after": None if answer.not_after is None else format_time(answer.not_after),
            "answered_at": format_time(answer.at),
        },
    )


def answers(history: Iterable[Event]) -> tuple[Answer, ...]:
    """Return the answers in the history of one request. One that can't be read is not there, and so permits nothing."""
    told = (_answer(event) for event in history if event.code is EventCode.APPROVAL_ANSWERED)
    return tuple(answer for answer in told if answer is not None)


def _answer(event: Event) -> Answer | None:
    match event.data:
        case {"webhook": str(webhook), "verdict": str(verdict), "comment": str(comment), "answered_at": str(at)}:
            try:
                return Answer(webhook, AnswerVerdict(verdict), parse_time(at), comment, _end(event))
            except (ValueError, InvalidValueError):
                return None
        case _:
            return None


def _end(event: Event) -> datetime | None:
    """Return where the window must end at the latest. An end that is missing can't be told from one that was lost."""
    match event.data:
        case {"not_after": None}:
            return None
        case {"not_after": str(text)}:
            return parse_time(text)
        case _:
            raise InvalidValueError("the recorded answer says nothing of its end", remedy="Verify the ledger.")
