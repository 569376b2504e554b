"""The decision core: one pure function from what is known, and a time, to what should be.

Invariant 10: same inputs, same decision. No I/O, no clock, a function of its arguments.
"""

from collections.abc import Iterable
from datetime import datetime

from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.judging import Verdict, judge
from jitgress.domain.policy import Policy, deciding_policy
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, Ruling, TimedOut, Unexamined
from jitgress.domain.scope import Scope
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
    if target is None:
        return _without_policy(
            request,
            reviews,
            Denial(
                DenialCode.TARGET_UNKNOWN,
                f"there is no target {request.target} in namespace {request.ref.namespace}",
                "List what can be asked for with: jitgress list --targets.",
            ),
        )
    policy = deciding_policy(policies, request.requester, target)
    if policy is None:
        groups = ", ".join(sorted(request.requester.groups)) or "none"
        return _without_policy(
            request,
            reviews,
            Denial(
                DenialCode.NO_POLICY,
                f"no policy lets {request.requester.username} (groups: {groups}) reach {target.ref}",
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
    if asked.target.readiness is None:
        return Unexamined()
    denial = first_denial(asked) or _by_approver(verdict)
    if denial is not None:
        return Denied(denial)
    if verdict.approved_at is not None:
        scope = asked.scope()
        if scope is not None:
            window = Window.starting(verdict.approved_at, asked.request.duration)
            return Permitted(scope, window, verdict.approved_by)
    until = asked.request.created_at + asked.policy.approval.timeout
    if now >= until:
        return TimedOut(until)
    return Awaiting(asked.policy.approval.required, verdict.approved_by, asked.policy.approval.approvers, until)


def _by_approver(verdict: Verdict) -> Denial | None:
    review = verdict.denied_by
    if review is None:
        return None
    comment = f": {review.comment}" if review.comment else ""
    return Denial(DenialCode.APPROVER_DENIED, f"{review.reviewer.username} denied it{comment}")


def _without_policy(request: Request, reviews: tuple[Review, ...], denial: Denial) -> Decision:
    judged = tuple(
        JudgedReview(review, ReviewStanding.NO_POLICY, "no policy decides about this request, so nobody can review it")
        for review in reviews
        if review.request_uid == request.ref.uid
    )
    return Decision(Denied(denial), None, judged, (str(denial),))


def describe_scope(scope: Scope) -> str:
    """Return a scope in words: GET, HEAD on /api."""
    return f"{', '.join(scope.sorted_methods())} on {', '.join(scope.paths)}"


def _explain(ruling: Ruling) -> str:
    match ruling:
        case Denied(denial=denial):
            return str(denial)
        case Unexamined():
            return "the target is new or was changed and is being examined"
        case Awaiting(required=required, approved_by=approved_by, approvers=approvers):
            who = ", ".join(map(str, approvers))
            return f"{len(approved_by)} of {required} approvals; these may approve: {who}"
        case TimedOut(at=at):
            return f"nobody approved before {at:%Y-%m-%d %H:%M:%S} UTC. Ask again"
        case Permitted(scope=scope, approved_by=approved_by):
            return f"permitted: {describe_scope(scope)}, approved by {', '.join(approved_by) or 'policy (automatic)'}"
        case _:
            comment = f": {ruling.review.comment}" if ruling.review.comment else ""
            return f"{ruling.kind} by {ruling.review.reviewer.username}{comment}"
