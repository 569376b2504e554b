"""The decision as a whole: what it is, and the words in which it is told."""

from dataclasses import replace

import pytest

from jitgress.domain.approval import Quorum
from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Policy, TargetSelector
from jitgress.domain.review import JudgedReview, Review, ReviewStanding
from jitgress.domain.ruling import Awaiting, Denied, Permitted, StopKind, Stopped, TimedOut, Unexamined
from jitgress.domain.subject import Subject
from jitgress.domain.target import Target
from jitgress.domain.window import Window
from tests.builders import (
    ALICE,
    CAROL,
    CHRIS,
    MALLORY,
    NOW,
    a_policy,
    a_request,
    a_review,
    a_target,
    a_window,
    after,
    an_approval,
    decided,
    group,
    minutes,
    user,
)

TARGET = a_target()
ONE, TWO = a_policy(), a_policy(approval=an_approval(2))
AUTOMATIC = a_policy(approval=an_approval(automatic=True))


def permitted(window: Window, *approved_by: str) -> Permitted:
    return Permitted(scope=TARGET.ceiling, window=window, approved_by=approved_by, since=window.not_before)


def test_an_approved_request_is_permitted_from_its_last_approval() -> None:
    reviews = [a_review(), a_review("Approve", CHRIS, at=after(90))]

    decision = decided(TARGET, [TWO], a_request(), reviews, after(100))

    assert decision.ruling == permitted(a_window(after(90)), "carol", "chris")
    assert decision.policy == "standard"
    assert [judged.review for judged in decision.reviews] == reviews


def test_an_automatic_policy_permits_from_the_request_on() -> None:
    decision = decided(TARGET, [AUTOMATIC], a_request(), [], after(100))

    assert decision.ruling == permitted(a_window())


def test_approved_in_time_stays_permitted_after_the_time_for_approval() -> None:
    assert isinstance(decided(TARGET, [ONE], a_request(), [a_review()], after(7200)).ruling, Permitted)


def test_a_missing_approval_is_awaited_until_the_second_before_the_deadline() -> None:
    awaiting = decided(TARGET, [TWO], a_request(), [a_review()], after(3599)).ruling

    assert awaiting == Awaiting(
        required=2, approved_by=("carol",), missing=(Quorum(1, (group("approvers"),)),), until=after(3600)
    )
    assert decided(TARGET, [TWO], a_request(), [a_review()], after(3600)).ruling == TimedOut(after(3600))


def test_a_denial_is_told_with_its_approver() -> None:
    ruling = decided(TARGET, [ONE], a_request(), [a_review("Deny")], after(60)).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.APPROVER_DENIED


def test_the_terms_are_told_before_an_approvers_denial() -> None:
    policy = a_policy(max_duration=minutes(1))
    ruling = decided(TARGET, [policy], a_request(), [a_review("Deny")], after(60)).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.DURATION_OVER_CAP


def test_a_revoke_comes_before_everything_else() -> None:
    policy = a_policy(max_duration=minutes(1))
    revoke = a_review("Revoke")

    assert decided(TARGET, [policy], a_request(), [revoke], after(60)).ruling == Stopped(StopKind.REVOKED, revoke)


def test_an_unexamined_target_tells_what_would_be_permitted() -> None:
    ruling = decided(a_target(readiness="unexamined"), [AUTOMATIC], a_request(), [], NOW).ruling

    assert ruling == Unexamined(permitted(a_window()))


@pytest.mark.parametrize("target", [None, a_target(name="billing")])
def test_without_target_no_review_counts(target: Target | None) -> None:
    decision = decided(target, [ONE], a_request(), [a_review(), a_review(request_uid="request-0")], after(60))

    assert decision.policy is None
    assert decision.reviews == (
        JudgedReview(
            a_review(), ReviewStanding.NO_POLICY, "no policy decides about this request, so nobody can review it"
        ),
    )


def test_without_policy_no_review_counts() -> None:
    decision = decided(TARGET, [], a_request(), [a_review()], after(60))

    assert decision.policy is None
    assert decision.reviews[0].standing is ReviewStanding.NO_POLICY


@pytest.mark.parametrize(
    ("policies", "reviews", "seconds", "expected"),
    [
        (
            [],
            [],
            0,
            (
                "no policy lets alice (groups: dev) reach shop/orders. "
                "Ask the platform team for a policy that names you or your group."
            ),
        ),
        (
            [ONE],
            [],
            0,
            "0 of 1 approvals, in time until 2026-01-01 11:00:00 UTC; to be asked: group approvers",
        ),
        ([TWO], [a_review()], 3600, "not enough people approved before 2026-01-01 11:00:00 UTC. Ask again."),
        ([ONE], [a_review()], 60, "permitted: GET, POST on /, approved by carol"),
        ([AUTOMATIC], [], 0, "permitted: GET, POST on /, approved by policy (automatic)"),
        ([ONE], [a_review("Deny")], 60, "carol denied it. Ask again once that is settled with carol."),
        (
            [ONE],
            [a_review("Deny", comment="not on a Friday!")],
            60,
            "carol denied it: not on a Friday! Ask again once that is settled with carol.",
        ),
        ([ONE], [a_review("Revoke")], 60, "revoked by carol"),
        ([ONE], [a_review("Revoke", ALICE, comment="done early")], 60, "withdrawn by alice: done early"),
        ([AUTOMATIC], [a_review("Revoke", ALICE)], 60, "withdrawn by alice"),
    ],
)
def test_the_last_reason_says_why_and_what_now(
    policies: list[Policy], reviews: list[Review], seconds: int, expected: str
) -> None:
    assert decided(TARGET, policies, a_request(), reviews, after(seconds)).reasons[-1] == expected


def test_the_first_reason_names_the_policy() -> None:
    assert decided(TARGET, [ONE], a_request(), [], NOW).reasons[0] == "policy standard decides (priority 100)"


def test_an_unexamined_target_is_told_in_words() -> None:
    reasons = decided(a_target(readiness="unexamined"), [AUTOMATIC], a_request(), [], NOW).reasons

    assert reasons[-1] == "the target is new or was changed and is being examined; this takes a moment"


def test_a_missing_target_is_told_with_where_to_look() -> None:
    decision = decided(None, [ONE], a_request(target="nothing"), [], NOW)

    assert decision.reasons == (
        "there is no target nothing in namespace shop. See what there is with: kubectl get accesstargets -n shop.",
    )


def test_groups_are_told_sorted_or_as_none() -> None:
    nobody = decided(TARGET, [], a_request(requester=MALLORY), [], NOW).reasons[-1]
    many = decided(TARGET, [], a_request(requester=Subject("zoe", frozenset({"b", "a"}))), [], NOW).reasons[-1]

    assert nobody.startswith("no policy lets mallory (groups: none) reach")
    assert many.startswith("no policy lets zoe (groups: a, b) reach")


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (TargetSelector(), False),
        (TargetSelector(namespaces=frozenset({"shop", "bank"})), True),
        (TargetSelector(namespaces=frozenset({"bank"})), False),
        (TargetSelector(names=frozenset({"orders"})), True),
        (TargetSelector(names=frozenset({"billing"})), False),
        (TargetSelector(labels={"tier": "web"}), True),
        (TargetSelector(labels={"tier": "db"}), False),
        (TargetSelector(labels={"tier": "web", "zone": "a"}), False),
        (TargetSelector(frozenset({"shop"}), frozenset({"orders"}), {"tier": "web"}), True),
        (TargetSelector(frozenset({"bank"}), frozenset({"orders"}), {"tier": "web"}), False),
        (TargetSelector(frozenset({"shop"}), frozenset({"billing"}), {"tier": "web"}), False),
        (TargetSelector(frozenset({"shop"}), frozenset({"orders"}), {"tier": "db"}), False),
    ],
)
def test_everything_that_a_selector_states_must_hold(selector: TargetSelector, *, matches: bool) -> None:
    assert selector.matches(a_target(labels={"tier": "web", "app": "orders"})) is matches


def test_a_policy_needs_both_its_subject_and_its_target() -> None:
    assert ONE.matches(ALICE, TARGET)
    assert not ONE.matches(CAROL, TARGET)
    assert not ONE.matches(ALICE, a_target(namespace="bank"))


def test_a_request_is_for_its_own_namespace() -> None:
    assert a_request().asks_for(TARGET.ref)
    assert a_request().asks_for(replace(TARGET.ref, uid="made again"))
    assert not a_request().asks_for(replace(TARGET.ref, namespace="bank"))
    assert not a_request().asks_for(replace(TARGET.ref, name="billing"))


def test_several_people_are_told_as_a_list() -> None:
    policy = a_policy(approval=an_approval(2, user("carol"), user("chris")))
    both = [a_review(), a_review("Approve", CHRIS)]

    assert decided(TARGET, [policy], a_request(), [], NOW).reasons[-1].endswith("to be asked: user carol or user chris")
    assert decided(TARGET, [policy], a_request(), both, after(60)).reasons[-1].endswith("approved by carol, chris")
