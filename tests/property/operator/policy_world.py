"""The people, policies and targets of the machine that edits policies while access is open."""

from collections.abc import Mapping
from typing import Any, Final

from jitgress.domain.subject import Subject

ALICE: Final = Subject("alice", frozenset({"dev"}))
DANA: Final = Subject("dana", frozenset({"dev", "oncall"}))
OLGA: Final = Subject("olga", frozenset({"dev", "oncall"}))
AMY: Final = Subject("amy", frozenset({"auto"}))
CLEO: Final = Subject("cleo", frozenset({"careful"}))
ALICE_ELSEWHERE: Final = Subject("alice", frozenset({"auto"}))
"""Alice after she left one group and joined another."""
ALICE_IN_CAPITALS: Final = Subject("ALICE", frozenset({"approvers"}))
DANA_WHO_APPROVES: Final = Subject("dana", frozenset({"dev", "oncall", "approvers"}))

REQUESTERS: Final = (ALICE, ALICE, DANA, OLGA, AMY, AMY, CLEO, DANA_WHO_APPROVES)

CAROL: Final = Subject("carol", frozenset({"approvers"}))
CHRIS: Final = Subject("chris", frozenset({"approvers", "bosses"}))
SONIA: Final = Subject("sonia", frozenset({"security"}))
OWEN: Final = Subject("owen", frozenset({"owners", "security"}))
MALLORY: Final = Subject("mallory")
CAROL_AGAIN: Final = Subject("Carol", frozenset({"approvers"}))

REVIEWERS: Final = (CAROL, CHRIS, SONIA, OWEN, CAROL_AGAIN, ALICE_IN_CAPITALS, DANA_WHO_APPROVES, MALLORY)

Patch = tuple[tuple[str, ...], Any]
_DAILY: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name}


def hours(begins: str, ends: str) -> dict[str, Any]:
    return {"timeZone": "UTC", "windows": [{"days": _DAILY, "from": begins, "to": ends}]}


def glass(subjects: str, *, most_s: int = 900, is_locked: bool = True) -> dict[str, Any]:
    terms = {"subjects": [group(subjects)], "maxDurationSeconds": most_s, "reviewWithinSeconds": 300}
    return {**terms, "lockOut": is_locked}


POLICIES: Final[dict[str, dict[str, Any]]] = {
    "auto": {
        "priority": 50,
        "subjects": [group("auto")],
        "maxDurationSeconds": 900,
        "maxStartAheadSeconds": 7200,
        "extensions": {"max": 2, "maxTotalSeconds": 2400},
        "approval": {"required": 0, "approvers": [group("approvers")], "timeoutSeconds": 600},
    },
    "careful": {
        "priority": 60,
        "subjects": [group("careful")],
        "maxDurationSeconds": 1800,
        "approval": {
            "groups": [
                {"name": "security", "required": 1, "approvers": [group("security")]},
                {"name": "owners", "required": 1, "approvers": [group("owners")]},
            ],
            "timeoutSeconds": 600,
        },
    },
    "dev": {
        "priority": 100,
        "subjects": [group("dev")],
        "maxDurationSeconds": 1800,
        "defaultDurationSeconds": 1200,
        "maxStartAheadSeconds": 7200,
        "extensions": {"max": 2, "maxTotalSeconds": 3600},
        "approval": {"required": 1, "approvers": [group("approvers")], "timeoutSeconds": 600},
        "breakGlass": glass("oncall"),
    },
}

_A: Final = {"paths": ["/a"], "methods": ["GET"]}
CHANGES: Final[dict[str, Patch]] = {
    "cap 300": (("maxDurationSeconds",), 300),
    "cap 900": (("maxDurationSeconds",), 900),
    "cap 3600": (("maxDurationSeconds",), 3600),
    "default 600": (("defaultDurationSeconds",), 600),
    "no default": (("defaultDurationSeconds",), None),
    "sum 1800": (("extensions",), {"max": 1, "maxTotalSeconds": 1800}),
    "sum 7200": (("extensions",), {"max": 3, "maxTotalSeconds": 7200}),
    "no extensions": (("extensions",), None),
    "ahead": (("maxStartAheadSeconds",), 7200),
    "not ahead": (("maxStartAheadSeconds",), 0),
    "only /a": (("scope",), _A),
    "no scope": (("scope",), None),
    "sources 10/8": (("sourceCIDRs",), ["10.0.0.0/8"]),
    "sources 10.1/16": (("sourceCIDRs",), ["10.1.0.0/16"]),
    "from anywhere": (("sourceCIDRs",), None),
    "mornings": (("schedule",), hours("09:00", "10:40")),
    "afternoons": (("schedule",), hours("12:00", "18:00")),
    "always": (("schedule",), None),
    "one at a time": (("limits",), {"concurrentPerSubject": 1}),
    "one on each": (("limits",), {"concurrentPerTarget": 1}),
    "three a day": (("limits",), {"requestsPerDay": 3}),
    "no limits": (("limits",), None),
    "no glass": (("breakGlass",), None),
    "glass for auto": (("breakGlass",), glass("auto")),
    "glass without lock": (("breakGlass",), glass("oncall", most_s=300, is_locked=False)),
    "deny": (("effect",), "Deny"),
    "allow": (("effect",), None),
    "two approvers": (("approval",), {"required": 2, "approvers": [group("approvers")], "timeoutSeconds": 600}),
    "bosses approve": (("approval",), {"required": 1, "approvers": [group("bosses")], "timeoutSeconds": 600}),
    "carol approves": (
        ("approval",),
        {"required": 1, "approvers": [{"kind": "User", "name": "carol"}], "timeoutSeconds": 120},
    ),
    "automatic": (("approval",), {"required": 0, "approvers": [group("approvers")], "timeoutSeconds": 600}),
    "unreadable": (("tomorrow",), True),
    "readable": (("tomorrow",), None),
}
"""What an edit sets; None takes the field away."""

TARGETS: Final[dict[str, dict[str, Any]]] = {
    name: {
        "service": {"name": name, "port": 80},
        "host": f"{name}.example.test",
        "paths": ["/"],
        "methods": ["GET", "POST"],
    }
    for name in ("orders", "stock")
}
TARGET_CHANGES: Final[dict[str, Patch]] = {
    "only /a": (("paths",), ["/a"]),
    "/a and /b": (("paths",), ["/a", "/b"]),
    "everything": (("paths",), ["/"]),
    "another host": (("host",), "moved.example.test"),
}


def patched(spec: Mapping[str, Any], patch: Patch) -> dict[str, Any]:
    """Return `spec` with one field set, or taken away."""
    (field,), value = patch
    rest = {key: each for key, each in spec.items() if key != field}
    return rest if value is None else rest | {field: value}


def policy_object(name: str, *changes: Patch) -> dict[str, Any]:
    spec: dict[str, Any] = {"targets": {"namespaces": ["shop"]}, **POLICIES[name]}
    for change in changes:
        spec = patched(spec, change)
    return {"metadata": {"name": name}, "spec": spec}


def target_object(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": TARGETS[name]}


def identity(who: Subject) -> dict[str, Any]:
    return {"username": who.username, "groups": sorted(who.groups)}


def request_object(name: str, target: str, who: Subject, fields: Mapping[str, Any]) -> dict[str, Any]:
    spec = {"target": target, "requester": identity(who), "reason": "INC-123 orders are stuck"}
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": spec | dict(fields)}


def review_object(name: str, request: Mapping[str, Any], who: Subject, decision: str, fields: Mapping[str, Any]) -> Any:
    metadata = request["metadata"]
    spec = {"request": {"name": metadata["name"], "uid": metadata["uid"]}, "decision": decision}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec | {"reviewer": identity(who)} | dict(fields if decision == "Approve" else {}),
    }
