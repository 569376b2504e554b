"""Which policy decides: those that can't be understood, those who are named by claims, and the index that finds it."""

from collections.abc import Iterable
from typing import Final

import pytest

from jitgress.domain.policy import Policies, Policy, PolicyList, TargetSelector
from jitgress.domain.policy_index import PolicyIndex
from jitgress.domain.ruling import Denied, Permitted
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target
from tests.builders import (
    ALICE,
    BOB,
    MALLORY,
    a_policy,
    a_request,
    a_target,
    an_approval,
    decided,
    group,
    user,
    workload,
)

CI: Final = Subject("ci", frozenset({"jobs"}), frozenset({("repo", "shop"), ("ref", "main"), ("ref", "v1")}))
WEB: Final = a_target(labels={"tier": "web", "zone": "a"})
NOWHERE: Final = TargetSelector()


def deciding(policies: Iterable[Policy], subject: Subject = ALICE, target: Target = WEB) -> str | None:
    """Return the name of the policy that decides; however it is looked for it must be one."""
    policies = tuple(policies)
    ways: list[Policies] = [PolicyList(policies), PolicyIndex(policies), PolicyIndex(reversed(policies))]
    found = {policy.name if policy else None for policy in (way.deciding(subject, target) for way in ways)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], None),
        ([a_policy(name="b", priority=2), a_policy(name="c", priority=1)], "c"),
        ([a_policy(name="b"), a_policy(name="a")], "a"),
        ([a_policy(name="b", priority=1, subjects=[user("bob")]), a_policy(name="a")], "a"),
        ([a_policy(name="b", priority=1, subjects=[user("alice")]), a_policy(name="a")], "b"),
        ([a_policy(name="b", priority=1, subjects=[user("dev")]), a_policy(name="c", subjects=[group("alice")])], None),
        ([a_policy(name="b", subjects=[user("bob"), user("alice")], priority=9)], "b"),
        (
            [
                a_policy(name="label", priority=3, targets=TargetSelector(labels={"tier": "web"})),
                a_policy(name="name", priority=2, targets=TargetSelector(names=frozenset({"billing", "orders"}))),
                a_policy(name="other", priority=1, targets=TargetSelector(labels={"tier": "db"})),
            ],
            "name",
        ),
        (
            [
                a_policy(name="b", targets=TargetSelector(labels={"tier": "web", "zone": "b"})),
                a_policy(name="c", targets=TargetSelector(labels={"tier": "web", "zone": "a"})),
            ],
            "c",
        ),
        ([a_policy(targets=TargetSelector(frozenset({"bank"}), frozenset({"orders"})))], None),
        ([a_policy(targets=NOWHERE)], None),
        ([a_policy(subjects=())], None),
    ],
    ids=[
        "none",
        "priority",
        "name of equals",
        "not about alice",
        "about alice",
        "user and group aren't one",
        "one of several",
        "by name, label, other label",
        "every label",
        "another namespace",
        "no target stated",
        "nobody named",
    ],
)
def test_the_first_that_matches_decides(policies: list[Policy], expected: str | None) -> None:
    assert deciding(policies) == expected


@pytest.mark.parametrize(
    ("ref", "is_named"),
    [
        (workload(repo="shop"), True),
        (workload(repo="shop", ref="main"), True),
        (workload(repo="shop", ref="v1"), True),
        (workload(repo="shop", ref="v2"), False),
        (workload(repo="bank"), False),
        (workload(), False),
        (SubjectRef(SubjectKind.WORKLOAD, "ci"), False),
        (SubjectRef(SubjectKind.USER, "ci", frozenset({("repo", "shop")})), True),
        (SubjectRef(SubjectKind.USER, "ci", frozenset({("repo", "bank")})), False),
        (SubjectRef(SubjectKind.GROUP, "jobs", frozenset({("ref", "main")})), True),
        (SubjectRef(SubjectKind.GROUP, "jobs", frozenset({("ref", "dev")})), False),
        (SubjectRef(SubjectKind.USER, "other", frozenset({("repo", "shop")})), False),
        (SubjectRef(SubjectKind.USER, "", frozenset({("repo", "shop")})), False),
    ],
    ids=[
        "claim",
        "claims",
        "one of a claim's values",
        "another value",
        "another claim",
        "no claim",
        "a name only",
        "user with claim",
        "user without claim",
        "group with claim",
        "group without claim",
        "claim of another user",
        "claim of nobody",
    ],
)
def test_whoever_is_named_by_claims_must_have_them_all(ref: SubjectRef, *, is_named: bool) -> None:
    assert deciding([a_policy(subjects=[ref])], CI) == ("standard" if is_named else None)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (workload(ref="main", repo="shop"), "workload with ref=main, repo=shop"),
        (workload(), "workload with nothing"),
        (SubjectRef(SubjectKind.USER, "ci", frozenset({("repo", "shop")})), "user ci with repo=shop"),
        (group("jobs"), "group jobs"),
    ],
    ids=["workload", "nothing", "user with claim", "group"],
)
def test_who_is_named_is_told_in_words(ref: SubjectRef, words: str) -> None:
    assert str(ref) == words


def test_the_values_of_a_claim_are_its_own() -> None:
    assert CI.values_of("ref") == {"main", "v1"}
    assert CI.values_of("repo") == {"shop"}
    assert CI.values_of("sub") == frozenset()


def test_a_claim_is_not_another_that_reads_alike() -> None:
    odd = Subject("ci", claims=frozenset({("a=b", "c")}))

    assert (
        deciding([a_policy(subjects=[SubjectRef(SubjectKind.WORKLOAD, claims=frozenset({("a", "b=c")}))])], odd) is None
    )


# Policies that can't be understood.

WHOM_IT_NAMES: Final = a_policy(name="broken", priority=1, subjects=[user("bob")], defect="an unknown zone")


@pytest.mark.parametrize(
    ("subject", "expected"), [(BOB, "broken"), (ALICE, "standard")], ids=["named by it", "not named by it"]
)
def test_a_defect_stops_those_alone_whom_its_policy_names(subject: Subject, expected: str) -> None:
    assert deciding([WHOM_IT_NAMES, a_policy()], subject) == expected


@pytest.mark.parametrize(
    "unreadable",
    [
        a_policy(name="broken", priority=1, subjects=(), defect="no subjects"),
        a_policy(name="broken", priority=1, subjects=[user("bob")], targets=NOWHERE, defect="no targets"),
        a_policy(name="broken", priority=1, subjects=(), targets=NOWHERE, defect="neither"),
    ],
    ids=["no subjects", "no targets", "neither"],
)
def test_a_policy_of_which_not_even_that_is_known_stops_everybody_after_it(unreadable: Policy) -> None:
    first = a_policy(name="first", priority=0)

    assert deciding([unreadable, a_policy()], MALLORY) == "broken"
    assert deciding([unreadable, a_policy()]) == "broken"
    assert deciding([unreadable, first]) == "first"
    assert deciding([unreadable, first], MALLORY) == "broken"


def test_of_several_that_stop_everybody_the_first_decides() -> None:
    several = [a_policy(name=name, subjects=(), defect="no subjects") for name in ("b", "a")]

    assert deciding(several, MALLORY) == "a"


def test_a_defect_is_told_to_whom_it_stops() -> None:
    automatic = a_policy(approval=an_approval(automatic=True))

    stopped = decided(a_target(), [WHOM_IT_NAMES, automatic], a_request(requester=BOB))
    not_stopped = decided(a_target(), [WHOM_IT_NAMES, automatic])

    assert isinstance(stopped.ruling, Denied)
    assert stopped.reasons[-1].startswith("policy broken can't be understood: an unknown zone.")
    assert isinstance(not_stopped.ruling, Permitted)


@pytest.mark.parametrize(
    ("selector", "difference"),
    [
        (TargetSelector(frozenset({"shop"})), None),
        (TargetSelector(frozenset({"lab", "bank"})), "namespace shop is not one of bank, lab"),
        (TargetSelector(names=frozenset({"orders", "x"})), None),
        (TargetSelector(names=frozenset({"y", "x"})), "target orders is not one of x, y"),
        (TargetSelector(labels={"tier": "web"}), None),
        (TargetSelector(labels={"zone": "b", "app": "x", "tier": "web"}), "the target lacks the labels app=x, zone=b"),
        (TargetSelector(frozenset({"bank"}), frozenset({"x"})), "namespace shop is not one of bank"),
    ],
    ids=["namespace", "namespaces", "name", "names", "label", "labels", "the first difference"],
)
def test_on_what_a_target_differs_is_told(selector: TargetSelector, difference: str | None) -> None:
    assert selector.mismatch(WEB) == difference
    assert selector.matches(WEB) is (difference is None)


def test_a_selector_that_states_nothing_differs_on_nothing_and_matches_nothing() -> None:
    assert NOWHERE.mismatch(WEB) is None
    assert not NOWHERE.is_stated
    assert not NOWHERE.matches(WEB)
