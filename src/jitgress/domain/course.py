"""What happens next to a request: the decision, folded with what the ledger says has happened already.

Invariant 4: what was opened keeps the window that was recorded; it may become narrower and end earlier, never more.
Invariant 11: a request whose end has passed is over, whoever looks, whether or not anything was tidied up.
What is closed stays closed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from jitgress.domain.denial import Denial
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.request import Request
from jitgress.domain.ruling import (
    Awaiting,
    Decision,
    Denied,
    Permitted,
    StopKind,
    Stopped,
    TimedOut,
    Unexamined,
)
from jitgress.domain.target import NotReady, Ready, Target
from jitgress.domain.window import Window


class CloseReason(StrEnum):
    """Why a request is over."""

    EXPIRED = "Expired"
    REVOKED = "Revoked"
    WITHDRAWN = "Withdrawn"
    DENIED = "Denied"
    APPROVAL_TIMED_OUT = "ApprovalTimedOut"
    TARGET_GONE = "TargetGone"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds about one request."""

    opened: Grant | None = None
    """The grant as it was recorded last."""
    closed: "Close | None" = None
    before: tuple[Grant, ...] = ()
    """What it was before it was narrowed, the oldest first."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is open; look again at `until` at the latest (None: when something changes)."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """All is approved, and nothing is open before `window` begins. What is decided then, counts."""

    window: Window


@dataclass(frozen=True, slots=True)
class Open:
    """This grant should exist until its window ends."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Close:
    """The request is over; nothing of it may be open. `by` is who ended it, if a person did."""

    reason: CloseReason
    message: str
    by: str | None = None
    denial: Denial | None = None
    """What policy, target or approver said, where they said no."""


Course: TypeAlias = Wait | Scheduled | Open | Close

EXPIRED: Final = Close(CloseReason.EXPIRED, "its time is over. Ask again if you need more.")
"""How every grant ends that nothing ended earlier, and that nothing extends."""


def ended(successor: str | None) -> Close:
    """Return how a grant is over at the end of its window. `successor` is the open request that extends it."""
    if successor is None:
        return EXPIRED
    return Close(CloseReason.SUPERSEDED, f"request {successor} extends it and has taken over")


def course(
    decision: Decision,
    target: Target | None,
    request: Request,
    recorded: Recorded,
    *,
    successor: str | None,
    now: datetime,
) -> Course:
    """Return what should be of `request` at `now`. `successor` is the open request that extends it, if there is one."""
    if recorded.closed is not None:
        return recorded.closed
    if recorded.opened is not None:
        return _while_open(decision, target, recorded.opened, successor, now)
    match decision.ruling:
        case Permitted() as permitted:
            return _opening(permitted, decision, target, request, now)
        case Awaiting(until=until):
            return Wait(until)
        case Unexamined():
            return Wait(None)
        case (Denied() | TimedOut() | Stopped()) as ruling:
            return _ending(ruling, decision.reasons[-1])
        case _ as never:
            assert_never(never)


def _opening(
    permitted: Permitted, decision: Decision, target: Target | None, request: Request, now: datetime
) -> Course:
    if permitted.window.has_ended(now):
        return Close(CloseReason.EXPIRED, "its time had passed before it could be opened. Ask again.")
    if now < permitted.window.not_before:
        return Scheduled(permitted.window)
    if target is None or not isinstance(target.readiness, Ready) or decision.policy is None:
        return Wait(None)
    return Open(
        Grant(
            id=GrantId(request.ref.uid),
            request=request.ref,
            target=target.ref,
            policy=decision.policy,
            subject=replace(request.requester, claims=permitted.claims),
            host=target.host,
            address=target.readiness.address,
            scope=permitted.scope,
            window=permitted.window,
            sources=permitted.sources,
            since=permitted.since,
            extensions=permitted.extensions,
            review_by=permitted.review_by,
        )
    )


def _while_open(
    decision: Decision, target: Target | None, grant: Grant, successor: str | None, now: datetime
) -> Course:
    if grant.window.has_ended(now):
        return ended(successor)
    if target is None or target.ref.uid != grant.target.uid:
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} was removed")
    if target.host != grant.host:
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} moved to another host")
    if isinstance(target.readiness, NotReady):
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} is not ready: {target.readiness.message}")
    match decision.ruling:
        case (Permitted() as permitted) | Unexamined(permitted=permitted):
            return _as_far_as(permitted, target, grant, now)
        case Awaiting() | TimedOut():
            return _CHANGED
        case (Denied() | Stopped()) as ruling:
            return _ending(ruling, decision.reasons[-1])
        case _ as never:
            assert_never(never)


def _as_far_as(permitted: Permitted, target: Target, grant: Grant, now: datetime) -> Course:
    """Return the grant as far as it is still permitted: it may become less, and never more."""
    left = narrowed(grant, permitted)
    if left is None or left.window.has_ended(now):
        return _CHANGED
    if target.readiness is None or target.readiness == Ready(grant.address):
        return Open(left)  # while it is being examined, what was recorded stands
    return Close(CloseReason.TARGET_GONE, f"the Service of target {grant.target} was replaced. Ask again.")


_CHANGED: Final = Close(CloseReason.REVOKED, "what policy or target permit changed while it was open. Ask again.")


def narrowed(grant: Grant, permitted: Permitted) -> Grant | None:
    """Return what both the open grant and the present decision permit, or None where that is nothing.

    Its beginning, and what is recorded of it beside, stay as they are.
    """
    if permitted.window.not_before > grant.window.not_before:
        return None
    scope = grant.scope if grant.scope.within(permitted.scope) else grant.scope.meet(permitted.scope)
    end = min(grant.window.not_after, permitted.window.not_after)
    sources = grant.sources.meet(permitted.sources)
    if scope is None or sources is None or end <= grant.window.not_before:
        return None
    return replace(grant, scope=scope, window=Window(grant.window.not_before, end), sources=sources)


def _ending(ruling: Denied | TimedOut | Stopped, message: str) -> Close:
    match ruling:
        case Stopped(kind=kind, review=review):
            reason = CloseReason.WITHDRAWN if kind is StopKind.WITHDRAWN else CloseReason.REVOKED
            return Close(reason, message, by=review.reviewer.username)
        case TimedOut():
            return Close(CloseReason.APPROVAL_TIMED_OUT, message)
        case Denied(denial=denial):
            return Close(CloseReason.DENIED, message, denial=denial)
        case _ as never:
            assert_never(never)
