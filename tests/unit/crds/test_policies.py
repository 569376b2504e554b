"""Each field of an AccessPolicy as the term that it is, and each way in which one can't be understood."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from jitgress.crds.policies import policy_or_defect, policy_value
from jitgress.domain.approval import Quorum
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Effect
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.terms import UNLIMITED, BreakGlass, Extensions, Limits, Mfa
from tests.builders import ALICE, MALLORY, a_target, group, minutes, user

DEV: Final = [{"kind": "Group", "name": "dev"}]
APPROVERS: Final = [{"kind": "Group", "name": "approvers"}]
WINDOW: Final = {"days": ["Mon", "Fri"], "from": "08:00", "to": "18:00"}
GLASS: Final = {"subjects": DEV, "maxDurationSeconds": 600, "reviewWithinSeconds": 3600}


def a_spec(**fields: Any) -> dict[str, Any]:
    """Return the spec of a policy; None takes a field away."""
    spec = {
        "priority": 100,
        "subjects": DEV,
        "targets": {"namespaces": ["shop"]},
        "maxDurationSeconds": 3600,
        "approval": {"required": 1, "approvers": APPROVERS, "timeoutSeconds": 600},
    }
    return {name: value for name, value in {**spec, **fields}.items() if value is not None}


def an_object(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "standard"}, "spec": a_spec(**fields)}


def test_what_isnt_stated_restricts_nothing_and_permits_nothing_more() -> None:
    policy = policy_value(an_object())

    assert (policy.name, policy.priority, policy.effect) == ("standard", 100, Effect.ALLOW)
    assert policy.max_duration == timedelta(hours=1)
    assert policy.approval.quorums == (Quorum(1, (group("approvers"),)),)
    assert policy.approval.timeout == minutes(10)
    assert (policy.sources, policy.limits, policy.max_start_ahead) == (ANYWHERE, UNLIMITED, timedelta(0))
    unstated = (policy.extensions, policy.schedule, policy.ceiling, policy.reason, policy.ticket, policy.mfa)
    assert unstated == (None,) * 6
    assert (policy.break_glass, policy.expression, policy.default_duration, policy.defect) == (None,) * 4
    assert not policy.must_name_paths


@pytest.mark.parametrize(
    ("fields", "term", "value"),
    [
        ({"effect": "Deny", "message": "ask dave"}, "message", "ask dave"),
        ({"effect": "Deny"}, "effect", Effect.DENY),
        ({"defaultDurationSeconds": 60}, "default_duration", minutes(1)),
        ({"maxStartAheadSeconds": 3600}, "max_start_ahead", minutes(60)),
        ({"extensions": {"max": 2, "maxTotalSeconds": 7200}}, "extensions", Extensions(2, minutes(120))),
        ({"scope": {"paths": ["/api"], "methods": ["GET"]}}, "ceiling", Scope.of(["/api"], ["GET"])),
        ({"mustNamePaths": True}, "must_name_paths", True),
        ({"sourceCIDRs": ["10.0.0.0/8"]}, "sources", Sources.of(["10.0.0.0/8"])),
        ({"mfa": {"methods": ["hwk"], "maxAgeSeconds": 60}}, "mfa", Mfa(frozenset({"hwk"}), minutes(1))),
        ({"mfa": {"methods": ["otp", "hwk"]}}, "mfa", Mfa(frozenset({"hwk", "otp"}))),
        ({"limits": {"concurrentPerSubject": 1, "requestsPerDay": 9}}, "limits", Limits(1, None, 9)),
        ({"limits": {"concurrentPerTarget": 3}}, "limits", Limits(None, 3, None)),
        ({"breakGlass": GLASS}, "break_glass", BreakGlass((group("dev"),), minutes(10), minutes(60))),
        (
            {"breakGlass": {**GLASS, "lockOut": True}},
            "break_glass",
            BreakGlass((group("dev"),), minutes(10), minutes(60), locks_out=True),
        ),
        (
            {"subjects": [{"kind": "Workload", "claims": {"repo": "shop"}}]},
            "subjects",
            (SubjectRef(SubjectKind.WORKLOAD, "", frozenset({("repo", "shop")})),),
        ),
        (
            {"subjects": [{"kind": "User", "name": "alice", "claims": {"dept": "shop"}}]},
            "subjects",
            (SubjectRef(SubjectKind.USER, "alice", frozenset({("dept", "shop")})),),
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_field_is_the_term_of_its_name(fields: dict[str, Any], term: str, value: object) -> None:
    assert getattr(policy_value(an_object(**fields)), term) == value


def test_a_schedule_is_read_with_its_zone() -> None:
    schedule = policy_value(an_object(schedule={"timeZone": "Europe/Berlin", "windows": [WINDOW]})).schedule

    assert schedule is not None
    assert schedule.is_open(datetime(2026, 1, 2, 7, 0, tzinfo=UTC))  # a Friday, 08:00 in Berlin
    assert not schedule.is_open(datetime(2026, 1, 2, 6, 59, tzinfo=UTC))
    assert not schedule.is_open(datetime(2026, 1, 3, 9, 0, tzinfo=UTC))


def test_patterns_come_with_the_words_for_people() -> None:
    policy = policy_value(an_object(reason={"pattern": "INC-[0-9]+"}, ticket={"pattern": "C[0-9]", "hint": "a change"}))

    assert policy.reason is not None
    assert policy.ticket is not None
    assert policy.reason.pattern.is_found_in("see INC-7")
    assert (policy.ticket.pattern.is_whole("C7"), policy.ticket.pattern.is_whole("C77")) == (True, False)
    assert (str(policy.reason), str(policy.ticket)) == ("it must match INC-[0-9]+", "a change")


def test_several_groups_each_have_a_number_and_others_may_deny() -> None:
    groups = [
        {"name": "security", "required": 1, "approvers": [{"kind": "Group", "name": "security"}]},
        {"name": "owner", "required": 2, "approvers": [{"kind": "User", "name": "olga"}]},
    ]
    told = {"groups": groups, "approvers": APPROVERS, "timeoutSeconds": 600, "webhook": "change"}

    approval = policy_value(an_object(approval=told)).approval

    assert approval.quorums == (Quorum(1, (group("security"),), "security"), Quorum(2, (user("olga"),), "owner"))
    assert (approval.others, approval.webhook) == ((group("approvers"),), "change")


def test_nobody_is_asked_where_no_approval_is_wanted() -> None:
    told = {"required": 0, "approvers": APPROVERS, "timeoutSeconds": 600}

    assert policy_value(an_object(approval=told)).approval.is_automatic


def test_an_occasion_is_everything_that_it_states() -> None:
    occasion = {"subjects": DEV, "schedule": {"timeZone": "UTC", "windows": [WINDOW]}, "expression": "true"}
    told = {"required": 1, "approvers": APPROVERS, "timeoutSeconds": 600, "automaticWhile": occasion}

    found = policy_value(an_object(approval=told)).approval.automatic_while

    assert found is not None
    assert found.subjects == (group("dev"),)
    assert found.schedule is not None
    assert found.expression is not None


def test_a_policy_that_denies_need_say_nothing_of_time_and_approval() -> None:
    policy = policy_value(an_object(effect="Deny", maxDurationSeconds=None, approval=None))

    assert policy.max_duration == timedelta(0)
    assert policy.defect is None


ODD: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "effect": ({"effect": "Perhaps"}, "unknown effect"),
    "priority": ({"priority": -1}, "priority"),
    "cap": ({"maxDurationSeconds": 0}, "maxDurationSeconds"),
    "no cap": ({"maxDurationSeconds": None}, "maxDurationSeconds"),
    "default": ({"defaultDurationSeconds": 0}, "defaultDurationSeconds"),
    "ahead": ({"maxStartAheadSeconds": -1}, "maxStartAheadSeconds"),
    "no extension": ({"extensions": {"max": 0, "maxTotalSeconds": 60}}, "max"),
    "no sum": ({"extensions": {"max": 1}}, "maxTotalSeconds"),
    "unknown zone": ({"schedule": {"timeZone": "Mars/Olympus", "windows": [WINDOW]}}, "Mars/Olympus"),
    "no windows": ({"schedule": {"timeZone": "UTC", "windows": []}}, ""),
    "day": ({"schedule": {"timeZone": "UTC", "windows": [{**WINDOW, "days": ["Someday"]}]}}, "Someday"),
    "hour": ({"schedule": {"timeZone": "UTC", "windows": [{**WINDOW, "to": "25:00"}]}}, "25:00"),
    "scope": ({"scope": {"paths": ["api"], "methods": ["GET"]}}, "api"),
    "scope without methods": ({"scope": {"paths": ["/api"]}}, ""),
    "pattern": ({"reason": {"pattern": "(?=look)"}}, "pattern"),
    "empty pattern": ({"ticket": {"pattern": ""}}, "pattern"),
    "network": ({"sourceCIDRs": ["10.0.0.1/8"]}, "10.0.0.1/8"),
    "no network": ({"sourceCIDRs": []}, "no network"),
    "no sign-in": ({"mfa": {"methods": []}}, "mfa"),
    "limit": ({"limits": {"concurrentPerSubject": 0}}, "concurrentPerSubject"),
    "unknown limit": ({"limits": {"perMoon": 1}}, "perMoon"),
    "both ways": ({"approval": {"required": 1, "groups": [], "approvers": APPROVERS, "timeoutSeconds": 60}}, "both"),
    "neither way": ({"approval": {"approvers": APPROVERS, "timeoutSeconds": 60}}, "neither"),
    "no groups": ({"approval": {"groups": [], "timeoutSeconds": 60}}, "names no group"),
    "no approval": ({"approval": None}, "approval"),
    "short timeout": ({"approval": {"required": 0, "timeoutSeconds": 59}}, "timeoutSeconds"),
    "empty occasion": (
        {"approval": {"required": 1, "approvers": APPROVERS, "timeoutSeconds": 60, "automaticWhile": {}}},
        "automaticWhile",
    ),
    "glass for nobody": ({"breakGlass": {**GLASS, "subjects": []}}, "subjects"),
    "glass without reviewers": (
        {"breakGlass": GLASS, "approval": {"required": 0, "timeoutSeconds": 60}},
        "without approvers",
    ),
    "expression": ({"expression": "request.reason +"}, ""),
    "expression that is no bool": ({"expression": "'yes'"}, ""),
    "field of tomorrow": ({"tomorrow": True}, "tomorrow"),
    "flag": ({"mustNamePaths": "yes"}, "mustNamePaths"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_cant_be_understood_is_an_error_with_a_remedy(odd: str) -> None:
    fields, word = ODD[odd]

    with pytest.raises(InvalidValueError) as raised:
        policy_value(an_object(**fields))
    assert word in raised.value.message
    assert raised.value.remedy


@pytest.mark.parametrize("odd", sorted(ODD.keys() - {"field of tomorrow"}))
def test_such_a_policy_still_decides_about_those_whom_it_names_and_nobody_else(odd: str) -> None:
    policy = policy_or_defect(an_object(**ODD[odd][0]))

    assert policy.defect
    assert policy.matches(ALICE, a_target())
    assert not policy.matches(MALLORY, a_target())
    assert not policy.matches(ALICE, a_target(namespace="other"))


@pytest.mark.parametrize(
    "fields",
    [
        {"subjects": []},
        {"subjects": None},
        {"subjects": [{"kind": "Team", "name": "dev"}]},
        {"subjects": [{"kind": "Workload", "name": "ci"}]},
        {"subjects": [{"kind": "Group", "name": "dev", "except": "bob"}]},
        {"subjects": [{"kind": "User"}]},
        {"subjects": [{"kind": "Group", "name": "dev", "claims": {}}]},
        {"targets": {}},
        {"targets": {"labels": {}}},
        {"targets": {"names": []}},
        {"targets": {"namespaces": ["shop"], "hosts": ["x"]}},
        {"exceptSubjects": DEV},
    ],
    ids=[
        "nobody",
        "no subjects",
        "unknown kind",
        "workload by name",
        "unknown restriction",
        "user without name",
        "no claims",
        "no targets",
        "no labels",
        "no names",
        "unknown selector",
        "field of tomorrow",
    ],
)
def test_where_nobody_knows_whom_it_is_about_it_decides_about_everybody(fields: dict[str, Any]) -> None:
    """It may have been meant to stop anybody."""
    policy = policy_or_defect(an_object(**fields))

    assert policy.defect
    assert policy.matches(Subject("anybody"), a_target(namespace="anywhere"))


def test_a_priority_that_cant_be_read_is_the_first() -> None:
    assert policy_or_defect(an_object(priority="high")).priority == 0
