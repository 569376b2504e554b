"""Conditions look at what would be given: nothing is hidden by leaving a field out, extending, or beginning later."""

from dataclasses import replace
from typing import Final

import pytest

from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.expression import Circumstances
from jitgress.domain.review import Narrowing
from jitgress.domain.ruling import Awaiting, Denied, Permitted
from jitgress.domain.situation import Extended
from jitgress.domain.terms import Extensions
from tests.builders import (
    Condition,
    a_glass,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_scope,
    a_target,
    a_window,
    after,
    an_approval,
    decided,
    group,
    minutes,
)

AUTOMATIC: Final = an_approval(automatic=True)
TARGET: Final = a_target(ceiling=a_scope("/api", "/admin"))
SHORT: Final = Condition("short", lambda found: found.duration <= minutes(15))
READS_THE_API: Final = Condition("reads", lambda found: found.scope.within(a_scope("/api", methods=["GET"])))


@pytest.mark.parametrize("condition", [SHORT, READS_THE_API], ids=["how long", "what"])
def test_a_field_that_is_left_out_is_what_would_be_given(condition: Condition) -> None:
    policy = a_policy(approval=AUTOMATIC, expression=condition)

    assert isinstance(decided(TARGET, [policy], a_request(duration=None)).ruling, Denied)


def test_a_condition_on_what_is_left_to_the_policy_holds_where_that_is_little() -> None:
    policy = a_policy(approval=AUTOMATIC, expression=SHORT, default_duration=minutes(15))

    assert isinstance(decided(TARGET, [policy], a_request(duration=None)).ruling, Permitted)


def test_an_occasion_for_short_access_is_none_for_a_long_extension() -> None:
    approval = Approval((Quorum(1, (group("approvers"),)),), automatic_while=Occasion(expression=SHORT))
    first = a_grant(request=a_request(uid="first"), window=a_window(duration=minutes(60)))
    request = a_request(duration=minutes(1), extends=first.request)
    policy = a_policy(approval=approval, extensions=Extensions(1, minutes(120)))

    ruling = decided(a_target(), [policy], request, extended=Extended(first, is_over=False)).ruling

    assert isinstance(ruling, Awaiting)


def test_an_occasion_on_a_scope_that_cannot_be_read_is_none() -> None:
    approval = Approval((Quorum(1, (group("approvers"),)),), automatic_while=Occasion(expression=SHORT))

    ruling = decided(a_target(), [a_policy(approval=approval)], a_request(paths=["/*"], duration=minutes(1))).ruling

    assert isinstance(ruling, Denied)


def test_an_occasion_for_nothing_that_is_permitted_is_none() -> None:
    approval = Approval((Quorum(1, (group("approvers"),)),), automatic_while=Occasion(expression=SHORT))
    policy = a_policy(approval=approval, ceiling=a_scope("/elsewhere"))

    assert isinstance(decided(TARGET, [policy], a_request(duration=minutes(1))).ruling, Denied)


def by_ten_past(found: Circumstances) -> bool:
    return found.opens_at < after(600)


@pytest.mark.parametrize(
    ("approved_at", "narrowing", "is_permitted"),
    [(300, None, True), (900, None, False), (300, Narrowing(start_at=after(900)), False)],
    ids=["in time", "approved too late", "moved too far"],
)
def test_a_condition_is_asked_again_of_the_time_at_which_access_begins(
    approved_at: int, narrowing: Narrowing | None, *, is_permitted: bool
) -> None:
    policy = a_policy(expression=Condition("early", by_ten_past), max_start_ahead=minutes(60))
    review = a_review(at=after(approved_at), narrowing=narrowing)

    ruling = decided(a_target(), [policy], a_request(), [review], after(approved_at)).ruling

    assert isinstance(ruling, Permitted if is_permitted else Denied)


def test_whoever_asks_again_in_another_spelling_reviews_nothing_of_their_own() -> None:
    policy = a_policy(break_glass=a_glass())
    request = a_request(break_glass=True)
    other_spelling = replace(request.requester, username="Alice\ufe0f", groups=frozenset({"approvers"}))

    decision = decided(a_target(), [policy], request, [a_review("Revoke", other_spelling)], after(60))

    assert decision.reviewed is None
    assert decision.reviews[0].counts, "it ends all the same"


def test_a_review_afterwards_narrows_nothing() -> None:
    policy = a_policy(break_glass=a_glass())
    review = a_review(narrowing=Narrowing(duration=minutes(1)))

    decision = decided(a_target(), [policy], a_request(break_glass=True), [review], after(60))

    assert decision.reviewed is None
    assert not decision.reviews[0].counts


def test_somebody_who_may_only_deny_is_told_so() -> None:
    approval = Approval((Quorum(1, (group("security"),)),), others=(group("approvers"),))

    decision = decided(a_target(), [a_policy(approval=approval)], a_request(), [a_review()], after(60))

    assert decision.reviews[0].message.startswith("you may deny and revoke; your approval isn't asked for")
