"""From what is known about a request to what should be: events to record, and a grant to have or not to have.

Invariant 7: as long as a plan has events, nothing else of it is carried out; `next_plan` is asked again once they are
recorded. Invariant 9: Active is said only of a grant that was probed.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from jitgress.domain.course import Close, CloseReason, Course, Open, Recorded, Scheduled, Wait, course
from jitgress.domain.decide import decide
from jitgress.domain.event import Event, EventCode
from jitgress.domain.grant import Grant
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.ruling import Decision, Permitted
from jitgress.operator import history, record
from jitgress.operator.requests.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What should be. `grant` is the one that should exist, None for none. `look_again_at`: at the latest."""

    decision: Decision
    reviews: tuple[JudgedReview, ...]
    course: Course
    events: tuple[Event, ...]
    grant: Grant | None
    opened: Grant | None
    before: tuple[Grant, ...]
    """What the grant was before it was narrowed."""
    is_active: bool
    look_again_at: datetime | None

    @property
    def is_closing(self) -> bool:
        """Tell whether nothing of the request may be open."""
        return isinstance(self.course, Close)


def next_plan(facts: Facts, now: datetime) -> Plan:
    """Return the plan for one request at `now`. Pure."""
    past = history.recorded(facts.history)
    known_reviews = history.with_bars(facts.history, facts.request, facts.reviews)
    decision = decide(facts.target, facts.policies, facts.request, known_reviews, situation=facts.situation, now=now)
    way = course(decision, facts.target, facts.request, past, successor=facts.situation.successor, now=now)
    if past.closed is None and facts.unrecorded_close is not None:
        way = facts.unrecorded_close
    if isinstance(way, Open):
        way = _end_observed(facts, past.opened) or way
    is_active = isinstance(way, Open) and facts.sight is not None and facts.sight.is_probed
    reviews = _as_recorded(facts, decision, past)
    return Plan(
        decision=decision,
        reviews=reviews,
        course=way,
        events=_missing_events(facts, decision, reviews, way, past.opened, is_active=is_active, now=now),
        grant=way.grant if isinstance(way, Open) else None,
        opened=past.opened,
        before=past.before,
        is_active=is_active,
        look_again_at=_look_again_at(facts, way, past.opened),
    )


def with_recorded(facts: Facts, events: tuple[Event, ...]) -> Facts:
    """Return `facts` after `events` were recorded."""
    known = facts.history + events
    is_opened = history.recorded(known).opened is not None
    return replace(facts, history=known, situation=replace(facts.situation, is_opened=is_opened))


def _end_observed(facts: Facts, opened: Grant | None) -> Close | None:
    """Return why an opened grant is over for a reason that only the cluster tells."""
    if opened is None:
        return None
    if facts.sight is None:
        return Close(CloseReason.REVOKED, "its grant was deleted") if facts.was_created else None
    if facts.sight.failure is not None:
        return Close(CloseReason.FAILED, facts.sight.failure)
    return None


def _as_recorded(facts: Facts, decision: Decision, past: Recorded) -> tuple[JudgedReview, ...]:
    """Return the judged reviews; one that came after the request was over changes nothing any more."""
    if past.closed is None:
        return decision.reviews
    known = {event.id for event in facts.history}
    return tuple(_unless_late(facts, judged, decision.reviewed, known) for judged in decision.reviews)


def _unless_late(facts: Facts, judged: JudgedReview, reviewed: Review | None, known: set[str]) -> JudgedReview:
    """Return the judgement that was recorded while the request ran, or else that it came too late.

    A break-glass grant is reviewed when it is over: that review comes in time.
    """
    counted, ignored = record.judgement_ids(facts.request, judged)
    if counted in known or (ignored in known and not judged.counts):
        return judged
    if judged.review == reviewed and not history.has(facts.history, EventCode.BREAK_GLASS_REVIEWED):
        return judged
    return JudgedReview(judged.review, ReviewStanding.NOT_NEEDED, "the request is over already")


def _missing_events(
    facts: Facts,
    decision: Decision,
    reviews: tuple[JudgedReview, ...],
    way: Course,
    opened: Grant | None,
    *,
    is_active: bool,
    now: datetime,
) -> tuple[Event, ...]:
    """Return what happened and isn't in the ledger yet, in the order in which it happened."""
    known = {event.id for event in facts.history}
    due = [record.received(facts.request, now)]
    due += [
        record.judged(facts.request, judged, now)
        for judged in reviews
        if not known & set(record.judgement_ids(facts.request, judged))
    ]
    match way:
        case Open(grant=grant):
            due += _while_open(facts, decision, grant, opened, now)
            if is_active:
                due.append(record.active(facts.request, grant, now))
        case Close():
            due.append(record.closed(facts.request, way, opened, now))
        case Scheduled(window=window) if isinstance(decision.ruling, Permitted):
            due.append(record.scheduled(facts.request, window, decision.ruling.approved_by, now))
        case Wait() | Scheduled():
            pass
    due += _after_break_glass(facts, decision, opened, now)
    return tuple(event for event in due if event.id not in known)


def _while_open(facts: Facts, decision: Decision, grant: Grant, opened: Grant | None, now: datetime) -> list[Event]:
    """Return the event of a grant that isn't open yet, or that is more than it may be."""
    if opened is None and isinstance(decision.ruling, Permitted):
        return [record.opened(facts.request, grant, decision.ruling.approved_by, decision.reasons, now)]
    is_more = opened is not None and opened != grant
    return [record.narrowed(facts.request, grant, decision.reasons, now)] if is_more else []


def _after_break_glass(facts: Facts, decision: Decision, opened: Grant | None, now: datetime) -> list[Event]:
    """Return whether it was reviewed, or should have been by now; an overdue one may be reviewed later."""
    if opened is None or opened.review_by is None:
        return []
    events = [record.reviewed(facts.request, decision.reviewed, now)] if decision.reviewed is not None else []
    is_reviewed = bool(events) or history.has(facts.history, EventCode.BREAK_GLASS_REVIEWED)
    return events if is_reviewed or now < opened.review_by else [record.overdue(facts.request, opened.review_by, now)]


def _look_again_at(facts: Facts, way: Course, opened: Grant | None) -> datetime | None:
    due = None
    if opened is not None and opened.review_by is not None and not _is_reviewed_or_overdue(facts):
        due = opened.review_by
    match way:
        case Open(grant=grant):
            return grant.window.not_after if due is None else min(due, grant.window.not_after)
        case Wait(until=until):
            return until
        case Scheduled(window=window):
            return window.not_before
        case Close():
            return due


def _is_reviewed_or_overdue(facts: Facts) -> bool:
    return history.has(facts.history, EventCode.BREAK_GLASS_REVIEWED) or history.has(
        facts.history, EventCode.BREAK_GLASS_OVERDUE
    )
