"""The chain of checks: each of them, their order, and what a person reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.target import NotReady
from jitgress.domain.terms import (
    CHECKS,
    Asked,
    first_denial,
    scope_is_well_formed,
    scope_within_policy,
    scope_within_target,
)
from tests.builders import a_policy, a_request, a_scope, a_target, an_approval, minutes, seconds

FINE: Final = Asked(
    a_request(paths=["/api/v1/x"]), a_target(ceiling=a_scope("/api")), a_policy(ceiling=a_scope("/api/v1"))
)


def _request(**change: Any) -> Callable[[Asked], Asked]:
    return lambda asked: replace(asked, request=replace(asked.request, **change))


def _target(**change: Any) -> Callable[[Asked], Asked]:
    return lambda asked: replace(asked, target=replace(asked.target, **change))


def _policy(**change: Any) -> Callable[[Asked], Asked]:
    return lambda asked: replace(asked, policy=replace(asked.policy, **change))


# One fault for each check, in the order in which they are to be told.
FAULTS: Final[tuple[tuple[str, Callable[[Asked], Asked], str, str], ...]] = (
    (
        "policy_is_understood",
        _policy(defect="subjects are missing"),
        "policy_defective",
        "policy standard can't be understood: subjects are missing. Ask the platform team to mend it.",
    ),
    (
        "target_is_ready",
        _target(readiness=NotReady("ServiceNotFound", "there is no Service orders")),
        "target_not_ready",
        "target shop/orders is not ready: there is no Service orders. Ask its owner to mend it, then ask again.",
    ),
    (
        "reason_is_given",
        _request(reason=" "),
        "reason_missing",
        "the request gives no reason. Ask again and say what for.",
    ),
    (
        "duration_within_cap",
        _request(duration=minutes(90)),
        "duration_over_cap",
        "asked for 1 h 30 min, policy standard permits up to 1 h. Ask for 1 s to 1 h.",
    ),
    (
        "scope_is_well_formed",
        _request(paths=("/api/*",)),
        "scope_malformed",
        (
            "'/api/*' is not a path prefix. "
            "Write / for everything or whole segments such as /api/v1: no wildcard, query, dots or escapes."
        ),
    ),
    (
        "scope_within_target",
        _request(paths=("/admin",)),
        "scope_over_target",
        (
            "asked for /admin, which is outside what target shop/orders permits: GET, POST on /api. "
            "Ask for no more than that."
        ),
    ),
    (
        "scope_within_policy",
        _request(paths=("/api/v2",)),
        "scope_over_policy",
        (
            "asked for /api/v2, which is outside what policy standard permits: GET, POST on /api/v1. "
            "Ask for no more than that."
        ),
    ),
    (
        "approvers_are_named",
        _policy(approval=replace(an_approval(2), approvers=())),
        "approvers_missing",
        "policy standard asks for 2 approvals and names nobody who could give them. Ask the platform team to mend it.",
    ),
)


def test_what_is_in_order_is_not_denied() -> None:
    assert first_denial(FINE) is None


def test_the_chain_is_these_checks_in_this_order() -> None:
    assert [check.__name__ for check in CHECKS] == [name for name, *_ in FAULTS]


@pytest.mark.parametrize("place", range(len(FAULTS)))
def test_each_fault_alone_is_denied_in_words(place: int) -> None:
    _, fault, code, text = FAULTS[place]

    denial = first_denial(fault(FINE))

    assert denial is not None
    assert (denial.code.value, str(denial)) == (code, text)


@pytest.mark.parametrize("place", range(len(FAULTS)))
def test_of_several_faults_the_first_in_order_is_told(place: int) -> None:
    asked = FINE
    for _, fault, _, _ in reversed(FAULTS[place:]):
        asked = fault(asked)

    denial = first_denial(asked)

    assert denial is not None
    assert denial.code.value == FAULTS[place][2]


@pytest.mark.parametrize(
    ("fault", "code"),
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
        (_target(readiness=None), None),
    ],
)
def test_limits_are_where_they_are_said_to_be(fault: Callable[[Asked], Asked], code: DenialCode | None) -> None:
    denial = first_denial(fault(FINE))

    assert (denial.code if denial else None) == code


def test_what_is_left_open_is_the_most_that_target_and_policy_permit_together() -> None:
    policy = _policy(ceiling=a_scope("/api/v1", "/admin", methods=["GET", "DELETE"]))
    asked = _request(paths=())(policy(FINE))

    assert asked.scope() == a_scope("/api/v1", methods=["GET"])


def test_methods_and_paths_outside_are_both_told() -> None:
    denial = first_denial(_request(paths=("/admin",), methods=("PUT", "GET", "DELETE"))(FINE))

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
