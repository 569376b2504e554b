"""The decision core: one pure function from what is known, and a time, to what should be.

Invariant 10: same inputs, same decision. No I/O, no clock, a function of its arguments.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import assert_never

from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.judging import Verdict, in_order, judge
from jitgress.domain.phrasing import plain, with_comment
from jitgress.domain.policy import Policy, deciding_policy
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, Ruling, Stopped, TimedOut, Unexamined
from jitgress.domain.target import Target
from jitgress.domain.terms import Asked, first_denial
from jitgress.domain.window import Window


def decide(
    target: Target | None,
    policies: Iterable[Policy],
    request: Request,
    reviews: Iterable[Review],
    now: datetime,
) -> Decision:
    """Decide about `request` as things stand at `now`. Everything that isn't expressly permitted is denied."""
    reviews = tuple(reviews)
    if target is None or not request.asks_for(target.ref):
        return _without_policy(
            request,
            reviews,
            Denial(
                DenialCode.TARGET_UNKNOWN,
                f"there is no target {plain(request.target)} in namespace {request.ref.namespace}",
                f"See what there is with: kubectl get accesstargets -n {request.ref.namespace}",
            ),
        )
    policy = deciding_policy(policies, request.requester, target)
    if policy is None:
        groups = plain(", ".join(sorted(request.requester.groups))) or "none"
        return _without_policy(
            request,
            reviews,
            Denial(
                DenialCode.NO_POLICY,
                f"no policy lets {plain(request.requester.username)} (groups: {groups}) reach {target.ref}",
                "Ask the platform team for a policy that names you or your group.",
            ),
        )
    verdict = judge(request, policy, reviews)
    ruling = _rule(Asked(request, target, policy), verdict, now)
    reasons = (f"policy {policy.name} decides (priority {policy.priority})", _explain(ruling))
    return Decision(ruling, policy.name, verdict.judged, reasons)


def _rule(asked: Asked, verdict: Verdict, now: datetime) -> Ruling:
    if verdict.stopped is not None:
        return verdict.stopped
    denial = first_denial(asked) or _by_approver(verdict)
    if denial is not None:
        return Denied(denial)
    scope = asked.scope()
    if verdict.approved_at is not None and scope is not None:
        window = Window.starting(verdict.approved_at, asked.request.duration)
        permitted = Permitted(scope, window, verdict.approved_by)
        return Unexamined(permitted) if asked.target.readiness is None else permitted
    until = asked.policy.approval.deadline(asked.request.created_at)
    if now >= until:
        return TimedOut(until)
    return Awaiting(asked.policy.approval.required, verdict.approved_by, asked.policy.approval.approvers, until)


def _by_approver(verdict: Verdict) -> Denial | None:
    review = verdict.denied_by
    if review is None:
        return None
    who = plain(review.reviewer.username)
    return Denial(
        DenialCode.APPROVER_DENIED,
        with_comment(f"{who} denied it", review.comment),
        f"Ask again once that is settled with {who}.",
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
        case Awaiting(required=required, approved_by=approved_by, approvers=approvers, until=until):
            who = ", ".join(map(str, approvers))
            return f"{len(approved_by)} of {required} approvals, in time until {_clock(until)}; to be asked: {who}"
        case TimedOut(at=at):
            return f"not enough people approved before {_clock(at)}. Ask again."
        case Permitted(scope=scope, approved_by=approved_by):
            return f"permitted: {scope}, approved by {plain(', '.join(approved_by)) or 'policy (automatic)'}"
        case Stopped(kind=kind, review=review):
            return with_comment(f"{kind} by {plain(review.reviewer.username)}", review.comment)
        case _ as never:
            assert_never(never)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
