"""Why a request would be decided as it would."""

from typing import Any

import pytest

from jitgress.domain.denial import DenialCode
from jitgress.domain.explaining import Explanation, Outcome, Step, explain
from jitgress.domain.policy import Effect, Policy, TargetSelector
from jitgress.domain.request import Request
from jitgress.domain.situation import Situation
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import NotReady
from jitgress.domain.terms import Limits, Wording
from tests.builders import (
    ALICE,
    NOW,
    Words,
    a_glass,
    a_policy,
    a_request,
    a_review,
    a_target,
    after,
    an_approval,
    decided,
    group,
    minutes,
    user,
    workload,
)


def explained(*policies: Policy, request: Request | None = None, reviews: Any = (), **more: Any) -> Explanation:
    target, now = more.pop("target", a_target()), more.pop("now", NOW)
    return explain(target, policies, request or a_request(), reviews, situation=Situation(**more), now=now)


def codes(explanation: Explanation) -> list[DenialCode]:
    return [denial.code for denial in explanation.also]


def test_what_is_decided_is_what_the_operator_decides() -> None:
    policies = (a_policy(), a_policy(name="early", priority=1, approval=an_approval(automatic=True)))

    assert explained(*policies).decision == decided(a_target(), policies)


OUTCOMES = {
    Outcome.PERMITTED: (a_policy(approval=an_approval(automatic=True)), a_request()),
    Outcome.SCHEDULED: (
        a_policy(approval=an_approval(automatic=True), max_start_ahead=minutes(60)),
        a_request(start_at=after(60)),
    ),
    Outcome.AWAITING: (a_policy(), a_request()),
    Outcome.DENIED: (a_policy(), a_request(duration=minutes(61))),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_its_word(outcome: Outcome) -> None:
    policy, request = OUTCOMES[outcome]

    assert explained(policy, request=request).outcome is outcome


def test_what_was_not_approved_in_time_has_timed_out() -> None:
    assert explained(a_policy(), now=after(3600)).outcome is Outcome.TIMED_OUT


def test_what_somebody_ended_has_stopped() -> None:
    assert explained(a_policy(), reviews=[a_review("Revoke")]).outcome is Outcome.STOPPED


def test_a_target_that_nobody_looked_at_is_unexamined() -> None:
    automatic = a_policy(approval=an_approval(automatic=True))

    assert explained(automatic, target=a_target(readiness="unexamined")).outcome is Outcome.UNEXAMINED


def test_every_check_that_denies_is_told_behind_the_first() -> None:
    policy = a_policy(reason=Wording(Words("INC-9")), ticket=Wording(Words("CHG-1")), must_name_paths=True)

    explanation = explained(policy, request=a_request(duration=minutes(61)))

    assert explanation.decision.reasons[-1].startswith("the reason doesn't say")
    assert codes(explanation) == [
        DenialCode.TICKET_UNFIT,
        DenialCode.DURATION_OVER_CAP,
        DenialCode.PATHS_NOT_NAMED,
    ]


def test_nothing_is_told_behind_what_would_be_permitted() -> None:
    assert explained(a_policy(approval=an_approval(automatic=True))).also == ()


def test_one_open_grant_too_many_is_told_before_anybody_approved() -> None:
    explanation = explained(a_policy(limits=Limits(per_subject=1)), open_of_subject=1)

    assert explanation.outcome is Outcome.AWAITING
    assert codes(explanation) == [DenialCode.LIMIT_REACHED]


def test_a_malformed_path_is_told_once() -> None:
    explanation = explained(a_policy(), request=a_request(paths=["/a/../b"]))

    assert explanation.outcome is Outcome.DENIED
    assert explanation.also == ()


def test_a_policy_that_denies_has_no_terms_to_tell() -> None:
    denies = a_policy(effect=Effect.DENY, max_duration=minutes(0))

    explanation = explained(denies, target=a_target(readiness=NotReady("NoService", "its Service is missing")))

    assert codes(explanation) == [DenialCode.TARGET_NOT_READY]


def test_policies_are_walked_in_the_order_in_which_they_are_asked() -> None:
    policies = [
        a_policy(name="b"),
        a_policy(name="late", priority=200),
        a_policy(name="a"),
        a_policy(name="z", priority=1),
    ]

    walked = explained(*policies).walked

    assert [(each.policy.name, each.step) for each in walked] == [
        ("z", Step.DECIDES),
        ("a", Step.TOO_LATE),
        ("b", Step.TOO_LATE),
        ("late", Step.TOO_LATE),
    ]


WHY: dict[str, tuple[Policy, Step, str]] = {
    "matching": (a_policy(subjects=[group("ops"), group("dev")]), Step.DECIDES, "is for group dev"),
    "namespace": (
        a_policy(targets=TargetSelector(namespaces=frozenset({"prod"}))),
        Step.OTHER_TARGET,
        "namespace shop is not one of prod",
    ),
    "label": (
        a_policy(targets=TargetSelector(labels={"tier": "internal"})),
        Step.OTHER_TARGET,
        "the target lacks the labels tier=internal",
    ),
    "others": (
        a_policy(subjects=[user("a"), user("b"), user("c"), user("d")]),
        Step.OTHER_SUBJECT,
        "it is for user a, user b, user c and 1 more",
    ),
    "defect": (
        a_policy(subjects=[], defect="its field x is unknown"),
        Step.DECIDES,
        "it can't be understood, so it decides about everybody",
    ),
}


@pytest.mark.parametrize("case", WHY)
def test_each_policy_says_on_what_it_matches_or_does_not(case: str) -> None:
    policy, step, why = WHY[case]

    (walked,) = explained(policy).walked

    assert (walked.step, walked.why) == (step, why)


def with_claim(kind: SubjectKind, name: str) -> SubjectRef:
    return SubjectRef(kind, name, frozenset({("team", "shop")}))


NEAR: dict[str, tuple[SubjectRef, Subject, str]] = {
    "user-in-another-case": (user("Alice"), ALICE, "user Alice is written otherwise"),
    "group-in-another-case": (group("Dev"), ALICE, "group Dev is written otherwise"),
    "user-without-claim": (with_claim(SubjectKind.USER, "alice"), ALICE, "it wants the claim team=shop"),
    "group-without-claim": (
        with_claim(SubjectKind.GROUP, "dev"),
        ALICE,
        "it wants the claim team=shop beside group dev",
    ),
    "workload": (
        workload(repo="shop", ref="main"),
        Subject("ci", claims=frozenset({("repo", "shop")})),
        "it wants the claim ref=main",
    ),
}


@pytest.mark.parametrize("case", NEAR)
def test_who_is_nearly_meant_is_told_what_is_missing(case: str) -> None:
    ref, subject, why = NEAR[case]

    (walked,) = explained(a_policy(subjects=[ref]), request=a_request(requester=subject)).walked

    assert (walked.step, walked.why, walked.is_near) == (Step.OTHER_SUBJECT, why, True)


@pytest.mark.parametrize("ref", [user("bob"), group("ops"), workload(repo="shop")], ids=["user", "group", "workload"])
def test_who_is_not_meant_at_all_is_not_near(ref: SubjectRef) -> None:
    (walked,) = explained(a_policy(subjects=[ref])).walked

    assert not walked.is_near


def test_without_a_target_there_is_nothing_to_walk() -> None:
    explanation = explained(a_policy(), target=None)

    assert (explanation.walked, explanation.asked, explanation.outcome) == ((), None, Outcome.DENIED)


def test_overdue_reviews_are_told_of_broken_glass() -> None:
    policy = a_policy(break_glass=a_glass(locks_out=True))

    explanation = explained(policy, request=a_request(break_glass=True, duration=minutes(121)), overdue_reviews=2)

    assert codes(explanation) == [DenialCode.DURATION_OVER_CAP]
