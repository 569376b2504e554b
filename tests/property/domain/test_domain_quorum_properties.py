"""Invariant 5, several quorums: who is enough, who has room and what is missing, against every way to seat people."""

from collections.abc import Sequence
from itertools import product
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.review import ReviewStanding
from jitgress.domain.ruling import Awaiting, Permitted
from jitgress.domain.subject import Subject, SubjectKind
from tests.builders import a_policy, a_request, a_review, a_target, after, decided, group, user

PEOPLE: Final = tuple(
    Subject(name, frozenset(groups)) for name, groups in zip("stuvwx", ("a", "ab", "b", "bc", "c", "abc"), strict=True)
)
QUORUMS: Final = st.builds(
    Quorum,
    required=st.sampled_from([1, 1, 2]),
    approvers=st.sampled_from([(group("a"),), (group("b"),), (group("c"), user("t")), (group("a"), group("c"))]),
    name=st.sampled_from(["", "security"]),
)
APPROVALS: Final = st.builds(Approval, st.lists(QUORUMS, min_size=1, max_size=3).map(tuple))
CROWDS: Final = st.lists(st.sampled_from(PEOPLE), unique=True, max_size=6)


def may_sit(person: Subject, quorum: Quorum) -> bool:
    return any(
        ref.name == person.username if ref.kind is SubjectKind.USER else ref.name in person.groups
        for ref in quorum.approvers
    )


def most_seated(approval: Approval, people: Sequence[Subject]) -> int:
    """Try every way to give each person a quorum or none, and count those who have one of theirs."""
    places = range(-1, len(approval.quorums))
    best = 0
    for way in product(places, repeat=len(people)):
        seated = [(person, place) for person, place in zip(people, way, strict=True) if place >= 0]
        is_possible = all(may_sit(person, approval.quorums[place]) for person, place in seated) and all(
            [place for _, place in seated].count(index) <= quorum.required
            for index, quorum in enumerate(approval.quorums)
        )
        best = max(best, len(seated) if is_possible else 0)
    return best


def wanted(approval: Approval) -> int:
    return sum(quorum.required for quorum in approval.quorums)


@settings(max_examples=200)
@given(approval=APPROVALS, crowd=CROWDS)
def test_a_crowd_is_enough_if_there_is_a_way_to_seat_it(*, approval: Approval, crowd: list[Subject]) -> None:
    assert approval.is_reached(crowd) is (most_seated(approval, crowd) == wanted(approval))


@settings(max_examples=200)
@given(approval=APPROVALS, crowd=CROWDS, another=st.sampled_from(PEOPLE))
def test_there_is_room_for_who_brings_it_nearer(*, approval: Approval, crowd: list[Subject], another: Subject) -> None:
    others = [person for person in crowd if person != another]

    has_room = approval.has_room_for(others, another)

    assert has_room is (most_seated(approval, [*others, another]) > most_seated(approval, others))


@settings(max_examples=200)
@given(approval=APPROVALS, crowd=CROWDS)
def test_what_is_missing_is_what_no_way_to_seat_them_fills(*, approval: Approval, crowd: list[Subject]) -> None:
    missing = approval.missing(crowd)

    assert sum(quorum.required for quorum in missing) == wanted(approval) - most_seated(approval, crowd)
    assert all(quorum.required > 0 for quorum in missing)
    assert {(each.approvers, each.name) for each in missing} <= {
        (each.approvers, each.name) for each in approval.quorums
    }


@settings(max_examples=200)
@given(approval=APPROVALS, crowd=CROWDS)
def test_approvals_one_by_one_in_any_order_are_enough_if_all_together_are(
    *, approval: Approval, crowd: list[Subject]
) -> None:
    reviews = [a_review("Approve", who, at=after(number)) for number, who in enumerate(crowd)]

    decision = decided(a_target(), [a_policy(approval=approval)], a_request(), reviews, after(100))

    counted = [judged.review.reviewer for judged in decision.reviews if judged.standing is ReviewStanding.COUNTED]
    assert len(counted) == most_seated(approval, crowd)
    is_enough = len(counted) == wanted(approval)
    assert isinstance(decision.ruling, Permitted if is_enough else Awaiting)
    if isinstance(decision.ruling, Permitted):
        assert len(set(decision.ruling.approved_by)) == wanted(approval)
