"""Why a request would be decided as it would: every policy in its order, and all that speaks against it.

What is decided is decided by `decide` itself, the function that the operator calls. Nothing here knows a rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from jitgress.domain.asked import Asked
from jitgress.domain.checks import (
    CHECKS,
    Check,
    full,
    policy_allows,
    policy_is_understood,
    reason_is_given,
    target_is_ready,
)
from jitgress.domain.decide import decide
from jitgress.domain.denial import Denial
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Effect, Policy, PolicyList
from jitgress.domain.request import Request
from jitgress.domain.review import Review
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, Ruling, Stopped, TimedOut, Unexamined
from jitgress.domain.situation import Situation
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target

_BEFORE_ANY_TERMS: Final[tuple[Check, ...]] = (policy_is_understood, policy_allows, target_is_ready, reason_is_given)
"""What can be told where the policy permits nothing: its other terms are then no terms at all."""


class Outcome(StrEnum):
    """What becomes of a request, in one word."""

    PERMITTED = "permitted"
    SCHEDULED = "scheduled"
    AWAITING = "awaiting"
    DENIED = "denied"
    TIMED_OUT = "timed-out"
    STOPPED = "stopped"
    UNEXAMINED = "unexamined"


class Step(StrEnum):
    """How a policy stands to a request."""

    DECIDES = "decides"
    TOO_LATE = "too late"
    """It matches, but an earlier one decides."""
    OTHER_SUBJECT = "other subject"
    OTHER_TARGET = "other target"


@dataclass(frozen=True, slots=True)
class Walked:
    """One policy, how it stands to the request, and on what."""

    policy: Policy
    step: Step
    why: str
    is_near: bool = True
    """The policy has something to do with this subject: it names them, or somebody who looks like them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, and how it came about. `also` are the denials behind the one that the decision tells."""

    decision: Decision
    outcome: Outcome
    asked: Asked | None
    walked: tuple[Walked, ...]
    also: tuple[Denial, ...]


def explain(
    target: Target | None,
    policies: Iterable[Policy],
    request: Request,
    reviews: Iterable[Review] = (),
    *,
    situation: Situation,
    now: datetime,
) -> Explanation:
    """Return the decision about `request` as things stand at `now`, with every policy and every check behind it."""
    every = PolicyList(tuple(policies))
    decision = decide(target, every, request, reviews, situation=situation, now=now)
    policy = None
    if target is not None and request.asks_for(target.ref):
        policy = every.deciding(request.requester, target)
    asked = Asked(request, target, policy, situation) if target is not None and policy is not None else None
    told = decision.ruling.denial if isinstance(decision.ruling, Denied) else None
    return Explanation(
        decision=decision,
        outcome=outcome_of(decision.ruling, now),
        asked=asked,
        walked=walk(every.policies, request.requester, target) if target is not None else (),
        also=tuple(each for each in every_denial(asked) if each != told) if asked is not None else (),
    )


def outcome_of(ruling: Ruling, now: datetime) -> Outcome:
    """Return a ruling in one word. What is permitted and hasn't begun is scheduled."""
    match ruling:
        case Permitted(window=window):
            return Outcome.SCHEDULED if now < window.not_before else Outcome.PERMITTED
        case Awaiting():
            return Outcome.AWAITING
        case Denied():
            return Outcome.DENIED
        case TimedOut():
            return Outcome.TIMED_OUT
        case Stopped():
            return Outcome.STOPPED
        case Unexamined():
            return Outcome.UNEXAMINED
        case _ as never:
            assert_never(never)


def every_denial(asked: Asked) -> tuple[Denial, ...]:
    """Return what each check says against a request, each denial once, in the order of the checks."""
    permits_nothing = asked.policy.defect is not None or asked.policy.effect is Effect.DENY
    checks = _BEFORE_ANY_TERMS if permits_nothing else (*CHECKS, full)
    found = (_ask(check, asked) for check in checks)
    return tuple(dict.fromkeys(denial for denial in found if denial is not None))


def _ask(check: Check, asked: Asked) -> Denial | None:
    try:
        return check(asked)
    except InvalidValueError:  # the scope is malformed: that is told by the check for it, the others can't tell
        return None


def walk(policies: Iterable[Policy], subject: Subject, target: Target) -> tuple[Walked, ...]:
    """Return every policy in the order in which they are asked, and what it is that matches or doesn't."""
    in_order = sorted(policies, key=lambda policy: policy.order)
    deciding = PolicyList(tuple(in_order)).deciding(subject, target)
    return tuple(_walked(policy, deciding, subject, target) for policy in in_order)


def _walked(policy: Policy, deciding: Policy | None, subject: Subject, target: Target) -> Walked:
    if policy is deciding:
        return Walked(policy, Step.DECIDES, _matching(policy, subject))
    if policy.matches(subject, target):
        first = deciding.name if deciding is not None else "another"
        return Walked(policy, Step.TOO_LATE, f"{_matching(policy, subject)}, but {first} decides before it")
    if not any(ref.names(subject) for ref in policy.subjects):
        hints = [hint for ref in policy.subjects if (hint := _nearly(ref, subject))]
        whom = "; ".join(hints) or f"it is for {_few(policy.subjects)}"
        return Walked(policy, Step.OTHER_SUBJECT, whom, is_near=bool(hints))
    return Walked(policy, Step.OTHER_TARGET, policy.targets.mismatch(target) or "it states no target")


def _matching(policy: Policy, subject: Subject) -> str:
    if policy.is_about_everybody:
        return "it can't be understood, so it decides about everybody"
    return "is for " + ", ".join(str(ref) for ref in policy.subjects if ref.names(subject))


def _nearly(ref: SubjectRef, subject: Subject) -> str | None:
    """Return by how little `ref` doesn't name `subject`, where it is little."""
    lacking = ", ".join(f"{key}={value}" for key, value in sorted(ref.claims - subject.claims))
    match ref.kind:
        case SubjectKind.USER if ref.name == subject.username:
            return f"it wants the claim {lacking}"
        case SubjectKind.GROUP if ref.name in subject.groups:
            return f"it wants the claim {lacking} beside group {ref.name}"
        case SubjectKind.USER if subject.username and subject.is_same_person(Subject(ref.name)):
            return f"user {ref.name} is written otherwise"
        case SubjectKind.GROUP:
            near = [group for group in sorted(subject.groups) if Subject(group).is_same_person(Subject(ref.name))]
            return f"group {ref.name} is written otherwise" if near else None
        case SubjectKind.WORKLOAD if ref.claims & subject.claims:
            return f"it wants the claim {lacking}"
        case _:
            return None


_FEW: Final = 3


def _few(refs: tuple[SubjectRef, ...]) -> str:
    more = f" and {len(refs) - _FEW} more" if len(refs) > _FEW else ""
    return ", ".join(map(str, refs[:_FEW])) + more
