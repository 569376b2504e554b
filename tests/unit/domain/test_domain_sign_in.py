"""A sign-in with a second factor, and lately: the claims that the identity provider made."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jitgress.domain.checks import AMR, AUTH_TIME
from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Policy
from jitgress.domain.ruling import Denied, Permitted
from jitgress.domain.subject import Subject
from jitgress.domain.terms import Mfa
from tests.builders import (
    ALICE,
    NOW,
    Condition,
    a_policy,
    a_request,
    a_target,
    after,
    an_approval,
    decided,
    minutes,
    workload,
)

STRONG = frozenset({"otp", "hwk"})


def epoch(at: datetime) -> str:
    return str(int(at.timestamp()))


def a_strict_policy(max_age: timedelta | None = None) -> Policy:
    return a_policy(approval=an_approval(automatic=True), mfa=Mfa(STRONG, max_age))


def signed_in(*claims: tuple[str, str], policy: Policy) -> DenialCode | None:
    """Return why alice can't get in with these claims, or None where she can."""
    alice = Subject("alice", frozenset({"dev"}), frozenset(claims))
    ruling = decided(a_target(), [policy], a_request(requester=alice)).ruling
    assert isinstance(ruling, (Permitted, Denied))
    return ruling.denial.code if isinstance(ruling, Denied) else None


@pytest.mark.parametrize(
    ("methods", "is_enough"),
    [(["otp"], True), (["pwd", "hwk"], True), (["pwd"], False), (["OTP"], False), ([""], False), ([], False)],
    ids=str,
)
def test_one_of_the_stated_methods_is_enough(methods: Iterable[str], *, is_enough: bool) -> None:
    code = signed_in(*((AMR, method) for method in methods), policy=a_strict_policy())

    assert code == (None if is_enough else DenialCode.MFA_MISSING)


def test_a_method_is_only_read_from_its_own_claim() -> None:
    assert signed_in(("amr", "otp"), (AUTH_TIME, "otp"), policy=a_strict_policy()) is DenialCode.MFA_MISSING


def test_a_policy_that_names_no_method_is_met_by_none() -> None:
    policy = a_policy(approval=an_approval(automatic=True), mfa=Mfa(frozenset()))

    assert signed_in((AMR, "otp"), policy=policy) is DenialCode.MFA_MISSING


@pytest.mark.parametrize(
    ("at", "is_fresh"),
    [
        (after(-600), True),
        (after(-601), False),
        (NOW, True),
        (after(60), True),
        (after(61), False),
    ],
    ids=["as old as may be", "too old", "now", "ahead by the leeway", "in the future"],
)
def test_a_sign_in_is_as_old_as_is_permitted_when_access_is_asked_for(at: datetime, *, is_fresh: bool) -> None:
    code = signed_in((AMR, "otp"), (AUTH_TIME, epoch(at)), policy=a_strict_policy(minutes(10)))

    assert code == (None if is_fresh else DenialCode.MFA_MISSING)


@pytest.mark.parametrize(
    "texts",
    [[], ["soon"], [""], [f"{epoch(NOW)}.0"], [epoch(NOW), epoch(after(-1))], ["-1"], ["9" * 12]],
    ids=["none", "word", "empty", "fraction", "two", "negative", "far too large"],
)
def test_a_time_of_sign_in_that_cannot_be_told_is_too_old(texts: list[str]) -> None:
    claims = [(AUTH_TIME, text) for text in texts]

    assert signed_in((AMR, "otp"), *claims, policy=a_strict_policy(minutes(10))) is DenialCode.MFA_MISSING
    assert signed_in((AMR, "otp"), *claims, policy=a_strict_policy()) is None


def test_what_is_wanted_is_told() -> None:
    alice = Subject("alice", frozenset({"dev"}), frozenset({(AMR, "otp")}))
    policy = a_strict_policy(minutes(10))

    reasons = decided(a_target(), [policy], a_request(requester=alice)).reasons

    assert reasons[-1] == "policy standard wants a sign-in no older than 10 min. Sign in anew, then ask again."


def test_a_grant_rests_on_the_claims_that_let_its_subject_in_and_on_no_other() -> None:
    """Others may be different at the next sign-in."""
    needed = {("repository", "acme/shop"), (AMR, "hwk")}
    subject = Subject("ci", claims=frozenset({*needed, (AMR, "pwd"), ("session", "1"), ("team", "shop")}))
    policy = a_policy(
        subjects=[workload(repository="acme/shop"), workload(repository="acme/other")],
        mfa=Mfa(frozenset({"hwk", "otp"})),
        approval=an_approval(automatic=True),
    )

    ruling = decided(a_target(), [policy], a_request(requester=subject)).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.claims == needed


def test_of_an_expression_nobody_knows_on_which_claims_it_rests() -> None:
    subject = replace(ALICE, claims=frozenset({("team", "shop"), ("session", "1")}))
    policy = a_policy(approval=an_approval(automatic=True), expression=Condition("any", lambda _: True))

    ruling = decided(a_target(), [policy], a_request(requester=subject)).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.claims == subject.claims
