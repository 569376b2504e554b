"""Several quorums: so many of these and so many of those, and nobody counts for two of them."""

from itertools import permutations
from typing import Final

import pytest

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.review import ReviewStanding
from jitgress.domain.ruling import Awaiting, Permitted
from jitgress.domain.subject import Subject
from tests.builders import a_policy, a_request, a_review, a_target, after, decided, group, user

SECURITY: Final = Quorum(1, (group("security"),), "security")
OWNER: Final = Quorum(1, (group("owners"), user("dora")), "owner")
BOTH: Final = a_policy(approval=Approval((SECURITY, OWNER)))

SAM: Final = Subject("sam", frozenset({"security"}))
SUE: Final = Subject("sue", frozenset({"security"}))
OLGA: Final = Subject("olga", frozenset({"owners"}))
DORA: Final = Subject("dora")
ZED: Final = Subject("zed", frozenset({"security", "owners"}))


def test_each_quorum_must_be_reached() -> None:
    reviews = [a_review("Approve", SAM), a_review("Approve", OLGA, at=after(90))]

    decision = decided(a_target(), [BOTH], a_request(), reviews, after(100))

    assert isinstance(decision.ruling, Permitted)
    assert decision.ruling.approved_by == ("sam", "olga")
    assert decision.ruling.window.not_before == after(90)


def test_two_of_one_group_do_not_stand_for_the_other() -> None:
    reviews = [a_review("Approve", SAM), a_review("Approve", SUE, at=after(90))]

    decision = decided(a_target(), [BOTH], a_request(), reviews, after(100))

    assert decision.ruling == Awaiting(required=2, approved_by=("sam",), missing=(OWNER,), until=after(3600))
    assert decision.reviews[1].standing is ReviewStanding.NOT_NEEDED
    assert decision.reviews[1].message == (
        "enough of your group approved; still missing: owner: group owners or user dora"
    )


def test_all_that_is_missing_is_told() -> None:
    approval = Approval((SECURITY, OWNER, Quorum(2, (user("eve"), user("dan")))), webhook="change")
    reviews = [a_review("Approve", SAM), a_review("Approve", SUE, at=after(90))]

    told = decided(a_target(), [a_policy(approval=approval)], a_request(), reviews, after(100)).reviews[1].message

    assert told == (
        "enough of your group approved; still missing: "
        "owner: group owners or user dora; user eve or user dan; webhook change"
    )


def test_who_is_in_both_groups_counts_once() -> None:
    ruling = decided(a_target(), [BOTH], a_request(), [a_review("Approve", ZED)], after(100)).ruling

    assert isinstance(ruling, Awaiting)
    assert ruling.approved_by == ("zed",)
    assert len(ruling.missing) == 1


@pytest.mark.parametrize("other", [SAM, OLGA, DORA], ids=["security", "owner by group", "owner by name"])
@pytest.mark.parametrize("comes_first", [True, False], ids=["first", "last"])
def test_who_is_in_both_groups_makes_room_for_either(other: Subject, *, comes_first: bool) -> None:
    people = (ZED, other) if comes_first else (other, ZED)
    reviews = [a_review("Approve", who, at=after(60 + at)) for at, who in enumerate(people)]

    assert isinstance(decided(a_target(), [BOTH], a_request(), reviews, after(100)).ruling, Permitted)


def test_a_chain_of_people_is_moved_to_make_room() -> None:
    a, b, c = (Quorum(1, (group(name),), name) for name in "abc")
    people = [Subject("ab", frozenset("ab")), Subject("bc", frozenset("bc")), Subject("a", frozenset("a"))]

    for order in permutations(people):
        approval = Approval((a, b, c))
        assert approval.is_reached(order)
        assert approval.has_room_for(order[:2], order[2])
        assert approval.missing(order) == ()


def test_what_is_missing_counts_down() -> None:
    approval = Approval((Quorum(3, (group("security"),), "security"), OWNER))

    assert approval.required == 4
    assert approval.missing([SAM]) == (Quorum(2, (group("security"),), "security"), OWNER)
    assert approval.missing([SAM, SUE, OLGA]) == (Quorum(1, (group("security"),), "security"),)
    assert not approval.is_reached([SAM, SUE, OLGA])


def test_a_denial_by_any_of_the_groups_is_one() -> None:
    decision = decided(a_target(), [BOTH], a_request(), [a_review("Deny", OLGA)], after(100))

    assert decision.reasons[-1].startswith("olga denied it")


def test_who_may_only_revoke_cannot_approve() -> None:
    policy = a_policy(approval=Approval((SECURITY,), others=(user("dora"),)))

    approved = decided(a_target(), [policy], a_request(), [a_review("Approve", DORA)], after(100))
    denied = decided(a_target(), [policy], a_request(), [a_review("Deny", DORA)], after(100))

    assert isinstance(approved.ruling, Awaiting)
    assert approved.reviews[0].standing is ReviewStanding.NOT_NEEDED
    assert denied.reasons[-1].startswith("dora denied it")


def test_everybody_who_may_decide_is_named_once_in_the_order_of_the_policy() -> None:
    approval = Approval((SECURITY, OWNER), others=(user("dora"), user("eve")))

    assert approval.approvers == (group("security"), group("owners"), user("dora"), user("eve"))


def test_who_could_bring_it_nearer_is_named_once() -> None:
    twice = Approval((Quorum(1, (group("security"), user("dora"))), OWNER))

    ruling = decided(a_target(), [a_policy(approval=twice)], a_request()).ruling

    assert isinstance(ruling, Awaiting)
    assert ruling.approvers == (group("security"), user("dora"), group("owners"))


def test_what_is_missing_is_told_with_the_names_of_its_groups() -> None:
    approval = Approval((Quorum(2, (group("security"),), "security"), Quorum(1, (group("owners"),))))

    reasons = decided(a_target(), [a_policy(approval=approval)], a_request()).reasons

    assert reasons[-1] == (
        "0 of 3 approvals, in time until 2026-01-01 11:00:00 UTC; "
        "to be asked: 2 of security: group security, group owners"
    )


@pytest.mark.parametrize(
    ("quorum", "words"),
    [
        (SECURITY, "security: group security"),
        (Quorum(1, (user("a"), user("b"))), "user a or user b"),
        (Quorum(1, ()), "nobody"),
        (Quorum(1, (), "owner"), "owner: nobody"),
    ],
    ids=["named", "without a name", "nobody", "named nobody"],
)
def test_a_quorum_is_told_by_its_people(quorum: Quorum, words: str) -> None:
    assert str(quorum) == words


def test_an_approval_that_asks_nobody_is_automatic() -> None:
    assert Approval(()).is_automatic
    assert not Approval((SECURITY,)).is_automatic
    assert not Approval((), webhook="change").is_automatic
