"""The checks at their edges: what is just permitted, and what is just denied."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.asked import Asked
from jitgress.domain.checks import (
    first_denial,
    outside_schedule,
)
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.policy import Effect
from jitgress.domain.schedule import LAST_DAY
from jitgress.domain.scope_checks import scope_is_well_formed, scope_within_policy, scope_within_target
from jitgress.domain.terms import Limits, Wording
from tests.builders import (
    ALICE,
    NOW,
    Condition,
    Words,
    a_glass,
    a_policy,
    a_request,
    a_schedule,
    a_scope,
    a_situation,
    a_target,
    after,
    an_approval,
    minutes,
    seconds,
    user,
)

FINE: Final = Asked(
    a_request(paths=["/api/v1/x"]),
    a_target(ceiling=a_scope("/api")),
    a_policy(ceiling=a_scope("/api/v1")),
    a_situation(),
)
Change = Callable[[Asked], Asked]


def _request(**change: Any) -> Change:
    return lambda asked: replace(asked, request=replace(asked.request, **change))


def _target(**change: Any) -> Change:
    return lambda asked: replace(asked, target=replace(asked.target, **change))


def _policy(**change: Any) -> Change:
    return lambda asked: replace(asked, policy=replace(asked.policy, **change))


def _situation(**change: Any) -> Change:
    return lambda asked: replace(asked, situation=replace(asked.situation, **change))


def the_denial(*changes: Change) -> Denial | None:
    asked = FINE
    for change in changes:
        asked = change(asked)
    return first_denial(asked)


def the_code(*changes: Change) -> DenialCode | None:
    denial = the_denial(*changes)
    return denial.code if denial else None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_request(duration=minutes(60)), None),
        (_request(duration=minutes(60) + seconds(1)), DenialCode.DURATION_OVER_CAP),
        (_request(duration=seconds(1)), None),
        (_request(duration=seconds(0)), DenialCode.DURATION_OVER_CAP),
        (_request(duration=seconds(-1)), DenialCode.DURATION_OVER_CAP),
        (_policy(max_duration=seconds(0)), DenialCode.DURATION_OVER_CAP),
        (_request(paths=(), methods=()), None),
        (_request(methods=("GET",)), None),
        (_request(methods=("DELETE",)), DenialCode.SCOPE_OVER_TARGET),
        (_request(methods=("get",)), DenialCode.SCOPE_MALFORMED),
        (_request(methods=("*",)), DenialCode.SCOPE_MALFORMED),
        (_request(methods=("CONNECT",)), DenialCode.SCOPE_MALFORMED),
        (_request(paths=("",)), DenialCode.SCOPE_MALFORMED),
        (_request(paths=("/",)), DenialCode.SCOPE_OVER_TARGET),
        (_request(paths=("/apix",)), DenialCode.SCOPE_OVER_TARGET),
        (_request(paths=("/api/v1/", "/api/v1/x")), None),
        (_request(paths=("/api/v1", "/admin")), DenialCode.SCOPE_OVER_TARGET),
        (_policy(ceiling=None), None),
        (_policy(ceiling=a_scope("/admin")), DenialCode.SCOPE_EMPTY),
        (_policy(ceiling=a_scope("/api", methods=["DELETE"])), DenialCode.SCOPE_EMPTY),
        (_policy(approval=an_approval(automatic=True)), None),
        (_policy(approval=an_approval(-1)), DenialCode.APPROVERS_MISSING),
        (_policy(approval=an_approval(0)), DenialCode.APPROVERS_MISSING),
        (_policy(approval=Approval((Quorum(1, (user("x"),)), Quorum(0, (user("y"),))))), DenialCode.APPROVERS_MISSING),
        (_policy(approval=Approval((), webhook="change")), None),
        (_target(readiness=None), None),
        (_request(start_at=NOW), None),
        (_request(start_at=after(-3600)), None),
        (_request(start_at=after(1)), DenialCode.START_TOO_FAR),
        (_request(end_at=NOW + timedelta.resolution), None),
        (_request(end_at=NOW), DenialCode.WINDOW_EMPTY),
        (_policy(limits=Limits(per_day=1)), None),
    ],
)
def test_limits_are_where_they_are_said_to_be(change: Change, code: DenialCode | None) -> None:
    assert the_code(change) == code


def test_what_is_left_open_is_the_most_that_target_and_policy_permit_together() -> None:
    policy = _policy(ceiling=a_scope("/api/v1", "/admin", methods=["GET", "DELETE"]))
    asked = _request(paths=())(policy(FINE))

    assert asked.scope() == a_scope("/api/v1", methods=["GET"])


def test_methods_and_paths_outside_are_both_told() -> None:
    denial = the_denial(_request(paths=("/admin",), methods=("PUT", "GET", "DELETE")))

    assert denial is not None
    assert denial.message.startswith("asked for DELETE, PUT, /admin, which")


@pytest.mark.parametrize("check", [scope_is_well_formed, scope_within_target, scope_within_policy])
def test_a_scope_check_alone_denies_what_shares_nothing(check: Callable[[Asked], Denial | None]) -> None:
    denial = check(_policy(ceiling=a_scope("/admin"))(FINE))

    assert denial is not None
    assert str(denial) == (
        "policy standard permits none of the paths and methods of shop/orders. "
        "Ask the platform team to look at the policy's scope."
    )


@pytest.mark.parametrize(
    ("seconds_ahead", "code"), [(3599, None), (3600, None), (3601, DenialCode.START_TOO_FAR)], ids=str
)
def test_a_start_may_be_as_far_ahead_as_the_policy_says(seconds_ahead: int, code: DenialCode | None) -> None:
    assert the_code(_policy(max_start_ahead=minutes(60)), _request(start_at=after(seconds_ahead))) == code


def test_how_far_ahead_is_told() -> None:
    denial = the_denial(_policy(max_start_ahead=minutes(60)), _request(start_at=after(7200)))

    assert denial is not None
    assert denial.message == "asked for a start 2 h ahead, policy standard permits up to 1 h ahead"


def test_an_end_must_follow_the_start_that_is_asked_for() -> None:
    later = (_policy(max_start_ahead=minutes(60)), _request(start_at=after(60), end_at=after(60)))

    assert the_code(*later) is DenialCode.WINDOW_EMPTY
    assert the_code(*later, _request(end_at=after(61))) is None


def test_a_denying_policy_without_a_message_is_named_alone() -> None:
    denial = the_denial(_policy(effect=Effect.DENY))

    assert denial is not None
    assert denial.message == "policy standard denies it"


def test_a_reason_must_hold_the_words_and_a_ticket_must_be_them() -> None:
    change = Wording(Words("CHG-1"))

    assert the_code(_policy(reason=change), _request(reason="for CHG-1, as agreed")) is None
    assert the_code(_policy(reason=change), _request(reason="for CHG-2")) is DenialCode.REASON_UNFIT
    assert the_code(_policy(ticket=change), _request(ticket="CHG-1")) is None
    assert the_code(_policy(ticket=change), _request(ticket="for CHG-1")) is DenialCode.TICKET_UNFIT


def test_a_ticket_that_is_not_named_is_told_so() -> None:
    denial = the_denial(_policy(ticket=Wording(Words("CHG-1"), "the change")))

    assert denial is not None
    assert denial.message == "the request names no ticket; what policy standard wants: the change"


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        ((), DenialCode.PATHS_NOT_NAMED),
        (("/",), DenialCode.PATHS_NOT_NAMED),
        (("/api/v1/x", "/"), DenialCode.PATHS_NOT_NAMED),
        (("/api/v1",), None),
    ],
    ids=["none", "everything", "everything and more", "some"],
)
def test_who_must_name_paths_names_less_than_everything(paths: tuple[str, ...], code: DenialCode | None) -> None:
    assert the_code(_policy(must_name_paths=True), _request(paths=paths)) == code


def test_an_expression_sees_who_asks_for_what_and_from_when_on() -> None:
    seen = list[Circumstances]()

    def look(circumstances: Circumstances) -> bool:
        seen.append(circumstances)
        return True

    code = the_code(
        _policy(expression=Condition("true", look), max_start_ahead=minutes(1)), _request(start_at=after(60))
    )

    assert code is None
    assert [(each.subject, each.target, each.opens_at) for each in seen] == [(ALICE, FINE.target, after(60))]
    assert seen[0].request.start_at == after(60)


def test_an_expression_that_cannot_be_evaluated_denies_in_words() -> None:
    def fail(_: Circumstances) -> bool:
        raise InvalidValueError("there is no such label")

    denial = the_denial(_policy(expression=Condition("x", fail)))

    assert denial is not None
    assert denial.code is DenialCode.EXPRESSION_UNMET
    assert denial.message == "the condition of policy standard can't be evaluated: there is no such label"


@pytest.mark.parametrize(
    ("asked_before", "code"), [(1, None), (2, DenialCode.LIMIT_REACHED), (3, DenialCode.LIMIT_REACHED)], ids=str
)
def test_within_a_day_nobody_asks_more_often_than_is_permitted(asked_before: int, code: DenialCode | None) -> None:
    assert the_code(_policy(limits=Limits(per_day=2)), _situation(asked_within_day=asked_before)) == code


def test_outside_a_schedule_the_other_way_in_is_told_where_there_is_one() -> None:
    denial = the_denial(_policy(schedule=a_schedule("11:00", "12:00"), break_glass=a_glass()))

    assert denial is not None
    assert denial.remedy == "Ask again from Thursday 2026-01-01 11:00 UTC, or use --break-glass."


def test_a_schedule_that_never_opens_again_is_for_others_to_mend() -> None:
    denial = outside_schedule(_policy(schedule=a_schedule("11:00", "12:00"))(FINE), LAST_DAY)

    assert denial is not None
    assert denial.remedy == "Ask the platform team to mend it."


def test_inside_a_schedule_nothing_is_denied() -> None:
    assert the_code(_policy(schedule=a_schedule("10:00", "10:01"))) is None
    assert the_code(_policy(schedule=a_schedule("09:00", "10:00"))) is DenialCode.OUTSIDE_SCHEDULE
