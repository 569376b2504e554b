"""Terms of a policy that can't be meant are refused in words, as far as the API server can tell.

What it can't tell, such as whether a time zone exists, the operator says at the policy's Ready.
"""

from typing import Any, Final

import pytest

from jitgress.kube.resources import ACCESS_POLICIES
from tests.integration.crds.api import Api
from tests.integration.crds.malformed import Case, assert_refused, table
from tests.integration.crds.whole_objects import a_policy, with_field

pytestmark = pytest.mark.real

A_NETWORK: Final = "must be a network such as 10.0.0.0/8 or 2001:db8::/32: no bits set after its length"
AN_HOUR: Final = "must be a time of day: write it like 08:00, or 24:00"
A_ZONE: Final = "timeZone must be a name of the IANA: write it like Europe/Berlin"
A_PATTERN: Final = "pattern must be a regular expression of RE2"
ONE_WAY: Final = "spec.approval must state either required (with approvers) or groups"
BOTH_WAYS: Final = {"required": 1, "approvers": [{"kind": "Group", "name": "sec"}]}
QUORUM: Final = {"name": "security", "required": 1, "approvers": [{"kind": "Group", "name": "sec"}]}
GLASS: Final = {
    "subjects": [{"kind": "Group", "name": "on-call"}],
    "maxDurationSeconds": 900,
    "reviewWithinSeconds": 86_400,
}


def hours(days: Any = ("Mon",), begin: str = "08:00", end: str = "18:00", zone: str = "Europe/Berlin") -> Any:
    return {"timeZone": zone, "windows": [{"days": list(days), "from": begin, "to": end}]}


def approval(**fields: Any) -> dict[str, Any]:
    return {"timeoutSeconds": 600, **fields}


SCHEDULES: Final = (
    Case("a zone of nothing", "spec.schedule", hours(zone=""), A_ZONE, "spec.schedule.timeZone"),
    Case("a file elsewhere", "spec.schedule", hours(zone="../../etc/passwd"), A_ZONE, "spec.schedule.timeZone"),
    Case("no day", "spec.schedule", hours(()), "should have at least 1 items", "spec.schedule.windows[0].days"),
    Case("a long day", "spec.schedule", hours(("Monday",)), "supported values", "spec.schedule.windows[0].days[0]"),
    Case("9", "spec.schedule", hours(begin="9:00"), AN_HOUR, "spec.schedule.windows[0].from"),
    Case("25 h", "spec.schedule", hours(end="25:00"), AN_HOUR, "spec.schedule.windows[0].to"),
    Case("24:01", "spec.schedule", hours(end="24:01"), AN_HOUR, "spec.schedule.windows[0].to"),
    Case("seconds", "spec.schedule", hours(end="18:00:00"), "more than 5 bytes", "spec.schedule.windows[0].to"),
    Case("no window", "spec.schedule", {"timeZone": "UTC", "windows": []}, "at least 1 items", "spec.schedule.windows"),
)
WORDS: Final = (
    Case("unclosed", "spec.reason", {"pattern": "INC-("}, A_PATTERN, "spec.reason.pattern"),
    Case("look-around", "spec.ticket", {"pattern": "(?=CHG)"}, A_PATTERN, "spec.ticket.pattern"),
    Case("a back reference", "spec.reason", {"pattern": r"(a)\1"}, A_PATTERN, "spec.reason.pattern"),
    Case("too many times", "spec.reason", {"pattern": "a{1001}"}, A_PATTERN, "spec.reason.pattern"),
    Case("nothing", "spec.reason", {"pattern": ""}, "at least 1 chars", "spec.reason.pattern"),
    Case("513", "spec.reason", {"pattern": "a" * 513}, "more than 512 bytes", "spec.reason.pattern"),
    Case("a hint alone", "spec.ticket", {"hint": "CHG-1"}, "Required value", "spec.ticket.pattern"),
    Case("a terminal's commands", "spec.message", "no\u001b[2K", "must be plain text"),
    Case("2,049", "spec.expression", "true" + " " * 2045, "may not be more than 2048 bytes"),
    Case("another word", "spec.effect", "allow", 'supported values: "Allow", "Deny"'),
)
NUMBERS: Final = (
    Case("more than the most", "spec.defaultDurationSeconds", 3601, "must not be more than maxDurationSeconds: lower"),
    Case("negative", "spec.maxStartAheadSeconds", -1, "should be greater than or equal to 0"),
    Case("none", "spec.limits", {"requestsPerDay": 0}, "greater than or equal to 1", "spec.limits.requestsPerDay"),
    Case("none", "spec.mfa", {"methods": []}, "should have at least 1 items", "spec.mfa.methods"),
    Case("an age alone", "spec.mfa", {"maxAgeSeconds": 60}, "Required value", "spec.mfa.methods"),
    Case("no sum", "spec.extensions", {"max": 1}, "Required value", "spec.extensions.maxTotalSeconds"),
    Case("bits after its length", "spec.sourceCIDRs", ["10.0.0.1/8"], A_NETWORK, "spec.sourceCIDRs[0]"),
    Case("33 bits", "spec.sourceCIDRs", ["10.0.0.0/33"], A_NETWORK, "spec.sourceCIDRs[0]"),
    Case("an address", "spec.sourceCIDRs", ["2001:db8::1"], A_NETWORK, "spec.sourceCIDRs[0]"),
    Case("none", "spec.sourceCIDRs", [], "should have at least 1 items"),
)
APPROVALS: Final = (
    Case("both", "spec.approval", approval(**BOTH_WAYS, groups=[QUORUM]), ONE_WAY),
    Case("no group", "spec.approval", approval(groups=[]), "should have at least 1 items", "spec.approval.groups"),
    Case(
        "a group of nobody",
        "spec.approval",
        approval(groups=[QUORUM | {"approvers": []}]),
        "should have at least 1 items",
        "spec.approval.groups[0].approvers",
    ),
    Case(
        "a group that requires none",
        "spec.approval",
        approval(groups=[QUORUM | {"required": 0}]),
        "should be greater than or equal to 1",
        "spec.approval.groups[0].required",
    ),
    Case(
        "automatic at any time",
        "spec.approval",
        approval(**BOTH_WAYS, automaticWhile={}),
        "automaticWhile must state subjects, schedule or expression",
        "spec.approval.automaticWhile",
    ),
    Case("a URL", "spec.approval.webhook", "https://a.test", "must be the name of an object"),
    Case("nobody", "spec.breakGlass", GLASS | {"subjects": []}, "at least 1 items", "spec.breakGlass.subjects"),
    Case(
        "no review",
        "spec.breakGlass",
        {key: value for key, value in GLASS.items() if key != "reviewWithinSeconds"},
        "Required value",
        "spec.breakGlass.reviewWithinSeconds",
    ),
)


@table((*SCHEDULES, *WORDS, *NUMBERS, *APPROVALS))
def test_malformed_terms_are_refused_in_words(case: Case, root: Api, namespace: str) -> None:
    assert_refused(root, ACCESS_POLICIES, namespace, case)


def test_what_nobody_approves_nobody_reviews_afterwards(root: Api, namespace: str) -> None:
    automatic = with_field(a_policy(), "spec.approval", {"required": 0})

    answer = root.create(ACCESS_POLICIES, with_field(automatic, "spec.breakGlass", GLASS), namespace, is_dry=True)

    assert answer.status == 422
    assert "spec.approval must name approvers where breakGlass is stated" in answer.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.schedule", hours(("Mon", "Sun"), "00:00", "24:00", "America/Argentina/Buenos_Aires")),
        ("spec.schedule", hours(begin="22:00", end="06:00", zone="Etc/GMT+5")),
        ("spec.schedule", hours(zone="Mars/Olympus")),
        ("spec.reason", {"pattern": r"\bINC-[0-9]+\b", "hint": "Name the incident, such as INC-123."}),
        ("spec.ticket", {"pattern": r"(a+)+$"}),
        ("spec.sourceCIDRs", ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::/0"]),
        ("spec.approval", approval(groups=[QUORUM, QUORUM | {"name": "owner", "required": 10}])),
        ("spec.approval.automaticWhile", {"schedule": hours()}),
        ("spec.breakGlass", GLASS | {"lockOut": True}),
        ("spec.subjects", [{"kind": "Workload", "claims": {"example.test/repository": "org/app"}}]),
        ("spec.mfa", {"methods": ["otp", "hwk"], "maxAgeSeconds": 3600}),
        ("spec.defaultDurationSeconds", 3600),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_can_be_meant_is_taken(field: str, value: object, root: Api, namespace: str) -> None:
    answer = root.create(ACCESS_POLICIES, with_field(a_policy(), field, value), namespace, is_dry=True)

    assert answer.status == 201, answer.message


def test_a_denial_needs_no_terms(root: Api, namespace: str) -> None:
    spec = {key: a_policy()["spec"][key] for key in ("priority", "subjects", "targets")}
    denial = {**a_policy(), "spec": {**spec, "effect": "Deny", "message": "The quarter is being closed."}}

    answer = root.create(ACCESS_POLICIES, denial, namespace, is_dry=True)

    assert answer.status == 201, answer.message
