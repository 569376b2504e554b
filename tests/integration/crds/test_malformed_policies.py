"""A policy that would permit everything, nothing, or something else than it seems to say, is refused in words."""

import pytest

from jitgress.kube.resources import ACCESS_POLICIES
from tests.integration.crds.api import Api
from tests.integration.crds.malformed import ABSENT, Case, assert_refused, table
from tests.integration.crds.whole_objects import a_policy, with_field

pytestmark = pytest.mark.real

A_NAMESPACE = "must be a name of lower-case letters, digits and hyphens, such as orders"
A_TARGET = "must be the name of an object, such as orders"
SELECTS = "spec.targets must state namespaces, names or labels: a policy for every target isn't possible"
SOMEBODY = "spec.approval.approvers must name somebody when approvals are required: name users or groups, or require 0"
KINDS = 'supported values: "User", "Group", "Workload"'
NAMED = "must have a name, unless its kind is Workload: that one has claims alone"
ON_TERMS = "spec must state maxDurationSeconds and approval: only a policy with effect Deny needs neither"
ONE_WAY = "spec.approval must state either required (with approvers) or groups"

WHO = (
    Case("nobody", "spec.subjects", [], "should have at least 1 items"),
    Case("absent", "spec.subjects", ABSENT, "Required value"),
    Case("257", "spec.subjects", [{"kind": "Group", "name": f"g{number}"} for number in range(257)], "at most 256"),
    Case("another kind", "spec.subjects.0.kind", "ServiceAccount", KINDS, named="spec.subjects[0].kind"),
    Case("lower case", "spec.subjects.0.kind", "group", KINDS, named="spec.subjects[0].kind"),
    Case("no name", "spec.subjects.0.name", "", "should be at least 1 chars long", named="spec.subjects[0].name"),
    Case("no name at all", "spec.subjects.0.name", ABSENT, NAMED, named="spec.subjects[0]"),
    Case("a workload by name", "spec.subjects.0.kind", "Workload", NAMED, named="spec.subjects[0]"),
    Case("a workload without claims", "spec.subjects.0", {"kind": "Workload"}, NAMED, named="spec.subjects[0]"),
    Case("none", "spec.subjects.0.claims", {}, "at least 1 properties", named="spec.subjects[0].claims"),
    Case("nothing", "spec.subjects.0.claims", {"a": ""}, "at least 1 chars", named="spec.subjects[0].claims.a"),
    Case("a list", "spec.subjects.0.claims", {"a": ["b"]}, "of type string", named="spec.subjects[0].claims.a"),
    Case("257 characters", "spec.subjects.0.name", "a" * 257, "more than 256 bytes", named="spec.subjects[0].name"),
)
TARGETS = (
    Case("everything", "spec.targets", {}, SELECTS),
    Case("absent", "spec.targets", ABSENT, "Required value"),
    Case("none", "spec.targets.namespaces", [], "should have at least 1 items"),
    Case("none", "spec.targets.names", [], "should have at least 1 items"),
    Case("none", "spec.targets.labels", {}, "should have at least 1 properties"),
    Case("a wildcard", "spec.targets.namespaces.0", "*", A_NAMESPACE, named="spec.targets.namespaces[0]"),
    Case("upper case", "spec.targets.namespaces.0", "Shop", A_NAMESPACE, named="spec.targets.namespaces[0]"),
    Case("a wildcard", "spec.targets.names.0", "*", A_TARGET, named="spec.targets.names[0]"),
    Case("with its namespace", "spec.targets.names.0", "shop/orders", A_TARGET, named="spec.targets.names[0]"),
    Case("a list", "spec.targets.labels", {"tier": ["internal"]}, "of type string", named="spec.targets.labels.tier"),
    Case("64", "spec.targets.labels", {"tier": "a" * 64}, "more than 63 bytes", named="spec.targets.labels.tier"),
)
TERMS = (
    Case("negative", "spec.priority", -1, "should be greater than or equal to 0"),
    Case("too high", "spec.priority", 1001, "should be less than or equal to 1000"),
    Case("a text", "spec.priority", "100", "must be of type integer"),
    Case("absent", "spec.priority", ABSENT, "Required value"),
    Case("zero", "spec.maxDurationSeconds", 0, "should be greater than or equal to 1"),
    Case("negative", "spec.maxDurationSeconds", -60, "should be greater than or equal to 1"),
    Case("more than a day", "spec.maxDurationSeconds", 86_401, "should be less than or equal to 86400"),
    Case("in words", "spec.maxDurationSeconds", "1h", "must be of type integer"),
    Case("absent", "spec.maxDurationSeconds", ABSENT, ON_TERMS, named="spec"),
    Case("a wildcard", "spec.scope.paths.0", "/api/*", "whole segments such as /api/v1", named="spec.scope.paths[0]"),
    Case("dots", "spec.scope.paths.0", "/api/..", "write the path that is meant", named="spec.scope.paths[0]"),
    Case("no path", "spec.scope.paths", [], "should have at least 1 items"),
    Case("paths alone", "spec.scope.methods", ABSENT, "Required value"),
    Case("lower case", "spec.scope.methods.0", "get", 'supported values: "GET"', named="spec.scope.methods[0]"),
)
APPROVAL = (
    Case("absent", "spec.approval", ABSENT, ON_TERMS, named="spec"),
    Case("absent", "spec.approval.required", ABSENT, ONE_WAY, named="spec.approval"),
    Case("negative", "spec.approval.required", -1, "should be greater than or equal to 0"),
    Case("too many", "spec.approval.required", 11, "should be less than or equal to 10"),
    Case("nobody", "spec.approval.approvers", [], SOMEBODY),
    Case("not stated", "spec.approval.approvers", ABSENT, SOMEBODY),
    Case("another kind", "spec.approval.approvers.0.kind", "Team", KINDS, named="spec.approval.approvers[0].kind"),
    Case("less than a minute", "spec.approval.timeoutSeconds", 59, "should be greater than or equal to 60"),
    Case("more than a week", "spec.approval.timeoutSeconds", 604_801, "should be less than or equal to 604800"),
)


@table((*WHO, *TARGETS, *TERMS, *APPROVAL))
def test_a_malformed_policy_is_refused_in_words(case: Case, root: Api, namespace: str) -> None:
    assert_refused(root, ACCESS_POLICIES, namespace, case)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.priority", 0),
        ("spec.priority", 1000),
        ("spec.maxDurationSeconds", 1),
        ("spec.maxDurationSeconds", 86_400),
        ("spec.approval", {"required": 0}),
        ("spec.approval.required", 10),
        ("spec.approval.timeoutSeconds", 60),
        ("spec.approval.timeoutSeconds", 604_800),
        ("spec.targets", {"labels": {"tier": ""}}),
        ("spec.targets.names.0", "orders.v2"),
        ("spec.targets.names", ["a" * 253] * 256),
        ("spec.subjects.0.name", "oidc:team/orders *"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_just_inside_the_rules_is_taken(field: str, value: object, root: Api, namespace: str) -> None:
    answer = root.create(ACCESS_POLICIES, with_field(a_policy(), field, value), namespace, is_dry=True)

    assert answer.status == 201, answer.message


def test_an_approval_has_an_hour_unless_the_policy_says_otherwise(root: Api, namespace: str) -> None:
    short = with_field(a_policy(), "spec.approval", {"required": 0})

    answer = root.create(ACCESS_POLICIES, short, namespace, is_dry=True)

    assert answer.body["spec"]["approval"]["timeoutSeconds"] == 3600
