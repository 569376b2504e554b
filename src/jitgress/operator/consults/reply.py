"""Reading what an approval webhook answered, strictly: what isn't exactly a decision is none, and permits nothing."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from jitgress.domain.answer import AnswerVerdict
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import parse_time
from jitgress.operator.consults.consultant import Decided, Undecided

MAX_BODY_BYTES: Final = 64 * 1024
MAX_COMMENT: Final = 1024  # characters; the rest is cut off, the decision holds
_FIELDS: Final = frozenset({"decision", "comment", "not_after"})
_VERDICTS: Final = {"approve": AnswerVerdict.APPROVE, "deny": AnswerVerdict.DENY, "pending": None}


def understood(body: bytes, retry_after: timedelta | None) -> Decided | Undecided:
    """Return what a body says. Raises `InvalidValueError`, whose message repeats nothing of the body.

    A field that this version does not know may be a condition, so a body that has one isn't understood.
    """
    match _document(body):
        case {"decision": str(decision), **rest} if decision in _VERDICTS and rest.keys() <= _FIELDS:
            verdict = _VERDICTS[decision]
            comment, not_after = _comment(rest.get("comment", "")), _time(rest.get("not_after"))
        case dict():
            raise _unclear("the fields are not those of a decision")
        case _:
            raise _unclear("it is no JSON object")
    return Undecided(retry_after) if verdict is None else Decided(verdict, comment, not_after)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return what a Retry-After header asks for, or None if it is absent or says nothing (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    text = value.strip()
    try:
        if text.isascii() and text.isdecimal():
            return timedelta(seconds=int(text))
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _unclear("it is not JSON") from None


def _comment(value: Any) -> str:
    if not isinstance(value, str):
        raise _unclear("the comment is no text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which nothing could record
        raise _unclear("the comment is not Unicode") from None
    return value[:MAX_COMMENT]


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _unclear("not_after is no text")
    try:
        return parse_time(value)
    except InvalidValueError:
        raise _unclear("not_after is no RFC 3339 time") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a field that is there twice: readers differ on which one counts (RFC 8259, 4)."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field is there twice")
    return document


def _unclear(why: str) -> InvalidValueError:
    return InvalidValueError(why, remedy="See docs/approval-webhook.md for what to answer.")
