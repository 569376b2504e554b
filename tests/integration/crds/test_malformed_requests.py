"""Requests, reviews and grants that can't be meant are refused; the message names the field and the remedy."""

import pytest

from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS, Resource
from tests.integration.crds.api import Api
from tests.integration.crds.malformed import ABSENT, Case, assert_refused, table
from tests.integration.crds.whole_objects import KINDS, WHOLE, a_request, a_review, with_field

pytestmark = pytest.mark.real

A_NAME = "must be the name of an object, such as orders"
A_UID = "uid must be the metadata.uid of the object that is meant: letters, digits and hyphens"
WHAT_FOR = "spec.reason must say what the access is for: name the incident, ticket or task"
PLAIN = "must be plain text: leave out control characters and those that turn the direction of writing"
DECISIONS = 'supported values: "Approve", "Deny", "Revoke"'
SEGMENTS = "paths must be / or whole segments such as /api/v1"
A_NETWORK = "must be a network such as 10.0.0.0/8 or 2001:db8::/32: no bits set after its length"
MOMENT = "must be of type date-time"

REQUESTS = (
    Case("zero", "spec.durationSeconds", 0, "should be greater than or equal to 1"),
    Case("negative", "spec.durationSeconds", -600, "should be greater than or equal to 1"),
    Case("more than a day", "spec.durationSeconds", 86_401, "should be less than or equal to 86400"),
    Case("beyond 2^53", "spec.durationSeconds", 9_007_199_254_740_993, "should be less than or equal to 86400"),
    Case("in words", "spec.durationSeconds", "15m", "must be of type integer"),
    Case("a fraction", "spec.durationSeconds", 1.5, "must be of type integer"),
    Case("nothing", "spec.reason", "", WHAT_FOR),
    Case("spaces", "spec.reason", "  \n\t", WHAT_FOR),
    Case("spaces that don't break", "spec.reason", "\u00a0\u2003", WHAT_FOR),
    Case("what nobody can see", "spec.reason", "\u200b\u2060", WHAT_FOR),
    Case("dashes", "spec.reason", "---", WHAT_FOR),
    Case("a terminal's commands", "spec.reason", "INC-1\u001b[2K", PLAIN),
    Case("a bell of 8 bits", "spec.reason", "INC-1\u009b2K", PLAIN),
    Case("turned writing", "spec.reason", "INC-1 \u202e 3-CNI", PLAIN),
    Case("1,025 characters", "spec.reason", "a" * 1025, "may not be more than 1024 bytes"),
    Case("absent", "spec.reason", ABSENT, "Required value"),
    Case("with its namespace", "spec.target", "shop/orders", A_NAME),
    Case("a wildcard", "spec.target", "*", A_NAME),
    Case("upwards", "spec.target", "../orders", A_NAME),
    Case("upper case", "spec.target", "Orders", A_NAME),
    Case("nothing", "spec.target", "", A_NAME),
    Case("absent", "spec.target", ABSENT, "Required value"),
    Case("none", "spec.paths", [], "should have at least 1 items"),
    Case("a wildcard", "spec.paths.0", "/api/*", SEGMENTS, named="spec.paths[0]"),
    Case("two dots", "spec.paths.0", "/api/..", "write the path that is meant", named="spec.paths[0]"),
    Case("none", "spec.methods", [], "should have at least 1 items"),
    Case("lower case", "spec.methods.0", "get", 'supported values: "GET"', named="spec.methods[0]"),
    Case("no name", "spec.requester.username", "", "should be at least 1 chars long"),
    Case(
        "a text",
        "spec.requester.claims",
        {"a.test/b": "c"},
        "must be of type array",
        named="spec.requester.claims.a.test/b",
    ),
    Case("33 claims", "spec.requester.claims", {f"a.test/{key}": ["b"] for key in range(33)}, "at most 32 items"),
    Case("in words", "spec.startTime", "tomorrow", MOMENT),
    Case("without a zone", "spec.startTime", "2026-01-01T10:00:00", MOMENT),
    Case("the 31st of February", "spec.endTime", "2026-02-31T10:00:00Z", MOMENT),
    Case("in seconds", "spec.endTime", 1_767_261_600, "must be of type"),
    Case("nothing", "spec.ticket", "", "should be at least 1 chars long"),
    Case("129 characters", "spec.ticket", "C" * 129, "may not be more than 128 bytes"),
    Case("a terminal's commands", "spec.ticket", "CHG-1\u001b[2K", PLAIN),
    Case("a name alone", "spec.extends", {"name": "orders-1"}, "Required value", named="spec.extends.uid"),
    Case("with its namespace", "spec.extends", {"name": "a/b", "uid": "c"}, A_NAME, named="spec.extends.name"),
    Case("a text", "spec.breakGlass", "yes", "must be of type boolean"),
    Case("the same twice", "spec.requester.groups", ["a", "a"], "Duplicate value", named="spec.requester.groups[1]"),
    Case("257", "spec.requester.groups", [f"g{number}" for number in range(257)], "must have at most 256 items"),
)
REVIEWS = (
    Case("lower case", "spec.decision", "approve", DECISIONS),
    Case("another word", "spec.decision", "Maybe", DECISIONS),
    Case("nothing", "spec.decision", "", DECISIONS),
    Case("absent", "spec.decision", ABSENT, "Required value"),
    Case("absent", "spec.request", ABSENT, "Required value"),
    Case("a name alone", "spec.request.uid", ABSENT, "Required value"),
    Case("nothing", "spec.request.uid", "", A_UID),
    Case("a space", "spec.request.uid", "0b7f 0d52", A_UID),
    Case("65 characters", "spec.request.uid", "a" * 65, "may not be more than 64 bytes"),
    Case("a UID alone", "spec.request.name", ABSENT, "Required value"),
    Case("with its namespace", "spec.request.name", "shop/orders-1", A_NAME),
    Case("zero", "spec.durationSeconds", 0, "should be greater than or equal to 1"),
    Case("more than a day", "spec.durationSeconds", 86_401, "should be less than or equal to 86400"),
    Case("in words", "spec.startTime", "later", MOMENT),
    Case("none", "spec.paths", [], "should have at least 1 items"),
    Case("a wildcard", "spec.paths", ["/api/*"], SEGMENTS, named="spec.paths[0]"),
    Case("none", "spec.methods", [], "should have at least 1 items"),
    Case("a terminal's commands", "spec.comment", "fine\u001b[2K", PLAIN),
    Case("1,025 characters", "spec.comment", "a" * 1025, "may not be more than 1024 bytes"),
)
GRANTS = (
    Case("a host name", "spec.address", "orders.shop:80", "address must be IP:port"),
    Case("without a port", "spec.address", "10.0.0.7", "address must be IP:port"),
    Case("a line break at the end", "spec.address", "10.0.0.7:80\n", "address must be IP:port"),
    Case("in words", "spec.notAfter", "tomorrow", MOMENT),
    Case("a day alone", "spec.notAfter", "2026-01-01", MOMENT),
    Case("without a zone", "spec.notAfter", "2026-01-01T10:00:00", MOMENT),
    Case("the 31st of February", "spec.notBefore", "2026-02-31T10:00:00Z", MOMENT),
    Case("absent", "spec.notAfter", ABSENT, "Required value"),
    Case("a wildcard", "spec.host", "*.example.com", "host must be one exact name"),
    Case("an escape", "spec.paths.0", "/%2e%2e", SEGMENTS, named="spec.paths[0]"),
    Case("none", "spec.paths", [], "should have at least 1 items"),
    Case("CONNECT", "spec.methods.0", "CONNECT", 'supported values: "GET"', named="spec.methods[0]"),
    Case("negative", "spec.extensions", -1, "should be greater than or equal to 0"),
    Case("absent", "spec.since", ABSENT, "Required value"),
    Case("in words", "spec.reviewBy", "tomorrow", MOMENT),
    Case("none", "spec.sourceCIDRs", [], "should have at least 1 items"),
    Case("bits after its length", "spec.sourceCIDRs", ["10.0.0.1/8"], A_NETWORK, named="spec.sourceCIDRs[0]"),
    Case("an address alone", "spec.sourceCIDRs", ["10.0.0.1"], A_NETWORK, named="spec.sourceCIDRs[0]"),
    Case("a name", "spec.sourceCIDRs", ["office"], A_NETWORK, named="spec.sourceCIDRs[0]"),
    Case("nobody", "spec.subject", ABSENT, "Required value"),
    Case("without its UID", "spec.request.uid", ABSENT, "Required value"),
)


@table(REQUESTS)
def test_a_malformed_request_is_refused_in_words(case: Case, root: Api, namespace: str) -> None:
    assert_refused(root, ACCESS_REQUESTS, namespace, case)


@table(REVIEWS)
def test_a_malformed_review_is_refused_in_words(case: Case, root: Api, namespace: str) -> None:
    assert_refused(root, ACCESS_REVIEWS, namespace, case)


@table(GRANTS)
def test_a_malformed_grant_is_refused_in_words_even_to_the_operator(case: Case, operator: Api, namespace: str) -> None:
    assert_refused(operator, ACCESS_GRANTS, namespace, case)


@pytest.mark.parametrize("resource", KINDS, ids=lambda resource: resource.kind)
def test_a_field_that_nobody_knows_is_named(resource: Resource, root: Api, operator: Api, namespace: str) -> None:
    """kubectl asks for strictness; who doesn't is warned, and the field, which could be a restriction, isn't kept."""
    api = operator if resource == ACCESS_GRANTS else root
    changed = with_field(WHOLE[resource], "spec.onlyOnSundays", value=True)

    strict = api.create(resource, changed, namespace, is_dry=True, is_strict=True)
    lenient = api.create(resource, changed, namespace, is_dry=True)

    assert strict.status == 400
    assert 'unknown field "spec.onlyOnSundays"' in strict.message
    assert 'unknown field \\"spec.onlyOnSundays\\"' in lenient.warning
    assert "onlyOnSundays" not in lenient.body["spec"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.durationSeconds", 1),
        ("spec.durationSeconds", 86_400),
        ("spec.reason", "7"),
        ("spec.reason", "\u6ce8\u6587\u304c\u6b62\u307e\u3063\u305f \U0001f525"),
        ("spec.reason", "INC-123:\n\torders are stuck"),
        ("spec.reason", "a" * 1024),
        ("spec.target", "orders.v2"),
        ("spec.target", "a" * 253),
        ("spec.paths", None),
        ("spec.durationSeconds", None),
        ("spec.startTime", "2026-01-01T10:00:00Z"),
        ("spec.endTime", "2026-01-01T10:00:00.123456+02:00"),
        ("spec.ticket", "C" * 128),
        ("spec.breakGlass", True),
        ("spec.extends", {"name": "orders-0", "uid": "0b7f0d52-0000"}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_just_inside_the_rules_is_taken(field: str, value: object, root: Api, namespace: str) -> None:
    answer = root.create(ACCESS_REQUESTS, with_field(a_request(), field, value), namespace, is_dry=True)

    assert answer.status == 201, answer.message


@pytest.mark.parametrize("decision", ["Approve", "Deny", "Revoke"])
def test_every_answer_can_be_given_without_a_comment(decision: str, root: Api, namespace: str) -> None:
    review = with_field(with_field(a_review(), "spec.decision", decision), "spec.comment", None)

    answer = root.create(ACCESS_REVIEWS, review, namespace, is_dry=True)

    assert answer.status == 201, answer.message


@pytest.mark.parametrize("decision", ["Deny", "Revoke"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("durationSeconds", 60),
        ("startTime", "2026-01-01T10:00:00Z"),
        ("paths", ["/api"]),
        ("methods", ["GET"]),
    ],
    ids=["shorter", "later", "fewer paths", "fewer methods"],
)
def test_only_an_approval_narrows(field: str, value: object, decision: str, root: Api, namespace: str) -> None:
    approval = with_field(a_review(), f"spec.{field}", value)

    approved = root.create(ACCESS_REVIEWS, approval, namespace, is_dry=True)
    refused = root.create(ACCESS_REVIEWS, with_field(approval, "spec.decision", decision), namespace, is_dry=True)

    assert approved.status == 201, approved.message
    assert refused.status == 422
    assert "only an approval can shorten or narrow" in refused.message
