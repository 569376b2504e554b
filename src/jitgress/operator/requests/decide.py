"""From what is known about a request to what should be: events to record, and a grant to have or not to have.

Invariant 7: as long as a plan has events, nothing else of it is carried out; `next_plan` is asked again once they are
recorded. Invariant 9: Active is said only of a grant that was probed.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from jitgress.domain.course import Close, CloseReason, Course, Open, Recorded, Wait, course
from jitgress.domain.decide import decide
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant
from jitgress.domain.review import JudgedReview, ReviewStanding
from jitgress.domain.ruling import Decision, Permitted
from jitgress.operator import record
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
    is_active: bool
    look_again_at: datetime | None

    @property
    def is_closing(self) -> bool:
        """Tell whether nothing of the request may be open."""
        return isinstance(self.course, Close)


def next_plan(facts: Facts, now: datetime) -> Plan:
    """Return the plan for one request at `now`. Pure."""
    past = record.recorded(facts.history)
    known_reviews = record.with_bars(facts.history, facts.request, facts.reviews)
    decision = decide(facts.target, facts.policies, facts.request, known_reviews, now)
    way = course(decision, facts.target, facts.request, past, now)
    if past.closed is None and facts.unrecorded_close is not None:
        way = facts.unrecorded_close
    if isinstance(way, Open):
        way = _end_observed(facts, past.opened) or way
    is_active = isinstance(way, Open) and facts.sight is not None and facts.sight.is_probed
    reviews = _settled(facts, decision, past)
    return Plan(
        decision=decision,
        reviews=reviews,
        course=way,
        events=_missing_events(facts, decision, reviews, way, past.opened, is_active=is_active, now=now),
        grant=way.grant if isinstance(way, Open) else None,
        opened=past.opened,
        is_active=is_active,
        look_again_at=_look_again_at(way),
    )


def with_recorded(facts: Facts, events: tuple[Event, ...]) -> Facts:
    """Return `facts` after `events` were recorded."""
    return replace(facts, history=facts.history + events)


def _end_observed(facts: Facts, opened: Grant | None) -> Close | None:
    """Return why an opened grant is over for a reason that only the cluster tells."""
    if opened is None:
        return None
    if facts.sight is None:
        return Close(CloseReason.REVOKED, "its grant was deleted") if facts.was_created else None
    if facts.sight.failure is not None:
        return Close(CloseReason.FAILED, facts.sight.failure)
    return None


def _settled(facts: Facts, decision: Decision, past: Recorded) -> tuple[JudgedReview, ...]:
    """Return the judged reviews; one that came after the request was over changes nothing any more."""
    if past.closed is None:
        return decision.reviews
    known = {event.id for event in facts.history}
    return tuple(_unless_late(facts, judged, known) for judged in decision.reviews)


def _unless_late(facts: Facts, judged: JudgedReview, known: set[str]) -> JudgedReview:
    """Return the judgement that was recorded while the request ran, or else that it came too late."""
    counted, ignored = record.judgement_ids(facts.request, judged)
    if counted in known or (ignored in known and not judged.counts):
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
            if opened is None and isinstance(decision.ruling, Permitted):
                approved_by = decision.ruling.approved_by
                due.append(record.opened(facts.request, grant, approved_by, decision.reasons, now))
            if is_active:
                due.append(record.active(facts.request, grant, now))
        case Close():
            due.append(record.closed(facts.request, way, opened, now))
        case Wait():
            pass
    return tuple(event for event in due if event.id not in known)


def _look_again_at(way: Course) -> datetime | None:
    match way:
        case Open(grant=grant):
            return grant.window.not_after
        case Wait(until=until):
            return until
        case Close():
            return None
