"""The decision core: one pure function from what is known, and a time, to what should be.

Invariant 10: same inputs, same decision. No I/O, no clock, a function of its arguments.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from jitgress.domain.answer import AnswerVerdict
from jitgress.domain.asked import Asked
from jitgress.domain.checks import first_denial, full
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.judging import Verdict, in_order, judge
from jitgress.domain.opening import permitted
from jitgress.domain.phrasing import plain, with_comment
from jitgress.domain.policy import Policies
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, Ruling, Stopped, TimedOut, Unexamined
from jitgress.domain.situation import Situation
from jitgress.domain.subject import Subject
from jitgress.domain.target import Target


def decide(
    target: Target | None,
    policies: Policies,
    request: Request,
    reviews: Iterable[Review],
    *,
    situation: Situation,
    now: datetime,
) -> Decision:
    """Decide about `request` as things stand at `now`. Everything that isn't expressly permitted is denied."""
    reviews = tuple(reviews)
    if target is None or not request.asks_for(target.ref):
        return _without_policy(request, reviews, _no_target(request))
    policy = policies.deciding(request.requester, target)
    if policy is None:
        return _without_policy(request, reviews, _no_policy(request, target))
    asked = Asked(_with_groups_left(request, situation), target, policy, situation)
    verdict = judge(asked, reviews)
    denial = _by_changed_groups(asked, policies, request.requester)
    ruling = _rule(asked, verdict, denial, now)
    reasons = (f"policy {policy.name} decides (priority {policy.priority})", _explain(ruling))
    is_limited = policy.limits.per_subject is not None or policy.limits.per_target is not None
    return Decision(ruling, policy.name, verdict.judged, reasons, verdict.reviewed, is_limited)


def _rule(asked: Asked, verdict: Verdict, denial: Denial | None, now: datetime) -> Ruling:
    if verdict.stopped is not None:
        return verdict.stopped
    denial = denial or first_denial(asked) or _by_others(verdict)
    if denial is not None:
        return Denied(denial)
    if verdict.approved_at is not None:
        return _permit(asked, verdict, verdict.approved_at, now)
    until = asked.policy.approval.deadline(asked.request.created_at)
    if now >= until:
        return TimedOut(until)
    approval = asked.policy.approval
    return Awaiting(
        required=approval.required,
        approved_by=verdict.approved_by,
        missing=approval.missing(verdict.approvers),
        webhook=approval.webhook if verdict.answer is None else None,
        until=until,
    )


def _permit(asked: Asked, verdict: Verdict, approved_at: datetime, now: datetime) -> Ruling:
    opening = permitted(asked, verdict, approved_at)
    if isinstance(opening, Denial):
        return Denied(opening)
    if asked.target.readiness is None:
        return Unexamined(opening)
    is_due = now >= opening.window.not_before
    denial = full(asked) if is_due and not opening.window.has_ended(now) else None
    return opening if denial is None else Denied(denial)


def _with_groups_left(request: Request, situation: Situation) -> Request:
    """Return the request as of somebody who is only in those of the stated groups in which they still are."""
    if situation.groups_now is None:
        return request
    requester = request.requester
    return replace(request, requester=replace(requester, groups=requester.groups & situation.groups_now))


def _by_changed_groups(asked: Asked, policies: Policies, requester: Subject) -> Denial | None:
    """Nobody keeps what they got as a member of a group that they left, or before one that is denied it."""
    groups = asked.situation.groups_now
    if groups is None or groups == requester.groups:
        return None
    present = policies.deciding(replace(requester, groups=groups), asked.target)
    if present is not None and present.name == asked.policy.name:
        return None
    left = plain(", ".join(sorted(requester.groups - groups))) or "none"
    joined = plain(", ".join(sorted(groups - requester.groups))) or "none"
    message = f"the groups of {plain(requester.username)} have changed (left: {left}; joined: {joined})"
    return Denial(DenialCode.GROUPS_CHANGED, f"{message}, so another policy decides now", "Ask again.")


def _by_others(verdict: Verdict) -> Denial | None:
    review, answer = verdict.denied_by, verdict.answer
    if review is not None:
        who, comment = plain(review.reviewer.username), review.comment
    elif answer is not None and answer.verdict is AnswerVerdict.DENY:
        who, comment = f"webhook {answer.webhook}", answer.comment
    else:
        return None
    message = with_comment(f"{who} denied it", comment)
    return Denial(DenialCode.APPROVER_DENIED, message, f"Ask again once that is settled with {who}.")


def _no_target(request: Request) -> Denial:
    return Denial(
        DenialCode.TARGET_UNKNOWN,
        f"there is no target {plain(request.target)} in namespace {request.ref.namespace}",
        f"See what there is with: kubectl get accesstargets -n {request.ref.namespace}",
    )


def _no_policy(request: Request, target: Target) -> Denial:
    groups = plain(", ".join(sorted(request.requester.groups))) or "none"
    return Denial(
        DenialCode.NO_POLICY,
        f"no policy lets {plain(request.requester.username)} (groups: {groups}) reach {target.ref}",
        "Ask the platform team for a policy that names you or your group.",
    )


def _without_policy(request: Request, reviews: tuple[Review, ...], denial: Denial) -> Decision:
    judged = tuple(
        JudgedReview(review, ReviewStanding.NO_POLICY, "no policy decides about this request, so nobody can review it")
        for review in in_order(request, reviews)
    )
    return Decision(Denied(denial), None, judged, (str(denial),))


def _explain(ruling: Ruling) -> str:
    match ruling:
        case Denied(denial=denial):
            return str(denial)
        case Unexamined():
            return "the target is new or was changed and is being examined; this takes a moment"
        case Awaiting():
            return _explain_wait(ruling)
        case TimedOut(at=at):
            return f"not enough people approved before {_clock(at)}. Ask again."
        case Permitted(scope=scope, approved_by=approved_by):
            how = "broken glass, to be reviewed" if ruling.review_by is not None else "policy (automatic)"
            return f"permitted: {scope}, approved by {plain(', '.join(approved_by)) or how}"
        case Stopped(kind=kind, review=review):
            return with_comment(f"{kind} by {plain(review.reviewer.username)}", review.comment)
        case _ as never:
            assert_never(never)


def _explain_wait(ruling: Awaiting) -> str:
    counted = f"{len(ruling.approved_by)} of {ruling.required} approvals, in time until {_clock(ruling.until)}"
    people = [f"{quorum.required} of {quorum}" if quorum.name else str(quorum) for quorum in ruling.missing]
    webhook = [f"webhook {ruling.webhook}"] if ruling.webhook is not None else []
    return f"{counted}; to be asked: {', '.join([*people, *webhook])}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
