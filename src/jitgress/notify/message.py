"""From what was recorded to a message for people: plain text, who, what, why, how long, and what to do now.

Pure. What others wrote can neither break a line nor make a link or a mention that isn't there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from jitgress.domain.course import CloseReason
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode
from jitgress.domain.phrasing import describe_duration, plain
from jitgress.domain.request import Request
from jitgress.domain.window import parse_time
from jitgress.operator.ports import News

MAX_QUOTED: Final = 500  # characters of a text by others: a chat is no place for a megabyte
_MENTION: Final = re.compile(r"@(?=(?:everyone|here|channel|all|room)\b)", re.IGNORECASE)
_MARKUP: Final = str.maketrans({"<": "(", ">": ")", "[": "(", "]": ")", "`": "'"})


class Moment(StrEnum):
    """What there are messages about. The words are those of the setting notify.on."""

    BREAK_GLASS = "break_glass"
    OVERDUE_REVIEW = "overdue_review"
    AWAITING_APPROVAL = "awaiting_approval"
    DENIED = "denied"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `title` is one line, `body` a few."""

    moment: Moment
    title: str
    body: str


def message_of(news: News) -> Message | None:
    """Return the message about what was recorded, or None where nobody need hear of it."""
    event = news.event
    match event.code:
        case EventCode.GRANT_OPENED if event.data.get("break_glass") is True:
            return _broken(news.request, event)
        case EventCode.BREAK_GLASS_OVERDUE:
            return _overdue(news.request, event)
        case EventCode.REQUEST_RECEIVED if news.waits_for:
            return _awaiting(news.request, news.waits_for)
        case EventCode.REQUEST_CLOSED:
            return _closed(news.request, event)
        case _:
            return None


def quoted(text: str) -> str:
    """Return what somebody wrote: on one line, bounded, and without what chats take for markup or a call to all."""
    told = _MENTION.sub("@ ", plain(text)).translate(_MARKUP)
    return told if len(told) <= MAX_QUOTED else f"{told[: MAX_QUOTED - 1]}…"


def _broken(request: Request, event: Event) -> Message:
    review_by = _time(event.data, "review_by")
    return _message(
        Moment.BREAK_GLASS,
        f"Break-glass: {_who(request)} opened {_target(request)}",
        _reason(request),
        f"Open: {_until(event.data)}, without anybody's approval",
        f"Request: {request.ref}",
        f"To do: review it{f' by {review_by}' if review_by else ''} with: jitgress approve {request.ref}"
        f" (or deny); end it now with: jitgress revoke {request.ref}",
    )


def _overdue(request: Request, event: Event) -> Message:
    review_by = _time(event.data, "review_by")
    return _message(
        Moment.OVERDUE_REVIEW,
        f"Overdue: nobody has reviewed the break-glass access of {_who(request)} to {_target(request)}",
        _reason(request),
        f"Should have been reviewed by: {review_by}" if review_by else "",
        f"Request: {request.ref}",
        f"To do: review it with: jitgress approve {request.ref} (or deny)",
    )


def _awaiting(request: Request, waits_for: tuple[str, ...]) -> Message:
    duration = "what the policy gives" if request.duration is None else describe_duration(request.duration)
    return _message(
        Moment.AWAITING_APPROVAL,
        f"{_who(request)} asks for {_target(request)}",
        _reason(request),
        f"For: {duration}",
        f"Waits for: {quoted(', '.join(waits_for))}",
        f"Request: {request.ref}",
        f"To do: jitgress approve {request.ref}, or: jitgress deny {request.ref}",
    )


def _closed(request: Request, event: Event) -> Message | None:
    match event.data.get("reason"):
        case CloseReason.DENIED.value:
            moment, title = Moment.DENIED, f"Denied: {_target(request)} for {_who(request)}"
        case CloseReason.REVOKED.value:
            moment, title = Moment.REVOKED, f"Revoked: the access of {_who(request)} to {_target(request)}"
        case _:
            return None
    why = event.data.get("message")
    return _message(
        moment,
        title,
        _reason(request),
        f"Why: {quoted(why)}" if isinstance(why, str) else "",
        f"Request: {request.ref}",
        f"To do: see why with: jitgress show {request.ref}",
    )


def _message(moment: Moment, title: str, *lines: str) -> Message:
    return Message(moment, title, "\n".join(line for line in lines if line))


def _who(request: Request) -> str:
    return quoted(request.requester.username)


def _target(request: Request) -> str:
    return f"{request.ref.namespace}/{quoted(request.target)}"


def _reason(request: Request) -> str:
    ticket = f" ({quoted(request.ticket)})" if request.ticket else ""
    return f"Reason: {quoted(request.reason)}{ticket}"


def _until(data: Mapping[str, object]) -> str:
    end = _time(data, "not_after")
    host = data.get("host")
    where = f" on {quoted(host)}" if isinstance(host, str) else ""
    return f"until {end}{where}" if end else f"now{where}"


def _time(data: Mapping[str, object], key: str) -> str | None:
    """Return a recorded time in words, or None where there is none that can be read."""
    text = data.get(key)
    try:
        return _clock(parse_time(text)) if isinstance(text, str) else None
    except InvalidValueError:
        return None


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
