"""When nobody need be asked, and how long access lasts when nobody says."""

from datetime import timedelta
from typing import Final

import pytest

from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.ruling import Awaiting, Permitted
from tests.builders import (
    ALICE,
    NOW,
    Condition,
    a_glass,
    a_policy,
    a_request,
    a_review,
    a_schedule,
    a_target,
    a_window,
    after,
    an_answer,
    an_approval,
    decided,
    group,
    minutes,
    user,
)

TRUE: Final = Condition("true", lambda _: True)
FALSE: Final = Condition("false", lambda _: False)
NIGHT: Final = a_schedule("22:00", "06:00")


def fail(_: Circumstances) -> bool:
    raise InvalidValueError("no such claim")


BROKEN: Final = Condition("broken", fail)


def automatic_while(occasion: Occasion) -> Policy:
    return a_policy(approval=Approval((Quorum(1, (group("approvers"),)),), automatic_while=occasion))


@pytest.mark.parametrize(
    ("occasion", "is_there"),
    [
        (Occasion(), False),
        (Occasion(subjects=(user("alice"),)), True),
        (Occasion(subjects=(group("oncall"),)), False),
        (Occasion(subjects=(group("oncall"), group("dev"))), True),
        (Occasion(schedule=a_schedule()), True),
        (Occasion(schedule=NIGHT), False),
        (Occasion(expression=TRUE), True),
        (Occasion(expression=FALSE), False),
        (Occasion(expression=BROKEN), False),
        (Occasion((group("dev"),), a_schedule(), TRUE), True),
        (Occasion((group("oncall"),), a_schedule(), TRUE), False),
        (Occasion((group("dev"),), NIGHT, TRUE), False),
        (Occasion((group("dev"),), a_schedule(), FALSE), False),
        (Occasion((group("dev"),), a_schedule(), BROKEN), False),
    ],
    ids=[
        "nothing stated",
        "subject",
        "other subject",
        "one of two subjects",
        "schedule",
        "other hours",
        "expression",
        "false expression",
        "broken expression",
        "everything",
        "everything but the subject",
        "everything but the schedule",
        "everything but the expression",
        "everything with a broken expression",
    ],
)
def test_nobody_is_asked_while_all_that_is_stated_holds(occasion: Occasion, *, is_there: bool) -> None:
    ruling = decided(a_target(), [automatic_while(occasion)]).ruling

    assert isinstance(ruling, Permitted if is_there else Awaiting)
    if isinstance(ruling, Permitted):
        assert ruling.window == a_window(NOW)


def test_the_occasion_must_be_there_when_access_begins() -> None:
    policy = a_policy(
        max_start_ahead=timedelta(days=1),
        approval=Approval((Quorum(1, (group("approvers"),)),), automatic_while=Occasion(schedule=NIGHT)),
    )

    tonight = decided(a_target(), [policy], a_request(start_at=NOW.replace(hour=23))).ruling
    this_afternoon = decided(a_target(), [policy], a_request(start_at=NOW.replace(hour=15))).ruling

    assert isinstance(tonight, Permitted)
    assert tonight.window == a_window(NOW.replace(hour=23))
    assert isinstance(this_afternoon, Awaiting)


def test_an_occasion_sees_who_asks_for_what_and_from_when_on() -> None:
    def is_alices_hour(circumstances: Circumstances) -> bool:
        return (circumstances.subject, circumstances.opens_at) == (ALICE, after(60))

    policy = automatic_while(Occasion(expression=Condition("alice's hour", is_alices_hour)))

    assert isinstance(decided(a_target(), [policy], a_request(created_at=after(60))).ruling, Permitted)
    assert isinstance(decided(a_target(), [policy]).ruling, Awaiting)


def test_on_the_occasion_no_answer_is_waited_for() -> None:
    policy = a_policy(approval=Approval((), webhook="change", automatic_while=Occasion(expression=TRUE)))

    assert isinstance(decided(a_target(), [policy], answers=(an_answer("Deny"),)).ruling, Permitted)


def test_on_the_occasion_a_denial_comes_too_late_and_a_revoke_does_not() -> None:
    policy = automatic_while(Occasion(expression=TRUE))

    denied = decided(a_target(), [policy], a_request(), [a_review("Deny")], after(60))
    revoked = decided(a_target(), [policy], a_request(), [a_review("Revoke")], after(60))

    assert denied.reviews[0].message == "the request is approved already; revoke it to end it"
    assert isinstance(denied.ruling, Permitted)
    assert revoked.reasons[-1] == "revoked by carol"


@pytest.mark.parametrize(
    ("request_", "default", "expected"),
    [
        (a_request(duration=None), None, minutes(60)),
        (a_request(duration=None), minutes(15), minutes(15)),
        (a_request(duration=None), minutes(90), minutes(60)),
        (a_request(duration=minutes(5)), minutes(15), minutes(5)),
        (a_request(duration=minutes(20)), minutes(15), minutes(20)),
    ],
    ids=["the cap", "the default", "no default beyond the cap", "shorter", "longer than the default"],
)
def test_access_lasts_as_long_as_is_asked_or_else_by_default(
    request_: Request, default: timedelta | None, expected: timedelta
) -> None:
    policy = a_policy(approval=an_approval(automatic=True), default_duration=default)

    ruling = decided(a_target(), [policy], request_).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window.duration == expected


def test_a_broken_glass_lasts_by_default_no_longer_than_its_own_cap() -> None:
    glass = a_glass(max_duration=minutes(10))
    policy = a_policy(break_glass=glass, default_duration=minutes(15))

    ruling = decided(a_target(), [policy], a_request(duration=None, break_glass=True)).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window.duration == minutes(10)
