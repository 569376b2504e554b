"""How the reviews of one request count, one after the other in the order in which they were made.

Invariant 5: nobody approves their own request, and N approvals are N distinct people who were entitled.
Invariant 11: an approval at or after the time-out counts for nothing, whenever it is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.asked import Asked
from jitgress.domain.phrasing import describe_duration
from jitgress.domain.request import Request
from jitgress.domain.review import JudgedReview, Narrowing, Review, ReviewDecision, ReviewStanding
from jitgress.domain.ruling import StopKind, Stopped
from jitgress.domain.subject import Subject, any_names

# Reviews carry whole seconds. Of two in one second the one that closes goes first: closed is the default.
_ORDER: Final = {ReviewDecision.REVOKE: 0, ReviewDecision.DENY: 1, ReviewDecision.APPROVE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the reviews amount to. `approved_at` is set once everybody who must approve did."""

    judged: tuple[JudgedReview, ...] = ()
    approvals: tuple[Review, ...] = ()
    approved_at: datetime | None = None
    denied_by: Review | None = None
    stopped: Stopped | None = None
    reviewed: Review | None = None
    """Break-glass: the first review by somebody who may, whatever it said."""
    answer: Answer | None = None
    """What the external system said, if it did so in time."""

    @property
    def approvers(self) -> tuple[Subject, ...]:
        """Who approved, in order."""
        return tuple(review.reviewer for review in self.approvals)

    @property
    def approved_by(self) -> tuple[str, ...]:
        """The names of those who approved, in order."""
        return tuple(review.reviewer.username for review in self.approvals)


def judge(asked: Asked, reviews: Iterable[Review]) -> Verdict:
    """Judge the reviews of a request under its policy. Reviews of another request are not looked at."""
    is_unasked = asked.opens_unasked()
    verdict, judged = Verdict(answer=None if is_unasked else _answer(asked)), list[JudgedReview]()
    for review in in_order(asked.request, reviews):
        objection = _objection(verdict, asked, review, is_unasked=is_unasked)
        if objection is None:
            verdict = _add(verdict, asked, review)
        standing, message = objection or (ReviewStanding.COUNTED, "counted")
        judged.append(JudgedReview(review, standing, message))
    approved_at = asked.request.created_at if is_unasked else _approved_at(verdict, asked)
    return replace(verdict, approved_at=approved_at, judged=tuple(judged))


def in_order(request: Request, reviews: Iterable[Review]) -> list[Review]:
    """Return the reviews of `request` in the order in which they count, however they arrived."""
    mine = (review for review in reviews if review.request_uid == request.ref.uid)
    return sorted(mine, key=lambda review: (review.created_at, _ORDER[review.decision], review.uid))


def _answer(asked: Asked) -> Answer | None:
    """Return the external system's answer, if the policy asks for one and it came in time."""
    approval = asked.policy.approval
    until = approval.deadline(asked.request.created_at)
    mine = (each for each in asked.situation.answers if each.webhook == approval.webhook and each.at < until)
    return next(mine, None)


def _approved_at(verdict: Verdict, asked: Asked) -> datetime | None:
    """Return when the last of all that must approve did so."""
    approval = asked.policy.approval
    times = [review.created_at for review in verdict.approvals]
    if approval.webhook is not None:
        if verdict.answer is None or verdict.answer.verdict is not AnswerVerdict.APPROVE:
            return None
        times.append(verdict.answer.at)
    return max(times) if approval.is_reached(verdict.approvers) and times else None


def _add(verdict: Verdict, asked: Asked, review: Review) -> Verdict:
    """Return the verdict with one more review, which counts."""
    if asked.request.break_glass and not review.reviewer.is_same_person(asked.request.requester):
        verdict = replace(verdict, reviewed=verdict.reviewed or review)
    match review.decision:
        case ReviewDecision.APPROVE:
            return verdict if asked.request.break_glass else replace(verdict, approvals=(*verdict.approvals, review))
        case ReviewDecision.DENY:
            return replace(verdict, denied_by=review)
        case ReviewDecision.REVOKE:
            return replace(verdict, stopped=verdict.stopped or Stopped(_stop_kind(asked, review), review))
        case _ as never:
            assert_never(never)


def _stop_kind(asked: Asked, review: Review) -> StopKind:
    if review.reviewer.username != asked.request.requester.username:
        return StopKind.REVOKED
    return StopKind.GIVEN_BACK if asked.situation.is_opened else StopKind.WITHDRAWN


_Objection: TypeAlias = tuple[ReviewStanding, str]


def _objection(verdict: Verdict, asked: Asked, review: Review, *, is_unasked: bool) -> _Objection | None:
    is_ended = bool(verdict.denied_by or verdict.stopped)
    if is_ended and (not asked.request.break_glass or verdict.reviewed is not None):
        return ReviewStanding.NOT_NEEDED, "the request was ended by an earlier review"
    objection = _to_the_reviewer(asked, review)
    if objection is not None or review.decision is ReviewDecision.REVOKE:
        return objection
    if asked.request.break_glass:
        return _to_a_review_after(verdict, review)
    if is_unasked or _was_approved_before(review, _approved_at(verdict, asked)):
        return ReviewStanding.NOT_NEEDED, "the request is approved already; revoke it to end it"
    return _to_its_time(verdict, asked, review) or _to_what_is_recorded(review)


def _to_a_review_after(verdict: Verdict, review: Review) -> _Objection | None:
    if review.decision is ReviewDecision.APPROVE and verdict.reviewed is not None:
        return ReviewStanding.NOT_NEEDED, "it was reviewed already; revoke it to end it"
    if review.narrowing != Narrowing():
        return ReviewStanding.NOT_NEEDED, "a review afterwards narrows nothing; review it without that, or revoke it"
    return None


def _to_what_is_recorded(review: Review) -> _Objection | None:
    """What the ledger holds as ignored never counts, whatever policy says later."""
    if not review.is_barred or review.decision is not ReviewDecision.APPROVE:
        return None
    return ReviewStanding.NOT_ENTITLED, "it did not count when you approved; if it would now, approve again"


def _to_its_time(verdict: Verdict, asked: Asked, review: Review) -> _Objection | None:
    approval = asked.policy.approval
    if review.created_at >= approval.deadline(asked.request.created_at):
        waited = describe_duration(approval.timeout)
        return ReviewStanding.LATE, f"the time for approval ended {waited} after the request; it has to be made again"
    if review.decision is not ReviewDecision.APPROVE:
        return None
    if any(review.reviewer.is_same_person(other) for other in verdict.approvers):
        return ReviewStanding.DUPLICATE, "you approved this request before; another person has to approve as well"
    if not approval.has_room_for(verdict.approvers, review.reviewer):
        return ReviewStanding.NOT_NEEDED, _who_is_missing(verdict, asked, review)
    return None


def _who_is_missing(verdict: Verdict, asked: Asked, review: Review) -> str:
    approval = asked.policy.approval
    missing = [str(quorum) for quorum in approval.missing(verdict.approvers)]
    if approval.webhook is not None and verdict.answer is None:
        missing.append(f"webhook {approval.webhook}")
    is_asked = any(any_names(quorum.approvers, review.reviewer) for quorum in approval.quorums)
    why = "enough of your group approved" if is_asked else "you may deny and revoke; your approval isn't asked for"
    return f"{why}; still missing: {'; '.join(missing) or 'nobody'}"


def _was_approved_before(review: Review, approved_at: datetime | None) -> bool:
    """Tell whether all had approved by then. Who denies in the same second is heard: closed is the default."""
    if approved_at is None:
        return False
    return approved_at < review.created_at or review.decision is not ReviewDecision.DENY


def _to_the_reviewer(asked: Asked, review: Review) -> _Objection | None:
    request, policy = asked.request, asked.policy
    is_revoke = review.decision is ReviewDecision.REVOKE
    if not is_revoke and review.reviewer.is_same_person(request.requester):
        return ReviewStanding.SELF_REVIEW, "nobody approves or denies their own request; ask one of the approvers"
    is_given_up = is_revoke and review.reviewer.username == request.requester.username
    approvers = policy.approval.approvers
    if not is_given_up and not any_names(approvers, review.reviewer):
        who = ", ".join(map(str, approvers)) or "nobody"
        return ReviewStanding.NOT_ENTITLED, f"you may not decide; policy {policy.name} lets these people decide: {who}"
    return None
