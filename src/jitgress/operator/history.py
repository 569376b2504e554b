"""What the events of a request say when they are read back.

Invariant 7: what was recorded first stands. What can't be read is an error, and opens nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from jitgress.domain.course import Close, CloseReason, Recorded
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode, EventValue, event_id
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import Request
from jitgress.domain.review import Review
from jitgress.domain.scope import Scope
from jitgress.domain.sources import Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window, parse_time
from jitgress.operator.record import OPERATOR


def recorded(history: Iterable[Event]) -> Recorded:
    """Return what the ledger says has happened to a request."""
    grants: list[Grant] = []
    close: Close | None = None
    for event in history:
        if (event.code is EventCode.GRANT_OPENED and not grants) or (event.code is EventCode.GRANT_NARROWED and grants):
            grants.append(recorded_grant(event))
        elif event.code is EventCode.REQUEST_CLOSED and close is None:
            close = Close(_reason(event.data), _text(event.data, "message"), _person(event.actor), _denial(event.data))
    return Recorded(grants[-1] if grants else None, close, tuple(grants[:-1]))


def recorded_grant(event: Event) -> Grant:
    """Return the grant that a `grant.opened` or `grant.narrowed` event holds. Raises `InvalidValueError`."""
    if event.request is None or event.subject is None:
        raise InvalidValueError(f"a {event.code} event names no request or subject", remedy="Verify the ledger.")
    data = event.data
    window = Window(parse_time(_text(data, "not_before")), parse_time(_text(data, "not_after")))
    return Grant(
        id=GrantId(event.request.uid),
        request=event.request,
        target=TargetRef(_text(data, "target_namespace"), _text(data, "target_name"), _text(data, "target_uid")),
        policy=_text(data, "policy"),
        subject=Subject(
            event.subject,
            frozenset(_texts(data, "groups")),
            frozenset(_claims(data)),
        ),
        host=parse_host(_text(data, "host")),
        address=_text(data, "address"),
        scope=Scope.of(_texts(data, "paths"), _texts(data, "methods")),
        window=window,
        since=parse_time(_text(data, "since")),
        extensions=_number(data, "extensions"),
        review_by=parse_time(_text(data, "review_by")) if data.get("review_by") is not None else None,
        sources=Sources.of(_texts(data, "sources")),
    )


def with_bars(history: Iterable[Event], request: Request, reviews: Iterable[Review]) -> tuple[Review, ...]:
    """Return the reviews; those of which it is recorded that they didn't count are barred.

    Invariants 5 and 7: who was not entitled when they approved isn't made so by a later edit of the policy, and no
    grant rests on an approval that the ledger calls ignored.
    """
    ignored = {event.id for event in history if event.code is EventCode.REVIEW_IGNORED}
    return tuple(
        replace(review, is_barred=event_id(request.ref.uid, EventCode.REVIEW_IGNORED, review.uid) in ignored)
        for review in reviews
    )


def has(history: Iterable[Event], code: EventCode) -> bool:
    """Tell whether there is an event with this code."""
    return any(event.code is code for event in history)


def _reason(data: Mapping[str, EventValue]) -> CloseReason:
    text = _text(data, "reason")
    try:
        return CloseReason(text)
    except ValueError:
        raise InvalidValueError(
            f"the recorded event has the unknown reason {text[:40]!r}",
            remedy="Verify the ledger; if it is whole, a newer jitgress wrote it: run that one.",
        ) from None


def _denial(data: Mapping[str, EventValue]) -> Denial | None:
    """Return the denial that a recorded end tells of, or None; also where this version doesn't know its code."""
    told = data.get("denial")
    if not isinstance(told, Mapping):
        return None
    try:
        return Denial(DenialCode(_text(told, "code")), _text(told, "message"), _text(told, "remedy"))
    except ValueError:
        return None


def _text(data: Mapping[str, EventValue], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise InvalidValueError(f"the recorded event has no text {key!r}", remedy="Verify the ledger.")
    return value


def _number(data: Mapping[str, EventValue], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValueError(f"the recorded event has no number {key!r}", remedy="Verify the ledger.")
    return value


def _texts(data: Mapping[str, EventValue], key: str) -> list[str]:
    value = data.get(key)
    if not isinstance(value, list | tuple):
        raise InvalidValueError(f"the recorded event has no list {key!r}", remedy="Verify the ledger.")
    return [item for item in value if isinstance(item, str)]


def _claims(data: Mapping[str, EventValue]) -> Iterator[tuple[str, str]]:
    """Yield key and value of each claim. A key may hold any sign, so the two are never joined in one text."""
    told = data.get("claims")
    if not isinstance(told, Mapping):
        raise InvalidValueError("the recorded event has no object 'claims'", remedy="Verify the ledger.")
    yield from ((key, value) for key in told for value in _texts(told, key))


def _person(actor: str) -> str | None:
    return None if actor == OPERATOR else actor
