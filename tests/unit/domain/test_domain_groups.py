"""Groups that changed since the request was made: nobody keeps what they got by one that they left."""

from typing import Final

import pytest

from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Effect, Policy
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, StopKind, Stopped
from jitgress.domain.subject import Subject
from tests.builders import (
    Condition,
    a_policy,
    a_request,
    a_review,
    a_target,
    after,
    an_approval,
    decided,
    group,
    user,
)

AUTOMATIC: Final = an_approval(automatic=True)
DEV: Final = a_policy(name="dev", approval=AUTOMATIC)
ALICE: Final = Subject("alice", frozenset({"dev", "oncall"}))


def now_in(*groups: str, policies: tuple[Policy, ...] = (DEV,)) -> Decision:
    """Return what is decided about alice of dev and oncall, who was seen in `groups` since."""
    return decided(a_target(), policies, a_request(requester=ALICE), [], after(60), groups_now=frozenset(groups))


def test_who_is_still_in_their_groups_keeps_what_they_have() -> None:
    assert isinstance(now_in("dev", "oncall").ruling, Permitted)


def test_who_was_not_seen_since_keeps_what_they_have() -> None:
    assert isinstance(decided(a_target(), [DEV], a_request(requester=ALICE), groups_now=None).ruling, Permitted)


def test_who_left_the_group_that_let_them_in_has_nothing_any_more() -> None:
    decision = now_in("oncall", "ops", "qa")

    assert isinstance(decision.ruling, Denied)
    assert decision.ruling.denial.code is DenialCode.GROUPS_CHANGED
    assert decision.policy == "dev"
    assert decision.reasons[-1] == (
        "the groups of alice have changed (left: dev; joined: ops, qa), so another policy decides now. Ask again."
    )


def test_who_left_all_groups_is_told_so() -> None:
    assert "(left: dev, oncall; joined: none)" in now_in().reasons[-1]


def test_who_joined_a_group_that_is_denied_has_nothing_any_more() -> None:
    leavers = a_policy(name="leavers", priority=1, subjects=[group("leavers")], effect=Effect.DENY)

    decision = now_in("dev", "oncall", "leavers", policies=(leavers, DEV))

    assert isinstance(decision.ruling, Denied)
    assert "(left: none; joined: leavers)" in decision.reasons[-1]


def test_who_joined_a_group_gets_nothing_by_it() -> None:
    admins = a_policy(name="admins", priority=1, subjects=[group("admins")], approval=AUTOMATIC)

    decision = now_in("dev", "oncall", "admins", policies=(admins, a_policy(name="dev")))

    assert isinstance(decision.ruling, Denied)
    assert decision.ruling.denial.code is DenialCode.GROUPS_CHANGED


@pytest.mark.parametrize("groups", [("dev",), ("dev", "ops")], ids=["left", "left and joined"])
def test_a_change_that_the_same_policy_decides_about_changes_nothing_by_itself(groups: tuple[str, ...]) -> None:
    assert isinstance(now_in(*groups).ruling, Permitted)


def test_who_left_the_group_that_need_not_be_approved_must_be_approved() -> None:
    on_call = Approval((Quorum(1, (group("approvers"),)),), automatic_while=Occasion(subjects=(group("oncall"),)))
    policy = a_policy(name="dev", approval=on_call)

    assert isinstance(now_in("dev", "oncall", policies=(policy,)).ruling, Permitted)
    assert isinstance(now_in("dev", policies=(policy,)).ruling, Awaiting)


def test_a_group_joined_since_does_not_do_away_with_an_approval() -> None:
    night_shift = Occasion(subjects=(group("night"),))
    policy = a_policy(name="dev", approval=Approval((Quorum(1, (group("approvers"),)),), automatic_while=night_shift))

    assert isinstance(now_in("dev", "oncall", "night", policies=(policy,)).ruling, Awaiting)


def test_an_expression_sees_only_the_groups_that_are_left() -> None:
    expression = Condition("oncall", lambda circumstances: "oncall" in circumstances.subject.groups)
    policy = a_policy(name="dev", approval=AUTOMATIC, expression=expression)

    assert isinstance(now_in("dev", "oncall", policies=(policy,)).ruling, Permitted)
    assert isinstance(now_in("dev", policies=(policy,)).ruling, Denied)


def test_a_revoke_is_told_before_changed_groups() -> None:
    revoke = a_review("Revoke")

    ruling = decided(
        a_target(),
        [a_policy(name="dev")],
        a_request(requester=ALICE),
        [revoke],
        after(60),
        groups_now=frozenset({"ops"}),
    ).ruling

    assert ruling == Stopped(StopKind.REVOKED, revoke)


def test_changed_groups_are_told_before_what_the_old_policy_denies() -> None:
    ruling = decided(a_target(), [DEV], a_request(requester=ALICE, reason=" "), groups_now=frozenset({"ops"})).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.GROUPS_CHANGED


def test_who_is_named_as_a_user_may_change_groups_as_they_like() -> None:
    policy = a_policy(name="dev", approval=AUTOMATIC, subjects=[user("alice")])

    assert isinstance(now_in(policies=(policy,)).ruling, Permitted)


def test_names_in_the_words_cannot_steer_a_terminal() -> None:
    requester = Subject("al\x1bice", frozenset({"d\x1bev"}))
    policy = a_policy(subjects=[group("d\x1bev")])

    reasons = decided(a_target(), [policy], a_request(requester=requester), groups_now=frozenset({"o\x1bps"})).reasons

    assert reasons[-1].startswith("the groups of al ice have changed (left: d ev; joined: o ps), so")
