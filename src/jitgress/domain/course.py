"""What happens next to a request: the decision, folded with what the ledger says has happened already.

Invariant 4: what was opened keeps the window that was recorded, and only ever ends earlier.
Invariant 11: a request whose end has passed is over, whoever looks, whether or not anything was tidied up.
What is closed stays closed.
"""

from dataclasses import dataclass
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


class CloseReason(StrEnum):
    """Why a request is over."""

    EXPIRED = "Expired"
    REVOKED = "Revoked"
    WITHDRAWN = "Withdrawn"
    DENIED = "Denied"
    APPROVAL_TIMED_OUT = "ApprovalTimedOut"
    TARGET_GONE = "TargetGone"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds about one request."""

    opened: Grant | None = None
    closed: "Close | None" = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is open; look again at `until` at the latest (None: when something changes)."""

    until: datetime | None


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


Course: TypeAlias = Wait | Open | Close

EXPIRED: Final = Close(CloseReason.EXPIRED, "its time is over. Ask again if you need more.")
"""How every grant ends that nothing ended earlier."""


def course(decision: Decision, target: Target | None, request: Request, recorded: Recorded, now: datetime) -> Course:
    """Return what should be of `request` at `now`."""
    if recorded.closed is not None:
        return recorded.closed
    if recorded.opened is not None:
        return _while_open(decision, target, recorded.opened, now)
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
    if target is None or not isinstance(target.readiness, Ready) or decision.policy is None:
        return Wait(None)
    return Open(
        Grant(
            id=GrantId(request.ref.uid),
            request=request.ref,
            target=target.ref,
            policy=decision.policy,
            subject=request.requester,
            host=target.host,
            address=target.readiness.address,
            scope=permitted.scope,
            window=permitted.window,
        )
    )


def _while_open(decision: Decision, target: Target | None, grant: Grant, now: datetime) -> Course:
    if grant.window.has_ended(now):
        return EXPIRED
    if target is None or target.ref.uid != grant.target.uid:
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} was removed")
    if target.host != grant.host:
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} moved to another host")
    if isinstance(target.readiness, NotReady):
        return Close(CloseReason.TARGET_GONE, f"target {grant.target} is not ready: {target.readiness.message}")
    match decision.ruling:
        case (Permitted() as permitted) | Unexamined(permitted=permitted) if _stays_within(permitted, grant):
            return _at_address(target, grant)
        case Permitted() | Unexamined() | Awaiting() | TimedOut():
            return Close(CloseReason.REVOKED, "what policy or target permit changed while it was open. Ask again.")
        case (Denied() | Stopped()) as ruling:
            return _ending(ruling, decision.reasons[-1])
        case _ as never:
            assert_never(never)


def _stays_within(permitted: Permitted, grant: Grant) -> bool:
    return grant.scope.within(permitted.scope) and grant.window.within(permitted.window)


def _at_address(target: Target, grant: Grant) -> Course:
    if target.readiness is None or target.readiness == Ready(grant.address):
        return Open(grant)  # while it is being examined, what was recorded stands
    return Close(CloseReason.TARGET_GONE, f"the Service of target {grant.target} was replaced. Ask again.")


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
