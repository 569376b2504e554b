"""The events of a request's life; `history` reads them back.

Invariant 7: ids are functions of the transition, so that repeating a step after a crash records nothing twice; and
what was recorded first stands.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from jitgress.domain.course import Close
from jitgress.domain.event import Event, EventCode, EventValue, event_id
from jitgress.domain.grant import Grant
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import JudgedReview, Narrowing, Review
from jitgress.domain.subject import Subject
from jitgress.domain.window import Window, format_time

OPERATOR: Final = "jitgress-operator"
"""The actor of everything that no person did."""


def received(request: Request, now: datetime) -> Event:
    """Somebody asked."""
    return about_request(
        request,
        EventCode.REQUEST_RECEIVED,
        now,
        actor=request.requester.username,
        data={
            "target": request.target,
            "reason": request.reason,
            "ticket": request.ticket,
            "duration_seconds": None if request.duration is None else request.duration // timedelta(seconds=1),
            "start_at": None if request.start_at is None else format_time(request.start_at),
            "end_at": None if request.end_at is None else format_time(request.end_at),
            "extends": None if request.extends is None else request.extends.name,
            "break_glass": request.break_glass,
            "paths": list(request.paths),
            "methods": list(request.methods),
            "groups": sorted(request.requester.groups),
            "asked_at": format_time(request.created_at),
        },
    )


def judged(request: Request, judged_review: JudgedReview, now: datetime) -> Event:
    """Somebody answered, and it counted or not."""
    review = judged_review.review
    return about_request(
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
            **_narrowing(review.narrowing),
            "groups": sorted(review.reviewer.groups),
            "reviewed_at": format_time(review.created_at),
        },
    )


def scheduled(request: Request, window: Window, approved_by: Iterable[str], now: datetime) -> Event:
    """All is approved; it opens when its window begins."""
    data: dict[str, EventValue] = {
        "approved_by": list(approved_by),
        "not_before": format_time(window.not_before),
        "not_after": format_time(window.not_after),
    }
    discriminator = f"{data['not_before']} {data['not_after']}"
    return about_request(request, EventCode.REQUEST_SCHEDULED, now, discriminator=discriminator, data=data)


def judgement_ids(request: Request, judged_review: JudgedReview) -> tuple[str, str]:
    """Return the ids of the two events that can tell of this review, of which one ever does."""
    uid = judged_review.review.uid
    return (
        event_id(request.ref.uid, EventCode.REVIEW_COUNTED, uid),
        event_id(request.ref.uid, EventCode.REVIEW_IGNORED, uid),
    )


def opened(request: Request, grant: Grant, approved_by: Iterable[str], reasons: Iterable[str], now: datetime) -> Event:
    """A grant is about to be made. The event holds all of it: what is recorded is what is opened."""
    told: dict[str, EventValue] = {"approved_by": list(approved_by), "reasons": list(reasons)}
    return about_request(request, EventCode.GRANT_OPENED, now, data=told | grant_data(grant))


def narrowed(request: Request, grant: Grant, reasons: Iterable[str], now: datetime) -> Event:
    """An open grant is about to become what the event holds: policy or target permit no more than that."""
    data = grant_data(grant)
    discriminator = " ".join(str(data[key]) for key in ("not_after", "paths", "methods", "sources"))
    told: dict[str, EventValue] = {"reasons": list(reasons)}
    return about_request(request, EventCode.GRANT_NARROWED, now, discriminator=discriminator, data=told | data)


def reviewed(request: Request, review: Review, now: datetime) -> Event:
    """Somebody looked at a break-glass grant afterwards."""
    return about_request(
        request,
        EventCode.BREAK_GLASS_REVIEWED,
        now,
        actor=review.reviewer.username,
        data={
            "review": review.name,
            "decision": review.decision.value,
            "comment": review.comment,
            "reviewed_at": format_time(review.created_at),
        },
    )


def overdue(request: Request, review_by: datetime, now: datetime) -> Event:
    """Nobody reviewed a break-glass grant in time."""
    return about_request(request, EventCode.BREAK_GLASS_OVERDUE, now, data={"review_by": format_time(review_by)})


def active(request: Request, grant: Grant, now: datetime) -> Event:
    """The host was seen refusing strangers: the grant is usable, and only by its subject."""
    return about_request(request, EventCode.GRANT_ACTIVE, now, data={"host": grant.host})


def removed(request: Request, now: datetime) -> Event:
    """The request's object is about to be removed from the cluster, because it was over for long enough."""
    return about_request(request, EventCode.REQUEST_REMOVED, now, data={"name": request.ref.name})


def closed(request: Request, close: Close, grant: Grant | None, now: datetime) -> Event:
    """The request is over; whatever of it is open is about to be removed."""
    data = _closing_data(close, grant)
    return about_request(request, EventCode.REQUEST_CLOSED, now, actor=close.by or OPERATOR, data=data)


def grant_data(grant: Grant) -> dict[str, EventValue]:
    """Return all of a grant that its event doesn't say elsewhere."""
    return {
        "policy": grant.policy,
        "target_namespace": grant.target.namespace,
        "target_name": grant.target.name,
        "target_uid": grant.target.uid,
        "groups": sorted(grant.subject.groups),
        "claims": {key: sorted(grant.subject.values_of(key)) for key, _ in sorted(grant.subject.claims)},
        "host": grant.host,
        "address": grant.address,
        "paths": list(grant.scope.paths),
        "methods": list(grant.scope.sorted_methods()),
        "sources": list(grant.sources.texts()),
        "not_before": format_time(grant.window.not_before),
        "not_after": format_time(grant.window.not_after),
        "since": format_time(grant.since),
        "extensions": grant.extensions,
        "break_glass": grant.is_break_glass,
        "review_by": None if grant.review_by is None else format_time(grant.review_by),
    }


def closed_grant(grant: Grant, close: Close, now: datetime) -> Event:
    """The same event as `closed`, for a grant whose request can't be had or hasn't been looked at yet."""
    return about_grant(grant, EventCode.REQUEST_CLOSED, now, data=_closing_data(close, grant))


def about_grant(
    grant: Grant, code: EventCode, at: datetime, *, discriminator: str = "", data: Mapping[str, EventValue]
) -> Event:
    """Return an event in the life of a grant's request that no person brought about."""
    return _about(grant.request, grant.subject, code, at, discriminator=discriminator, data=data)


def about_request(
    request: Request,
    code: EventCode,
    now: datetime,
    *,
    actor: str = OPERATOR,
    discriminator: str = "",
    data: Mapping[str, EventValue],
) -> Event:
    """Return an event in the life of a request, brought about by `actor`."""
    return _about(request.ref, request.requester, code, now, actor=actor, discriminator=discriminator, data=data)


def _about(
    ref: RequestRef,
    subject: Subject,
    code: EventCode,
    at: datetime,
    *,
    actor: str = OPERATOR,
    discriminator: str,
    data: Mapping[str, EventValue],
) -> Event:
    return Event(
        id=event_id(ref.uid, code, discriminator),
        code=code,
        at=at,
        actor=actor,
        subject=subject.username,
        request=ref,
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


def _narrowing(narrowing: Narrowing) -> dict[str, EventValue]:
    """Return by how much an approval allows less, as far as it does."""
    told: dict[str, EventValue] = {
        "duration_seconds": None if narrowing.duration is None else narrowing.duration // timedelta(seconds=1),
        "start_at": None if narrowing.start_at is None else format_time(narrowing.start_at),
        "paths": list(narrowing.paths),
        "methods": list(narrowing.methods),
    }
    return {key: value for key, value in told.items() if value}
