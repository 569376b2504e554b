"""The events of a request's life, and what they say when they are read back.

Invariant 7: ids are functions of the transition, so that repeating a step after a crash records nothing twice; and
what was recorded first stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from jitgress.domain.course import Close, CloseReason, Recorded
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode, EventValue, event_id
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window, format_time, parse_time

OPERATOR: Final = "jitgress-operator"
"""The actor of everything that no person did."""


def received(request: Request, now: datetime) -> Event:
    """Somebody asked."""
    return _event(
        request,
        EventCode.REQUEST_RECEIVED,
        now,
        actor=request.requester.username,
        data={
            "target": request.target,
            "reason": request.reason,
            "duration_seconds": request.duration // timedelta(seconds=1),
            "paths": list(request.paths),
            "methods": list(request.methods),
            "groups": sorted(request.requester.groups),
            "asked_at": format_time(request.created_at),
        },
    )


def judged(request: Request, judged_review: JudgedReview, now: datetime) -> Event:
    """Somebody answered, and it counted or not."""
    review = judged_review.review
    return _event(
        request,
        EventCode.REVIEW_COUNTED if judged_review.counts else EventCode.REVIEW_IGNORED,
        now,
        actor=review.reviewer.username,
        discriminator=review.uid,
        data={
            "review": review.name,
            "decision": review.decision.value,
            "standing": judged_review.standing.value,
            "comment": review.comment,
            "groups": sorted(review.reviewer.groups),
            "reviewed_at": format_time(review.created_at),
        },
    )


def judgement_ids(request: Request, judged_review: JudgedReview) -> tuple[str, str]:
    """Return the ids of the two events that can tell of this review, of which one ever does."""
    uid = judged_review.review.uid
    return (
        event_id(request.ref.uid, EventCode.REVIEW_COUNTED, uid),
        event_id(request.ref.uid, EventCode.REVIEW_IGNORED, uid),
    )


def with_bars(history: Iterable[Event], request: Request, reviews: Iterable[Review]) -> tuple[Review, ...]:
    """Return the reviews; those of which it is recorded that their authors were not entitled are barred.

    Invariant 5: who was not entitled when they approved isn't made so by a later edit of the policy.
    """
    not_entitled = {
        event.id
        for event in history
        if event.code is EventCode.REVIEW_IGNORED and event.data.get("standing") == ReviewStanding.NOT_ENTITLED.value
    }
    return tuple(
        replace(review, is_barred=event_id(request.ref.uid, EventCode.REVIEW_IGNORED, review.uid) in not_entitled)
        for review in reviews
    )


def opened(request: Request, grant: Grant, approved_by: Iterable[str], reasons: Iterable[str], now: datetime) -> Event:
    """A grant is about to be made. The event holds all of it: what is recorded is what is opened."""
    return _event(
        request,
        EventCode.GRANT_OPENED,
        now,
        data={
            "policy": grant.policy,
            "approved_by": list(approved_by),
            "reasons": list(reasons),
            "target_namespace": grant.target.namespace,
            "target_name": grant.target.name,
            "target_uid": grant.target.uid,
            "groups": sorted(grant.subject.groups),
            "host": grant.host,
            "address": grant.address,
            "paths": list(grant.scope.paths),
            "methods": list(grant.scope.sorted_methods()),
            "not_before": format_time(grant.window.not_before),
            "not_after": format_time(grant.window.not_after),
        },
    )


def active(request: Request, grant: Grant, now: datetime) -> Event:
    """The host was seen refusing strangers: the grant is usable, and only by its subject."""
    return _event(request, EventCode.GRANT_ACTIVE, now, data={"host": grant.host})


def closed(request: Request, close: Close, grant: Grant | None, now: datetime) -> Event:
    """The request is over; whatever of it is open is about to be removed."""
    data = _closing_data(close, grant)
    return _event(request, EventCode.REQUEST_CLOSED, now, actor=close.by or OPERATOR, data=data)


def recorded(history: Iterable[Event]) -> Recorded:
    """Return what the ledger says has happened to a request."""
    grant: Grant | None = None
    close: Close | None = None
    for event in history:
        if event.code is EventCode.GRANT_OPENED and grant is None:
            grant = opened_grant(event)
        elif event.code is EventCode.REQUEST_CLOSED and close is None:
            close = Close(_reason(event.data), _text(event.data, "message"), _person(event.actor), _denial(event.data))
    return Recorded(grant, close)


def opened_grant(event: Event) -> Grant:
    """Return the grant that a `grant.opened` event holds. Raises `InvalidValueError` if it holds none."""
    if event.request is None or event.subject is None:
        raise InvalidValueError("a grant.opened event names no request or subject", remedy="Verify the ledger.")
    data = event.data
    return Grant(
        id=GrantId(event.request.uid),
        request=event.request,
        target=TargetRef(_text(data, "target_namespace"), _text(data, "target_name"), _text(data, "target_uid")),
        policy=_text(data, "policy"),
        subject=Subject(event.subject, frozenset(_texts(data, "groups"))),
        host=parse_host(_text(data, "host")),
        address=_text(data, "address"),
        scope=Scope.of(_texts(data, "paths"), _texts(data, "methods")),
        window=Window(parse_time(_text(data, "not_before")), parse_time(_text(data, "not_after"))),
    )


def closed_grant(grant: Grant, close: Close, now: datetime) -> Event:
    """The same event as `closed`, for a grant whose request can't be had or hasn't been looked at yet."""
    return about_grant(grant, EventCode.REQUEST_CLOSED, now, data=_closing_data(close, grant))


def about_grant(
    grant: Grant, code: EventCode, at: datetime, *, discriminator: str = "", data: Mapping[str, EventValue]
) -> Event:
    """Return an event in the life of a grant's request that no person brought about."""
    return Event(
        id=event_id(grant.request.uid, code, discriminator),
        code=code,
        at=at,
        actor=OPERATOR,
        subject=grant.subject.username,
        request=grant.request,
        data=data,
    )


def _event(
    request: Request,
    code: EventCode,
    now: datetime,
    *,
    actor: str = OPERATOR,
    discriminator: str = "",
    data: Mapping[str, EventValue],
) -> Event:
    return Event(
        id=event_id(request.ref.uid, code, discriminator),
        code=code,
        at=now,
        actor=actor,
        subject=request.requester.username,
        request=request.ref,
        data=data,
    )


def _closing_data(close: Close, grant: Grant | None) -> Mapping[str, EventValue]:
    data: dict[str, EventValue] = {"reason": close.reason.value, "message": close.message, "opened": grant is not None}
    if grant is not None:
        data["not_after"] = format_time(grant.window.not_after)
    if close.denial is not None:
        told = close.denial
        data["denial"] = {"code": told.code.value, "message": told.message, "remedy": told.remedy}
    return data


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


def _texts(data: Mapping[str, EventValue], key: str) -> list[str]:
    value = data.get(key)
    if not isinstance(value, list | tuple):
        raise InvalidValueError(f"the recorded event has no list {key!r}", remedy="Verify the ledger.")
    return [item for item in value if isinstance(item, str)]


def _person(actor: str) -> str | None:
    return None if actor == OPERATOR else actor
