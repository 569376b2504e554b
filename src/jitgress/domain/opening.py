"""What exactly may open once everybody approved: the least of what was asked, what policy permits, what approvers left.

Invariant 4: no window exceeds its policy's cap. Whatever bounds a window only ever makes it shorter.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from jitgress.domain.asked import Asked
from jitgress.domain.checks import AMR, outside_schedule, unmet_expression
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.judging import Verdict
from jitgress.domain.review import Narrowing
from jitgress.domain.ruling import Permitted
from jitgress.domain.scope import Scope
from jitgress.domain.window import Window, to_milliseconds

_TOO_LATE = "Ask again, and earlier."


def permitted(asked: Asked, verdict: Verdict, approved_at: datetime) -> Permitted | Denial:
    """Return what may open, or why nothing is left of it. The checks let the request pass before."""
    narrowings = [review.narrowing for review in verdict.approvals]
    scope = _scope(asked, narrowings)
    window = _window(asked, verdict, narrowings, approved_at)
    if isinstance(scope, Denial):
        return scope
    if isinstance(window, Denial):
        return window
    denial = unmet_expression(asked, window.not_before)
    if denial is not None:
        return denial
    extended, glass = asked.extended, asked.policy.break_glass
    sources = asked.policy.sources if extended is None else asked.policy.sources.meet(extended.grant.sources)
    if sources is None:
        message = f"policy {asked.policy.name} permits none of the networks of what it extends"
        return Denial(DenialCode.EXTENSION_IMPOSSIBLE, message, "Make a request of its own.")
    return Permitted(
        scope=scope,
        window=window,
        approved_by=verdict.approved_by,
        sources=sources,
        since=window.not_before if extended is None else extended.grant.since,
        extensions=0 if extended is None else extended.grant.extensions + 1,
        claims=_deciding_claims(asked),
        review_by=window.not_before + glass.review_within if asked.request.break_glass and glass is not None else None,
    )


def _deciding_claims(asked: Asked) -> frozenset[tuple[str, str]]:
    """Return the claims that let the requester in. What an expression looks at isn't known: then all of them."""
    policy, requester = asked.policy, asked.request.requester
    occasion, glass = policy.approval.automatic_while, policy.break_glass
    if policy.expression is not None or (occasion is not None and occasion.expression is not None):
        return requester.claims
    refs = [*policy.subjects, *(occasion.subjects if occasion else ()), *(glass.subjects if glass else ())]
    named = {claim for ref in refs if ref.names(requester) for claim in ref.claims}
    factors = policy.mfa.methods if policy.mfa is not None else frozenset[str]()
    return frozenset(named | {(key, value) for key, value in requester.claims if key == AMR and value in factors})


def _scope(asked: Asked, narrowings: Iterable[Narrowing]) -> Scope | Denial:
    scope = asked.scope()
    try:
        for each in narrowings:
            if scope is not None:
                scope = scope.meet(Scope.of(each.paths or scope.paths, each.methods or scope.methods))
    except InvalidValueError as error:
        return Denial(DenialCode.SCOPE_MALFORMED, f"what an approver wrote: {error.message}", error.remedy)
    if scope is None:
        message = "the approvers left none of the paths and methods that were asked for"
        return Denial(DenialCode.SCOPE_EMPTY, message, "Ask for the ones that they would permit.")
    return scope


def _window(asked: Asked, verdict: Verdict, narrowings: Iterable[Narrowing], approved_at: datetime) -> Window | Denial:
    """Return the window: it starts when the last approval is there, or later where somebody wants it to."""
    narrowings = tuple(narrowings)
    starts = [each.start_at for each in narrowings if each.start_at is not None]
    start = reduce(max, [*starts, asked.request.earliest_start], approved_at)
    if start - asked.request.created_at > max(asked.policy.max_start_ahead, approved_at - asked.request.created_at):
        message = f"the start was moved further ahead than policy {asked.policy.name} permits"
        return Denial(DenialCode.START_TOO_FAR, message, "Ask for an earlier start.")
    denial = None if asked.request.break_glass else outside_schedule(asked, start)
    if denial is not None:
        return denial
    ends = [_end(asked, narrowings, start), *_bounds(asked, verdict, start)]
    end = min(ends)
    if to_milliseconds(end) <= to_milliseconds(start):
        return Denial(DenialCode.WINDOW_EMPTY, "its end had passed before it could begin", _TOO_LATE)
    return Window(start, end)


def _end(asked: Asked, narrowings: Iterable[Narrowing], start: datetime) -> datetime:
    duration = min([asked.duration, *(each.duration for each in narrowings if each.duration is not None)])
    extended = asked.situation.extended
    if asked.request.extends is None:
        return start + duration
    if extended is None or extended.grant.window.not_after <= start:
        return start  # what it would have extended is over: nothing is left
    return extended.grant.window.not_after + duration


def _bounds(asked: Asked, verdict: Verdict, start: datetime) -> list[datetime]:
    """Return every moment at which something else ends it."""
    answer, schedule = verdict.answer, asked.policy.schedule
    closes_at = schedule.closes_at(start) if schedule is not None and not asked.request.break_glass else None
    bounds = (asked.request.end_at, answer.not_after if answer is not None else None, closes_at, _end_of_sum(asked))
    return [at for at in bounds if at is not None]


def _end_of_sum(asked: Asked) -> datetime | None:
    """Return when access that was extended must end, however often it was."""
    extended, terms = asked.situation.extended, asked.policy.extensions
    if asked.request.extends is None or extended is None or terms is None:
        return None
    return extended.grant.since + terms.max_total
