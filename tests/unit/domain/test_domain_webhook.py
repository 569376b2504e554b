"""What an external approval system says, beside or instead of people."""

from typing import Final

import pytest

from jitgress.domain.answer import Answer
from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Policy
from jitgress.domain.review import Review
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, TimedOut
from tests.builders import (
    CAROL,
    CHRIS,
    NOW,
    a_policy,
    a_request,
    a_review,
    a_target,
    a_window,
    after,
    an_answer,
    decided,
    group,
    minutes,
)

ALONE: Final = a_policy(approval=Approval((), webhook="change"))
CAROLS_GROUP: Final = Quorum(1, (group("approvers"),))
WITH_PEOPLE: Final = a_policy(approval=Approval((CAROLS_GROUP,), webhook="change"))


def answered(policy: Policy, *answers: Answer, reviews: tuple[Review, ...] = (), seconds: float = 100) -> Decision:
    return decided(a_target(), [policy], a_request(), reviews, after(seconds), answers=answers)


def test_an_answer_alone_is_enough_where_nobody_else_is_asked() -> None:
    ruling = answered(ALONE, an_answer(at=after(70))).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window == a_window(after(70))
    assert ruling.approved_by == ()


def test_without_its_answer_the_system_is_awaited() -> None:
    decision = answered(ALONE)

    assert decision.ruling == Awaiting(required=0, approved_by=(), missing=(), webhook="change", until=after(3600))
    assert decision.reasons[-1] == (
        "0 of 0 approvals, in time until 2026-01-01 11:00:00 UTC; to be asked: webhook change"
    )


def test_once_it_approved_only_people_are_awaited() -> None:
    ruling = answered(WITH_PEOPLE, an_answer()).ruling

    assert isinstance(ruling, Awaiting)
    assert ruling.webhook is None
    assert ruling.missing == (CAROLS_GROUP,)


def test_once_people_approved_only_the_system_is_awaited() -> None:
    decision = answered(WITH_PEOPLE, reviews=(a_review(),))

    assert isinstance(decision.ruling, Awaiting)
    assert (decision.ruling.webhook, decision.ruling.missing) == ("change", ())
    assert decision.reasons[-1].endswith("to be asked: webhook change")


@pytest.mark.parametrize(
    ("answers", "missing"), [((), "webhook change"), ((an_answer("Deny"),), "nobody")], ids=["awaited", "denied"]
)
def test_who_approves_beside_enough_others_is_told_what_is_missing(answers: tuple[Answer, ...], missing: str) -> None:
    reviews = (a_review(), a_review("Approve", CHRIS, at=after(90)))

    told = answered(WITH_PEOPLE, *answers, reviews=reviews).reviews[1].message

    assert told == f"enough of your group approved; still missing: {missing}"


def test_people_and_the_system_are_awaited_together() -> None:
    assert answered(WITH_PEOPLE).reasons[-1].endswith("to be asked: group approvers, webhook change")


@pytest.mark.parametrize(("answered_at", "reviewed_at"), [(60, 90), (90, 60)], ids=["people last", "system last"])
def test_the_window_begins_with_the_last_of_both(answered_at: int, reviewed_at: int) -> None:
    ruling = answered(WITH_PEOPLE, an_answer(at=after(answered_at)), reviews=(a_review(at=after(reviewed_at)),)).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window == a_window(after(90))


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("frozen\nuntil Monday", "webhook change denied it: frozen until Monday. "),
        ("", "webhook change denied it. "),
    ],
    ids=["with a comment", "without"],
)
def test_a_system_that_denies_is_told_as_it_said(comment: str, text: str) -> None:
    decision = answered(WITH_PEOPLE, an_answer("Deny", comment=comment), reviews=(a_review(),))

    assert isinstance(decision.ruling, Denied)
    assert decision.ruling.denial.code is DenialCode.APPROVER_DENIED
    assert decision.reasons[-1] == f"{text}Ask again once that is settled with webhook change."


def test_a_person_who_denies_is_told_before_the_system() -> None:
    decision = answered(WITH_PEOPLE, an_answer("Deny"), reviews=(a_review("Deny"),))

    assert decision.reasons[-1].startswith("carol denied it")


@pytest.mark.parametrize("verdict", ["Approve", "Deny"])
def test_an_answer_at_the_time_out_or_later_counts_for_nothing(verdict: str) -> None:
    just_in_time = answered(ALONE, an_answer(verdict, at=after(3599)), seconds=3600).ruling
    too_late = answered(ALONE, an_answer(verdict, at=after(3600)), seconds=3600).ruling

    assert isinstance(just_in_time, (Permitted, Denied))
    assert too_late == TimedOut(after(3600))


def test_only_the_system_that_the_policy_names_is_listened_to() -> None:
    assert isinstance(answered(ALONE, an_answer(webhook="other")).ruling, Awaiting)
    assert isinstance(answered(ALONE, an_answer("Deny", webhook="other"), an_answer()).ruling, Permitted)


def test_the_first_answer_stands() -> None:
    assert isinstance(answered(ALONE, an_answer(), an_answer("Deny", at=after(61))).ruling, Permitted)
    assert isinstance(answered(ALONE, an_answer("Deny"), an_answer(at=after(61))).ruling, Denied)


def test_the_end_that_the_system_gave_bounds_the_window() -> None:
    ruling = answered(ALONE, an_answer(not_after=after(600))).ruling
    later = answered(ALONE, an_answer(not_after=after(99_999))).ruling

    assert isinstance(ruling, Permitted)
    assert isinstance(later, Permitted)
    assert ruling.window == a_window(after(60), minutes(9))
    assert later.window == a_window(after(60))


def test_an_end_that_had_passed_leaves_nothing() -> None:
    ruling = answered(ALONE, an_answer(not_after=after(60))).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.WINDOW_EMPTY
    assert str(ruling.denial) == "its end had passed before it could begin. Ask again, and earlier."


def test_an_automatic_policy_listens_to_no_system() -> None:
    automatic = a_policy(approval=Approval(()))

    ruling = answered(automatic, an_answer("Deny"), an_answer(not_after=after(61))).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window == a_window(NOW)


@pytest.mark.parametrize("seconds", [80, 90], ids=["before the answer", "in its second"])
def test_who_denied_before_all_had_approved_is_heard(seconds: int) -> None:
    reviews = (a_review("Approve", CAROL, at=after(60)), a_review("Deny", CHRIS, at=after(seconds)))

    ruling = answered(WITH_PEOPLE, an_answer(at=after(90)), reviews=reviews).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.APPROVER_DENIED


def test_who_denies_once_all_have_approved_is_told_to_revoke() -> None:
    reviews = (a_review("Approve", CAROL, at=after(60)), a_review("Deny", CHRIS, at=after(91)))

    decision = answered(WITH_PEOPLE, an_answer(at=after(90)), reviews=reviews)

    assert isinstance(decision.ruling, Permitted)
    assert decision.reviews[1].message == "the request is approved already; revoke it to end it"
