"""How many grants may be open at a time: counted when one is about to open, and never against an open one."""

from datetime import timedelta
from typing import Any, Final

import pytest

from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Policy
from jitgress.domain.ruling import Awaiting, Decision, Denied, Permitted, Unexamined
from jitgress.domain.situation import Extended
from jitgress.domain.terms import Extensions, Limits
from tests.builders import NOW, a_grant, a_policy, a_request, a_target, after, an_approval, decided

BUSY: Final[dict[str, Any]] = {"open_of_subject": 9, "open_on_target": 9}


def limited(limits: Limits, **terms: Any) -> Policy:
    approval = terms.pop("approval", an_approval(automatic=True))
    return a_policy(approval=approval, limits=limits, **terms)


def is_denied(decision: Decision) -> bool:
    assert isinstance(decision.ruling, (Permitted, Denied))
    if isinstance(decision.ruling, Denied):
        assert decision.ruling.denial.code is DenialCode.LIMIT_REACHED
    return isinstance(decision.ruling, Denied)


@pytest.mark.parametrize("number", [0, 1, 2, 3], ids=str)
def test_as_many_may_be_open_as_the_policy_says(number: int) -> None:
    of_mine = decided(a_target(), [limited(Limits(per_subject=2))], open_of_subject=number, open_on_target=9)
    on_it = decided(a_target(), [limited(Limits(per_target=2))], open_on_target=number, open_of_subject=9)

    assert is_denied(of_mine) is (number >= 2)
    assert is_denied(on_it) is (number >= 2)


def test_without_a_limit_nothing_is_counted() -> None:
    assert not is_denied(decided(a_target(), [limited(Limits())], **BUSY))


def test_a_limit_that_is_reached_is_told_with_what_now() -> None:
    mine = decided(a_target(), [limited(Limits(per_subject=1))], open_of_subject=1).reasons[-1]
    its = decided(a_target(), [limited(Limits(per_target=1))], open_on_target=2).reasons[-1]

    now = "Wait until one ends, or give one back: jitgress withdraw."
    assert mine == f"you have 1 open grants, policy standard permits 1 at a time. {now}"
    assert its == f"target shop/orders has 2 open grants, policy standard permits 1 at a time. {now}"


def test_nothing_is_counted_against_what_is_open() -> None:
    assert not is_denied(decided(a_target(), [limited(Limits(1, 1))], is_opened=True, **BUSY))


def test_an_extension_takes_the_place_of_what_it_extends() -> None:
    policy = limited(Limits(1, 1), extensions=Extensions(2, timedelta(hours=2)))
    request = a_request(extends=a_grant().request)
    extended = Extended(a_grant(), is_over=False)

    alone = decided(a_target(), [policy], request, extended=extended, open_of_subject=1, open_on_target=1)
    beside = decided(a_target(), [policy], request, extended=extended, open_of_subject=2, open_on_target=1)
    beside_others = decided(a_target(), [policy], request, extended=extended, open_of_subject=1, open_on_target=2)

    assert [is_denied(each) for each in (alone, beside, beside_others)] == [False, True, True]


def test_it_is_counted_when_it_is_about_to_open_and_not_before() -> None:
    policy = limited(Limits(1), max_start_ahead=timedelta(days=1))
    booked = a_request(start_at=after(600))

    days_before, when_due, when_over = (
        decided(a_target(), [policy], booked, [], after(at), **BUSY) for at in (599, 600, 600 + 1800)
    )

    assert [is_denied(each) for each in (days_before, when_due, when_over)] == [False, True, False]


def test_while_it_waits_for_approval_nothing_is_counted() -> None:
    waiting = decided(a_target(), [limited(Limits(1, 1), approval=an_approval())], **BUSY)

    assert isinstance(waiting.ruling, Awaiting)


def test_while_its_target_is_examined_nothing_is_counted() -> None:
    examined = decided(a_target(readiness="unexamined"), [limited(Limits(1, 1))], **BUSY)

    assert isinstance(examined.ruling, Unexamined)


@pytest.mark.parametrize(
    ("limits", "is_limited"),
    [(Limits(), False), (Limits(per_day=1), False), (Limits(per_subject=1), True), (Limits(per_target=1), True)],
    ids=["none", "a day", "person", "target"],
)
def test_a_decision_says_whether_open_grants_were_counted(limits: Limits, *, is_limited: bool) -> None:
    assert decided(a_target(), [limited(limits)], a_request(), [], NOW).is_limited is is_limited


def test_a_decision_without_policy_counted_nothing() -> None:
    assert decided(None, [], a_request()).is_limited is False
