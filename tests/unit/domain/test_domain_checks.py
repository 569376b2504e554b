"""The chain of checks: each of them, their order, and what a person reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.asked import Asked
from jitgress.domain.checks import CHECKS, first_denial
from jitgress.domain.policy import Effect
from jitgress.domain.situation import Extended
from jitgress.domain.target import NotReady
from jitgress.domain.terms import Extensions, Limits, Mfa, Wording
from tests.builders import (
    NOW,
    Condition,
    Words,
    a_glass,
    a_grant,
    a_policy,
    a_request,
    a_schedule,
    a_scope,
    a_situation,
    a_target,
    after,
    minutes,
    user,
)

FINE: Final = Asked(
    a_request(paths=["/api/v1/x"]),
    a_target(ceiling=a_scope("/api")),
    a_policy(ceiling=a_scope("/api/v1")),
    a_situation(extended=Extended(a_grant(), is_over=False)),
)
BEFORE: Final = a_request(uid="request-0").ref
Fault = Callable[[Asked], Asked]


def _fault(
    request: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    situation: dict[str, Any] | None = None,
) -> Fault:
    return lambda asked: Asked(
        replace(asked.request, **request or {}),
        replace(asked.target, **target or {}),
        replace(asked.policy, **policy or {}),
        replace(asked.situation, **situation or {}),
    )


# One fault for each check, in the order in which they are to be told.
FAULTS: Final[dict[str, tuple[Fault, str, str]]] = {
    "policy_is_understood": (
        _fault(policy={"defect": "subjects are missing"}),
        "policy_defective",
        "policy standard can't be understood: subjects are missing. Ask the platform team to mend it.",
    ),
    "policy_allows": (
        _fault(policy={"effect": Effect.DENY, "message": "orders is being\nmoved"}),
        "policy_denies",
        ("policy standard denies it: orders is being moved. Ask the platform team whether there is another way."),
    ),
    "target_is_ready": (
        _fault(target={"readiness": NotReady("ServiceNotFound", "there is no Service orders")}),
        "target_not_ready",
        "target shop/orders is not ready: there is no Service orders. Ask its owner to mend it, then ask again.",
    ),
    "reason_is_given": (
        _fault({"reason": " "}),
        "reason_missing",
        "the request gives no reason. Ask again and say what for.",
    ),
    "reason_is_fit": (
        _fault(policy={"reason": Wording(Words("CHG-"), "name the change\x07")}),
        "reason_unfit",
        "the reason doesn't say what policy standard wants: name the change. Ask again with it.",
    ),
    "ticket_is_fit": (
        _fault({"ticket": "INC-7"}, policy={"ticket": Wording(Words("CHG-1"))}),
        "ticket_unfit",
        "the ticket isn't what policy standard wants: it must match CHG-1. Ask again with it.",
    ),
    "sign_in_is_strong": (
        _fault(policy={"mfa": Mfa(frozenset({"otp", "hwk"}))}),
        "mfa_missing",
        "policy standard wants a sign-in with one of hwk, otp. Sign in with it, then ask again.",
    ),
    "glass_can_be_broken": (
        _fault({"break_glass": True}),
        "break_glass_impossible",
        "policy standard doesn't let you break the glass. Ask without break-glass, and somebody to approve.",
    ),
    "reviews_are_done": (
        _fault(
            {"break_glass": True}, policy={"break_glass": a_glass(locks_out=True)}, situation={"overdue_reviews": 2}
        ),
        "review_overdue",
        (
            "2 of your break-glass grants should have been reviewed by now. "
            "Ask one of the approvers to review them: jitgress list --unreviewed."
        ),
    ),
    "duration_within_cap": (
        _fault({"duration": minutes(90)}),
        "duration_over_cap",
        "asked for 1 h 30 min, policy standard permits up to 1 h. Ask for 1 s to 1 h.",
    ),
    "start_within_reach": (
        _fault({"start_at": after(3600)}),
        "start_too_far",
        "asked for a start 1 h ahead, policy standard permits only from now on. Ask for an earlier start, or later.",
    ),
    "end_follows_start": (
        _fault({"end_at": NOW}),
        "window_empty",
        "it would end before it begins. Ask for a later end.",
    ),
    "start_within_schedule": (
        _fault(policy={"schedule": a_schedule("11:00", "12:00", days=["Mon"])}),
        "outside_schedule",
        "policy standard permits Mon 11:00-12:00 UTC alone. Ask again from Monday 2026-01-05 11:00 UTC.",
    ),
    "extension_is_possible": (
        _fault({"extends": BEFORE}, policy={"extensions": None}),
        "extension_impossible",
        "policy standard permits no extension. Make a request of its own.",
    ),
    "extension_within_sum": (
        _fault({"extends": BEFORE}, policy={"extensions": Extensions(3, minutes(59))}),
        "extension_over_sum",
        "asked for 30 min more, policy standard permits 59 min in all. Ask for up to 29 min.",
    ),
    "paths_are_named": (
        _fault({"paths": ()}, policy={"must_name_paths": True}),
        "paths_not_named",
        "policy standard wants paths named, such as --path /api. Ask for the paths that you need.",
    ),
    "scope_is_well_formed": (
        _fault({"paths": ("/api/*",)}),
        "scope_malformed",
        (
            "'/api/*' is not a path prefix. "
            "Write / for everything or whole segments such as /api/v1: no wildcard, query, dots or escapes."
        ),
    ),
    "scope_within_target": (
        _fault({"paths": ("/admin",)}),
        "scope_over_target",
        (
            "asked for /admin, which is outside what target shop/orders permits: GET, POST on /api. "
            "Ask for no more than that."
        ),
    ),
    "scope_within_policy": (
        _fault({"paths": ("/api/v2",)}),
        "scope_over_policy",
        (
            "asked for /api/v2, which is outside what policy standard permits: GET, POST on /api/v1. "
            "Ask for no more than that."
        ),
    ),
    "scope_within_extended": (
        _fault(
            {"extends": BEFORE},
            policy={"extensions": Extensions(9, minutes(999))},
            situation={"extended": Extended(a_grant(scope=a_scope("/api/v1/y")), is_over=False)},
        ),
        "extension_impossible",
        (
            "asked for /api/v1/x, which is outside what the extended access permits: GET, POST on /api/v1/y. "
            "Ask for no more than that."
        ),
    ),
    "expression_holds": (
        _fault(policy={"expression": Condition("target.name ==\n'x'", lambda _: False)}),
        "expression_unmet",
        ("the condition of policy standard is not met: target.name == 'x'. Ask the platform team what it wants."),
    ),
    "few_enough_today": (
        _fault(policy={"limits": Limits(per_day=3)}, situation={"asked_within_day": 4}),
        "limit_reached",
        "you asked 4 times within 24 hours, policy standard permits 3. Ask again tomorrow.",
    ),
    "approvers_are_named": (
        _fault(policy={"approval": Approval((Quorum(1, (user("carol"),)), Quorum(1, ())))}),
        "approvers_missing",
        "policy standard asks for 2 approvals and names nobody who could give them. Ask the platform team to mend it.",
    ),
}
NAMES: Final = tuple(FAULTS)
APART: Final = (
    "glass_can_be_broken",
    "reviews_are_done",  # it needs no ticket, so it isn't a fault beside one
    "scope_within_extended",  # beside other scopes nothing would be left to be outside of
)
ORDINARY: Final = tuple(name for name in NAMES if name not in APART)


def test_what_is_in_order_is_not_denied() -> None:
    assert first_denial(FINE) is None


def test_the_chain_is_these_checks_in_this_order() -> None:
    assert tuple(check.__name__ for check in CHECKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_fault_alone_is_denied_in_words(name: str) -> None:
    fault, code, text = FAULTS[name]

    denial = first_denial(fault(FINE))

    assert denial is not None
    assert (denial.code.value, str(denial)) == (code, text)


def test_of_several_faults_the_first_in_order_is_told() -> None:
    asked = FINE
    for name in reversed(ORDINARY):
        fault, code, _ = FAULTS[name]
        asked = fault(asked)

        denial = first_denial(asked)

        assert denial is not None
        assert denial.code.value == code
