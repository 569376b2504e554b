"""Whom to ask about a request: the webhook of the policy that decides, as long as its answer is what is waited for."""

from dataclasses import replace

import pytest

from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.approval import Approval
from jitgress.domain.event import Event
from jitgress.domain.policy import Policy
from jitgress.operator.questions import Question
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.question import question_of
from tests.builders import a_policy, a_request, a_review, a_situation, a_target, after, an_approval, minutes
from tests.unit.operator.questions import a_question
from tests.unit.operator.request_facts import settled, some_facts

APPROVED = Answer("change", AnswerVerdict.APPROVE, after(30))


def with_webhook(approval: Approval | None = None) -> Policy:
    """Return a policy that wants the approval of `change` as well."""
    return a_policy(approval=replace(approval or an_approval(), webhook="change"))


def asked(facts: Facts, seconds: float = 60) -> Question | None:
    """Return the question once what happened so far is recorded."""
    recorded, _ = settled(facts, after(seconds))
    return question_of(recorded, after(seconds))


def test_the_webhook_is_asked_while_its_answer_is_missing() -> None:
    assert asked(some_facts(policies=[with_webhook()])) == a_question()


def test_it_is_asked_at_the_same_time_as_people_and_still_once_they_approved() -> None:
    facts = some_facts(a_review(), policies=[with_webhook()])

    assert asked(facts) == a_question()


def test_where_nobody_else_need_approve_the_webhook_alone_is_asked() -> None:
    alone = Approval(quorums=(), timeout=minutes(30), webhook="change")

    assert asked(some_facts(policies=[a_policy(approval=alone)])) == a_question(until=after(1800))


def test_without_a_webhook_nobody_is_asked() -> None:
    assert asked(some_facts()) is None


def test_who_has_answered_is_not_asked_again() -> None:
    facts = replace(some_facts(policies=[with_webhook()]), situation=a_situation(answers=(APPROVED,)))

    assert asked(facts) is None


def test_an_answer_of_another_webhook_is_none_of_this_one() -> None:
    other = replace(APPROVED, webhook="other")
    facts = replace(some_facts(policies=[with_webhook()]), situation=a_situation(answers=(other,)))

    assert asked(facts) == a_question()


@pytest.mark.parametrize("decision", ["Deny", "Revoke"])
def test_a_request_that_was_ended_is_not_asked_about(decision: str) -> None:
    assert asked(some_facts(a_review(decision), policies=[with_webhook()])) is None


def test_a_request_that_policy_denies_is_not_asked_about() -> None:
    facts = replace(some_facts(policies=[with_webhook()]), request=a_request(duration=minutes(600)))

    assert asked(facts) is None


def test_from_the_deadline_on_nobody_is_asked() -> None:
    facts = some_facts(policies=[with_webhook()])

    assert asked(facts, 3599.999) == a_question()
    assert asked(facts, 3600) is None


def test_nobody_outside_hears_of_a_request_before_it_is_in_the_ledger() -> None:
    facts = some_facts(policies=[with_webhook()])

    assert question_of(facts, after(60)) is None


def test_a_target_that_is_gone_is_not_asked_about() -> None:
    facts = replace(some_facts(policies=[with_webhook()]), target=None)

    assert asked(facts) is None


def test_the_question_is_about_the_target_as_it_is() -> None:
    moved = a_target(host="moved.example.test")

    question = asked(some_facts(policies=[with_webhook()], target=moved))

    assert question is not None
    assert question.target == moved


def test_what_is_asked_survives_a_restart() -> None:
    """The same facts, read anew, make the same question."""
    recorded: tuple[Event, ...] = settled(some_facts(policies=[with_webhook()]), after(60))[0].history
    again = replace(some_facts(policies=[with_webhook()]), history=recorded)

    assert question_of(again, after(90)) == a_question()
