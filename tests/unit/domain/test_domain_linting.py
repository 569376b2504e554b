"""What is found in a set of policies, and what isn't."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.finding import Severity
from jitgress.domain.linting import lint
from jitgress.domain.policy import Effect, Policy, TargetSelector
from jitgress.domain.schedule import LAST_DAY
from jitgress.domain.subject import SubjectKind, SubjectRef
from jitgress.domain.target import Target
from jitgress.domain.terms import Extensions, Limits, Mfa, Wording
from tests.builders import (
    NOW,
    Condition,
    Words,
    a_glass,
    a_policy,
    a_schedule,
    a_scope,
    a_target,
    an_approval,
    group,
    minutes,
    user,
    workload,
)

ALICE, CAROL, CHRIS = user("alice"), user("carol"), user("chris")


def found(*policies: Policy, targets: tuple[Target, ...] = ()) -> list[tuple[str, str]]:
    """Return the code and the policy of each finding."""
    return [(finding.code, finding.policy) for finding in lint(policies, targets, now=NOW)]


def selector(*namespaces: str, names: tuple[str, ...] = (), **labels: str) -> TargetSelector:
    return TargetSelector(frozenset(namespaces), frozenset(names), labels)


@dataclass(frozen=True, slots=True)
class AnyText:
    """A pattern that takes whatever there is."""

    text: str = ".*"

    def is_found_in(self, text: str) -> bool:
        return len(text) >= 0

    def is_whole(self, text: str) -> bool:
        return self.is_found_in(text)


SINGLE: dict[str, tuple[str, Policy]] = {
    "defect": ("not-understood", a_policy(defect="a field is unknown")),
    "nobody-approves": ("no-approvers", a_policy(approval=Approval((Quorum(1, ()),)))),
    "too-few-people": ("quorum-unreachable", a_policy(approval=an_approval(3, CAROL, CHRIS))),
    "one-person-twice": ("quorum-unreachable", a_policy(approval=an_approval(2, CAROL, user("Carol")))),
    "one-for-two-groups": (
        "quorum-unreachable",
        a_policy(approval=Approval((Quorum(1, (CAROL,), "security"), Quorum(1, (CAROL,), "owner")))),
    ),
    "only-themselves": ("only-themselves", a_policy(subjects=[ALICE], approval=an_approval(1, ALICE))),
    "too-few-without-them": ("only-themselves", a_policy(subjects=[ALICE], approval=an_approval(2, ALICE, CAROL))),
    "glass-without-approvers": (
        "glass-unreviewed",
        a_policy(approval=an_approval(automatic=True), break_glass=a_glass()),
    ),
    "glass-reviewed-by-themselves": (
        "glass-unreviewed",
        a_policy(approval=Approval((), others=(ALICE,)), break_glass=a_glass(ALICE)),
    ),
    "glass-of-a-denial": ("terms-unused", a_policy(effect=Effect.DENY, break_glass=a_glass())),
    "default-over-cap": ("default-over-cap", a_policy(default_duration=minutes(61))),
    "sum-within-cap": ("extensions-impossible", a_policy(extensions=Extensions(1, minutes(60)))),
    "limits": (
        "limits-disagree",
        a_policy(targets=selector(names=("orders",)), limits=Limits(per_subject=3, per_target=2)),
    ),
    "mfa-of-workload": ("mfa-of-workload", a_policy(subjects=[workload(repo="x")], mfa=Mfa(frozenset({"otp"})))),
    "any-reason": ("pattern-takes-all", a_policy(reason=Wording(AnyText()))),
    "any-ticket": ("pattern-takes-all", a_policy(ticket=Wording(AnyText()))),
    "no-ticket": ("ticket-optional", a_policy(ticket=Wording(Words("")))),
    "never-true": ("never-true", a_policy(expression=Condition(" false ", lambda _: False))),
    "always-true": ("always-true", a_policy(expression=Condition("true", lambda _: True))),
    "short-hours": ("hours-too-short", a_policy(schedule=a_schedule("10:00", "10:04"))),
    "hours-below-default": (
        "hours-too-short",
        a_policy(schedule=a_schedule("10:00", "10:20"), default_duration=minutes(30)),
    ),
    "never-automatic": (
        "never-automatic",
        a_policy(
            schedule=a_schedule("09:00", "11:00"),
            approval=Approval(
                (Quorum(1, (group("approvers"),)),), automatic_while=Occasion(schedule=a_schedule("11:00", "12:00"))
            ),
        ),
    ),
    "always-automatic": (
        "always-automatic",
        a_policy(approval=Approval((), automatic_while=Occasion(subjects=(group("on-call"),)))),
    ),
}


@pytest.mark.parametrize("case", SINGLE)
def test_what_is_not_meant_in_one_policy_is_found(case: str) -> None:
    code, policy = SINGLE[case]

    assert found(policy) == [(code, "standard")]


FINE: dict[str, Policy] = {
    "plain": a_policy(),
    "automatic": a_policy(approval=an_approval(automatic=True)),
    "each-other": a_policy(subjects=[ALICE, CAROL], approval=an_approval(1, ALICE, CAROL)),
    "a-group-of-their-own": a_policy(approval=an_approval(2, group("dev"))),
    "a-user-and-a-group": a_policy(subjects=[ALICE], approval=an_approval(3, ALICE, group("approvers"))),
    "denial": a_policy(effect=Effect.DENY, max_duration=timedelta(0), approval=Approval(())),
    "default-at-cap": a_policy(default_duration=minutes(60)),
    "sum-over-cap": a_policy(extensions=Extensions(1, minutes(61))),
    "office-hours": a_policy(schedule=a_schedule("08:00", "18:00", zone="Europe/Berlin", days=["Mon"])),
    "night": a_policy(schedule=a_schedule("22:00", "06:00")),
    "glass": a_policy(break_glass=a_glass(ALICE)),
    "glass-of-users": a_policy(approval=an_approval(1, CAROL), break_glass=a_glass(ALICE)),
    "mfa": a_policy(mfa=Mfa(frozenset({"otp"}))),
    "ticket": a_policy(ticket=Wording(Words("CHG-1")), reason=Wording(Words("INC-1"))),
    "limits": a_policy(limits=Limits(per_subject=3, per_target=2)),
    "expression": a_policy(expression=Condition("true == true", lambda _: True)),
}


@pytest.mark.parametrize("case", FINE)
def test_what_may_well_be_meant_is_no_finding(case: str) -> None:
    assert found(FINE[case], targets=(a_target(),)) == []


def test_mfa_of_people_and_workloads_is_a_warning_only() -> None:
    policy = a_policy(subjects=[group("dev"), workload(repo="x")], mfa=Mfa(frozenset({"otp"})))

    assert [finding.severity for finding in lint([policy], now=NOW)] == [Severity.WARNING]


def pair(**later: Any) -> list[tuple[str, str]]:
    """Return what is found where a policy for dev in shop comes before the one that `later` describes."""
    terms: dict[str, Any] = {"priority": 2} | later
    return found(a_policy(name="first", priority=1), a_policy(name="second", **terms))


UNREACHABLE: dict[str, dict[str, Any]] = {
    "the-same": {},
    "one-name": {"targets": selector("shop", names=("orders",))},
    "a-label": {"targets": selector("shop", tier="internal")},
    "with-a-claim": {"subjects": [SubjectRef(SubjectKind.GROUP, "dev", frozenset({("team", "shop")}))]},
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_a_policy_behind_one_that_matches_all_of_it_is_unreachable(case: str) -> None:
    assert pair(**UNREACHABLE[case]) == [("unreachable", "second")]


REACHABLE: dict[str, dict[str, Any]] = {
    "another-group": {"subjects": [group("ops")]},
    "one-group-more": {"subjects": [group("dev"), group("ops")]},
    "one-namespace-more": {"targets": selector("shop", "prod")},
    "any-namespace": {"targets": selector(names=("orders",))},
    "a-user-who-may-be-in-it": {"subjects": [ALICE]},
}


@pytest.mark.parametrize("case", REACHABLE)
def test_a_policy_that_matches_something_more_is_reachable(case: str) -> None:
    assert pair(**REACHABLE[case]) == []


def test_a_denial_that_is_never_reached_has_its_own_code() -> None:
    assert pair(effect=Effect.DENY) == [("deny-unreachable", "second")]


def test_several_earlier_policies_can_hide_one_together() -> None:
    hidden = a_policy(name="hidden", priority=9, subjects=[group("dev"), group("ops")])
    earlier = [
        a_policy(name="a", subjects=[group("dev")], priority=1),
        a_policy(name="b", subjects=[group("ops")], priority=2),
    ]

    (finding,) = lint([hidden, *earlier], now=NOW)

    assert (finding.code, finding.policy, finding.others) == ("unreachable", "hidden", ("a", "b"))


def test_a_workload_hides_whoever_has_its_claims_and_more() -> None:
    broad = a_policy(name="broad", priority=1, subjects=[workload(repo="shop")])
    narrow = a_policy(name="narrow", priority=2, subjects=[workload(repo="shop", ref="main")])

    assert found(broad, narrow) == [("unreachable", "narrow")]
    assert found(narrow, replace(broad, priority=3)) == []


def test_a_policy_with_a_defect_hides_nothing() -> None:
    assert found(a_policy(name="first", priority=1, defect="x"), a_policy(name="second")) == [
        ("not-understood", "first")
    ]


def test_two_that_can_match_alike_and_answer_otherwise_are_noted() -> None:
    both = pair(targets=selector("shop", "prod"), max_duration=minutes(5))

    assert both == [("overlap", "second")]


def test_a_denial_in_front_is_no_overlap_and_behind_is_one() -> None:
    narrow: dict[str, Any] = {"targets": selector("shop", names=("orders",)), "effect": Effect.DENY}

    assert found(a_policy(name="deny", priority=1, **narrow), a_policy(name="allow", priority=2)) == []
    assert found(
        a_policy(name="allow", priority=1, targets=selector(names=("orders",))),
        a_policy(name="deny", priority=2, targets=selector("shop"), effect=Effect.DENY),
    ) == [("overlap", "deny")]


def test_two_of_one_priority_that_answer_otherwise_are_a_tie() -> None:
    assert pair(priority=1, targets=selector("shop", "prod"), max_duration=minutes(5)) == [("tie", "second")]


def test_policies_for_targets_that_differ_do_not_overlap() -> None:
    assert pair(priority=1, targets=selector("prod"), max_duration=minutes(5)) == []
    one, other = selector("shop", tier="internal"), selector("shop", tier="restricted")
    assert found(a_policy(name="a", targets=one), a_policy(name="b", targets=other, max_duration=minutes(5))) == []


def test_a_policy_for_no_target_that_there_is_is_found() -> None:
    assert found(a_policy(targets=selector("prod")), targets=(a_target(),)) == [("no-target", "standard")]


def test_a_ceiling_that_shares_nothing_with_its_target_is_found() -> None:
    policy = a_policy(ceiling=a_scope("/api", methods=["DELETE"]))

    assert found(policy, targets=(a_target(),)) == [("scope-empty", "standard")]


def test_the_worst_comes_first() -> None:
    policy = a_policy(
        expression=Condition("true", lambda _: True), default_duration=minutes(61), ticket=Wording(Words(""))
    )

    assert [finding.severity for finding in lint([policy], now=NOW)] == list(Severity)


def test_hours_that_the_clocks_skip_this_week_come_the_next() -> None:
    skipped = a_policy(schedule=a_schedule("02:00", "03:00", zone="Europe/Berlin", days=["Sun"]))

    findings = lint([skipped], now=datetime(2026, 3, 24, tzinfo=UTC))

    assert findings == ()


def test_hours_that_never_come_are_an_error() -> None:
    (finding,) = lint([a_policy(schedule=a_schedule("10:00", "11:00"))], now=LAST_DAY)

    assert (finding.code, finding.severity) == ("never-open", Severity.ERROR)
