"""How reviews count: their order, ties within a second, and what each author is told."""

from dataclasses import replace
from itertools import permutations
from typing import Final

import pytest

from jitgress.domain.asked import Asked
from jitgress.domain.judging import Verdict, judge
from jitgress.domain.policy import Policy
from jitgress.domain.review import Review, ReviewStanding
from jitgress.domain.ruling import StopKind
from jitgress.domain.subject import Subject
from tests.builders import (
    ALICE,
    BOB,
    CHRIS,
    NOW,
    a_policy,
    a_request,
    a_review,
    a_situation,
    a_target,
    after,
    an_approval,
    minutes,
    user,
)

TWO: Final = a_policy(approval=an_approval(2))
ONE: Final = a_policy()
AUTOMATIC: Final = a_policy(approval=an_approval(0, user("carol"), automatic=True))
COUNTED, NOT_NEEDED = ReviewStanding.COUNTED, ReviewStanding.NOT_NEEDED


def judged(policy: Policy, *reviews: Review, is_opened: bool = False) -> Verdict:
    """Judge in every order of arrival: the answer must be one."""
    asked = Asked(a_request(), a_target(), policy, a_situation(is_opened=is_opened))
    verdicts = {repr(judge(asked, order)) for order in permutations(reviews)}
    assert len(verdicts) == 1
    return judge(asked, reviews)


def standings(verdict: Verdict) -> list[tuple[str, str]]:
    return [(each.review.uid, each.standing.value) for each in verdict.judged]


def test_two_approvals_by_two_people_are_enough_at_the_second_one() -> None:
    verdict = judged(TWO, a_review(), a_review("Approve", CHRIS, at=after(90)))

    assert verdict.approved_by == ("carol", "chris")
    assert verdict.approved_at == after(90)


def test_an_automatic_policy_approves_at_the_time_of_the_request() -> None:
    assert judged(AUTOMATIC).approved_at == NOW


def test_no_review_approves_nothing() -> None:
    assert judged(ONE) == Verdict()


def test_reviews_of_another_request_are_not_looked_at() -> None:
    assert judged(ONE, a_review(request_uid="request-0")) == Verdict()


@pytest.mark.parametrize(
    ("policy", "reviews", "expected"),
    [
        (ONE, [a_review("Deny", CHRIS), a_review()], [("chris-deny", "Counted"), ("carol-approve", "NotNeeded")]),
        (ONE, [a_review("Revoke", CHRIS), a_review()], [("chris-revoke", "Counted"), ("carol-approve", "NotNeeded")]),
        (
            ONE,
            [a_review("Revoke", CHRIS), a_review("Deny")],
            [("chris-revoke", "Counted"), ("carol-deny", "NotNeeded")],
        ),
        (ONE, [a_review("Revoke", ALICE), a_review()], [("alice-revoke", "Counted"), ("carol-approve", "NotNeeded")]),
        (TWO, [a_review(uid="2"), a_review("Approve", CHRIS, uid="1")], [("1", "Counted"), ("2", "Counted")]),
        (TWO, [a_review(uid="2"), a_review(uid="1")], [("1", "Counted"), ("2", "Duplicate")]),
        (ONE, [a_review(uid="2"), a_review("Approve", CHRIS, uid="1")], [("1", "Counted"), ("2", "NotNeeded")]),
    ],
)
def test_of_reviews_in_one_second_the_one_that_closes_goes_first(
    policy: Policy, reviews: list[Review], expected: list[tuple[str, str]]
) -> None:
    verdict = judged(policy, *reviews)

    assert standings(verdict) == expected
    if expected[0][0].endswith(("deny", "revoke")):
        assert verdict.approved_at is None
        assert verdict.denied_by or verdict.stopped


@pytest.mark.parametrize(
    ("policy", "reviews", "standing", "message"),
    [
        (ONE, [a_review("Approve", ALICE)], "SelfReview", "nobody approves or denies their own request; "),
        (ONE, [a_review("Deny", ALICE)], "SelfReview", "nobody approves or denies their own request; "),
        (ONE, [a_review("Approve", BOB)], "NotEntitled", "you may not decide; policy standard lets these "),
        (ONE, [a_review("Deny", BOB)], "NotEntitled", "you may not decide; policy standard lets these "),
        (ONE, [a_review("Revoke", BOB)], "NotEntitled", "you may not decide; policy standard lets these "),
        (ONE, [replace(a_review(), is_barred=True)], "NotEntitled", "it did not count when you approved; "),
        (ONE, [a_review(at=after(3600))], "Late", "the time for approval ended 1 h after the request; it has to "),
        (ONE, [a_review("Deny", at=after(3600))], "Late", "the time for approval ended 1 h after the request; "),
        (TWO, [a_review(), a_review(at=after(61), uid="2")], "Duplicate", "you approved this request before; "),
        (ONE, [a_review(), a_review("Deny", CHRIS, at=after(61))], "NotNeeded", "the request is approved already; "),
        (ONE, [a_review(), a_review("Approve", CHRIS, at=after(61))], "NotNeeded", "the request is approved already"),
        (AUTOMATIC, [a_review("Deny")], "NotNeeded", "the request is approved already; revoke it to end it"),
        (ONE, [a_review("Deny"), a_review(at=after(61))], "NotNeeded", "the request was ended by an earlier review"),
        (ONE, [a_review("Revoke"), a_review("Revoke", ALICE, at=after(61))], "NotNeeded", "the request was ended by"),
        (ONE, [a_review(at=after(3599))], "Counted", "counted"),
    ],
)
def test_each_review_is_told_how_it_stands(policy: Policy, reviews: list[Review], standing: str, message: str) -> None:
    last = judged(policy, *reviews).judged[-1]

    assert last.standing.value == standing
    assert last.counts is (standing == "Counted")
    assert last.message.startswith(message)


def test_who_may_decide_is_told_to_those_who_may_not() -> None:
    policy = a_policy(approval=an_approval(1, user("carol"), user("chris")))

    told = judged(policy, a_review("Approve", BOB)).judged[0].message
    told_of_nobody = judged(a_policy(approval=an_approval(automatic=True)), a_review("Revoke", BOB)).judged[0].message

    assert told == "you may not decide; policy standard lets these people decide: user carol, user chris"
    assert told_of_nobody == "you may not decide; policy standard lets these people decide: nobody"


@pytest.mark.parametrize(
    ("reviews", "is_opened", "kind"),
    [
        ([a_review("Revoke", ALICE)], False, StopKind.WITHDRAWN),
        ([a_review(), a_review("Revoke", ALICE, at=after(61))], False, StopKind.WITHDRAWN),
        ([a_review(), a_review("Revoke", ALICE, at=after(61))], True, StopKind.GIVEN_BACK),
        ([a_review("Revoke")], False, StopKind.REVOKED),
        ([a_review(), a_review("Revoke", CHRIS, at=after(61))], True, StopKind.REVOKED),
    ],
)
def test_a_revoke_is_named_for_who_made_it_and_when(reviews: list[Review], kind: StopKind, *, is_opened: bool) -> None:
    stopped = judged(ONE, *reviews, is_opened=is_opened).stopped

    assert stopped is not None
    assert stopped.kind is kind
    assert stopped.review is reviews[-1]


def test_a_revoke_may_come_after_the_time_for_approval() -> None:
    verdict = judged(ONE, a_review(), a_review("Revoke", CHRIS, at=after(7200)))

    assert verdict.stopped is not None
    assert verdict.approved_by == ("carol",)
    assert verdict.approved_at == after(60)


def test_a_revoke_keeps_what_was_approved_for_the_record() -> None:
    verdict = judged(TWO, a_review(), a_review("Revoke", CHRIS, at=after(61)))

    assert verdict.approved_by == ("carol",)
    assert verdict.approved_at is None


def test_a_denial_after_one_of_two_approvals_ends_it() -> None:
    verdict = judged(TWO, a_review(), a_review("Deny", CHRIS, at=after(61)))

    assert verdict.denied_by is not None
    assert verdict.approved_by == ("carol",)
    assert verdict.approved_at is None


def test_an_objection_changes_nothing_of_what_was_approved() -> None:
    mallory = Subject("mallory")
    verdict = judged(ONE, a_review(), a_review("Revoke", mallory, at=after(61)))

    assert verdict.approved_at == after(60)
    assert verdict.approved_by == ("carol",)
    assert verdict.stopped is None


def test_an_objection_keeps_an_earlier_denial() -> None:
    verdict = judged(ONE, a_review("Deny"), a_review("Approve", CHRIS, at=after(61)))

    assert verdict.denied_by == a_review("Deny")


def test_the_time_for_approval_is_the_policys() -> None:
    policy = a_policy(approval=an_approval(timeout=minutes(90)))

    assert judged(policy, a_review(at=after(5399))).approved_at == after(5399)
    assert "1 h 30 min" in judged(policy, a_review(at=after(5400))).judged[0].message
