"""How the reviews of one request count, one after the other in the order in which they were made.

Invariant 5: nobody approves their own request, and N approvals are N distinct people who were entitled.
Invariant 11: an approval at or after the time-out counts for nothing, whenever it is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from jitgress.domain.phrasing import describe_duration
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Review, ReviewDecision, ReviewStanding
from jitgress.domain.ruling import StopKind, Stopped
from jitgress.domain.subject import Subject, any_names

# Reviews carry whole seconds. Of two in one second the one that closes goes first: closed is the default.
_ORDER: Final = {ReviewDecision.REVOKE: 0, ReviewDecision.DENY: 1, ReviewDecision.APPROVE: 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reviews amount to. `approved_at` is set once enough people approved."""

    judged: tuple[JudgedReview, ...]
    approved_by: tuple[str, ...]
    approved_at: datetime | None
    denied_by: Review | None = None
    stopped: Stopped | None = None


def judge(request: Request, policy: Policy, reviews: Iterable[Review]) -> Verdict:
    """Judge the reviews of `request` under `policy`. Reviews of another request are not looked at."""
    verdict = Verdict((), (), request.created_at if policy.approval.is_automatic else None)
    for review in in_order(request, reviews):
        verdict = _add(verdict, request, policy, review)
    return verdict


def in_order(request: Request, reviews: Iterable[Review]) -> list[Review]:
    """Return the reviews of `request` in the order in which they count, however they arrived."""
    mine = (review for review in reviews if review.request_uid == request.ref.uid)
    return sorted(mine, key=lambda review: (review.created_at, _ORDER[review.decision], review.uid))


def _add(verdict: Verdict, request: Request, policy: Policy, review: Review) -> Verdict:
    objection = _objection(verdict, request, policy, review)
    if objection is not None:
        standing, message = objection
        return Verdict(
            (*verdict.judged, JudgedReview(review, standing, message)),
            verdict.approved_by,
            verdict.approved_at,
            verdict.denied_by,
            verdict.stopped,
        )
    judged = (*verdict.judged, JudgedReview(review, ReviewStanding.COUNTED, "counted"))
    match review.decision:
        case ReviewDecision.APPROVE:
            approved_by = (*verdict.approved_by, review.reviewer.username)
            is_enough = len(approved_by) >= policy.approval.required
            return Verdict(judged, approved_by, review.created_at if is_enough else None)
        case ReviewDecision.DENY:
            return Verdict(judged, verdict.approved_by, None, denied_by=review)
        case ReviewDecision.REVOKE:
            stopped = Stopped(_stop_kind(verdict, request, review), review)
            return Verdict(judged, verdict.approved_by, verdict.approved_at, stopped=stopped)
        case _ as never:
            assert_never(never)


def _stop_kind(verdict: Verdict, request: Request, review: Review) -> StopKind:
    if review.reviewer.username != request.requester.username:
        return StopKind.REVOKED
    return StopKind.WITHDRAWN if verdict.approved_at is None else StopKind.GIVEN_BACK


_Objection: TypeAlias = tuple[ReviewStanding, str]


def _objection(verdict: Verdict, request: Request, policy: Policy, review: Review) -> _Objection | None:
    if verdict.denied_by or verdict.stopped:
        return ReviewStanding.NOT_NEEDED, "the request was ended by an earlier review"
    objection = _to_the_reviewer(request, policy, review)
    if objection is not None or review.decision is ReviewDecision.REVOKE:
        return objection
    if verdict.approved_at is not None:
        return ReviewStanding.NOT_NEEDED, "the request is approved already; revoke it to end it"
    if review.created_at >= policy.approval.deadline(request.created_at):
        waited = describe_duration(policy.approval.timeout)
        return ReviewStanding.LATE, f"the time for approval ended {waited} after the request; it has to be made again"
    if review.decision is ReviewDecision.APPROVE and _has_approved(verdict, review.reviewer):
        return ReviewStanding.DUPLICATE, "you approved this request before; another person has to approve as well"
    return None


def _to_the_reviewer(request: Request, policy: Policy, review: Review) -> _Objection | None:
    is_revoke = review.decision is ReviewDecision.REVOKE
    if not is_revoke and review.reviewer.is_same_person(request.requester):
        return ReviewStanding.SELF_REVIEW, "nobody approves or denies their own request; ask one of the approvers"
    is_given_up = is_revoke and review.reviewer.username == request.requester.username
    approvers = policy.approval.approvers
    if not is_given_up and not any_names(approvers, review.reviewer):
        who = ", ".join(map(str, approvers)) or "nobody"
        return ReviewStanding.NOT_ENTITLED, f"you may not decide; policy {policy.name} lets these people decide: {who}"
    if review.is_barred and review.decision is ReviewDecision.APPROVE:
        return ReviewStanding.NOT_ENTITLED, "you were not entitled when you approved; if you are now, approve again"
    return None


def _has_approved(verdict: Verdict, reviewer: Subject) -> bool:
    return any(reviewer.is_same_person(Subject(username)) for username in verdict.approved_by)
