"""Invariant 5 over time: what the ledger ignored as not entitled stays ignored, whatever the policy says later."""

from dataclasses import replace

from jitgress.domain.course import Open, Wait
from jitgress.domain.policy import Policy, PolicyList
from jitgress.domain.review import Review
from jitgress.operator.requests.decide import next_plan, with_recorded
from jitgress.operator.requests.facts import Facts
from tests.builders import MALLORY, a_policy, a_review, after, an_approval, user
from tests.unit.operator.request_facts import some_facts

PLANTED = a_review("Approve", MALLORY)
FOR_MALLORY = a_policy(approval=an_approval(1, user("mallory")))


def facts(policy: Policy, *reviews: Review) -> Facts:
    return some_facts(*reviews, policies=[policy])


def test_an_approval_that_was_ignored_opens_nothing_after_its_author_is_entitled() -> None:
    before = facts(a_policy(), PLANTED)
    seen = with_recorded(before, next_plan(before, after(61)).events)

    assert isinstance(next_plan(replace(seen, policies=PolicyList((FOR_MALLORY,))), after(62)).course, Wait)


def test_a_new_approval_by_the_same_person_does() -> None:
    before = facts(a_policy(), PLANTED)
    seen = with_recorded(before, next_plan(before, after(61)).events)
    anew = a_review("Approve", MALLORY, uid="2", at=after(62))
    again = replace(seen, policies=PolicyList((FOR_MALLORY,)), reviews=(PLANTED, anew))

    assert isinstance(next_plan(again, after(63)).course, Open)


def test_an_approval_that_counted_from_the_first_look_opens() -> None:
    assert isinstance(next_plan(facts(FOR_MALLORY, PLANTED), after(61)).course, Open)
