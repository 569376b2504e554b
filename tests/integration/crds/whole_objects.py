"""One whole object of each kind, and how a test changes one field of it."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    Resource,
)

Object = dict[str, Any]
API_VERSION: Final = "jitgress.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody as the API server of the tests knows them."""

    username: str
    groups: tuple[str, ...]
    claims: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def as_identity(self) -> Object:
        claims = {"claims": {key: list(values) for key, values in self.claims}} if self.claims else {}
        return {"username": self.username, "groups": list(self.groups), **claims}


EVERYBODY: Final = "system:authenticated"
ADMIN: Final = Who("admin", ("system:masters", EVERYBODY))
ALICE: Final = Who("alice@example.test", ("dev", EVERYBODY))
BOB: Final = Who("bob@example.test", ("dev", EVERYBODY))
CAROL: Final = Who("carol@example.test", ("approvers", EVERYBODY))
DAVE: Final = Who("dave@example.test", ("platform-admins", EVERYBODY))
ERIN: Final = Who("erin@example.test", ("auditors", EVERYBODY))
MALLORY: Final = Who("mallory@example.test", (EVERYBODY,))
NINA: Final = Who("nina@example.test", (EVERYBODY,))
OLGA: Final = Who("olga@example.test", (EVERYBODY,))

SYSTEM: Final = "jitgress-system"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:jitgress-operator"
PORTAL: Final = f"system:serviceaccount:{SYSTEM}:jitgress-portal"
GATE: Final = f"system:serviceaccount:{SYSTEM}:jitgress-gate"


def a_target(name: str = "orders") -> Object:
    return _object(
        "AccessTarget",
        name,
        {
            "service": {"name": "orders", "port": "http"},
            "host": "orders.example.com",
            "paths": ["/api"],
            "methods": ["GET"],
        },
    )


def a_policy(name: str = "standard") -> Object:
    return _object(
        "AccessPolicy",
        name,
        {
            "priority": 100,
            "subjects": [{"kind": "Group", "name": "dev"}, {"kind": "User", "name": "erin@example.test"}],
            "targets": {"namespaces": ["shop"], "names": ["orders"], "labels": {"tier": "internal"}},
            "maxDurationSeconds": 3600,
            "scope": {"paths": ["/api"], "methods": ["GET"]},
            "approval": {
                "required": 1,
                "approvers": [{"kind": "Group", "name": "approvers"}],
                "timeoutSeconds": 600,
            },
        },
    )


def a_request(name: str = "orders-1", *, who: Who = ADMIN) -> Object:
    return _object(
        "AccessRequest",
        name,
        {
            "target": "orders",
            "requester": who.as_identity(),
            "reason": "INC-123 orders are stuck",
            "durationSeconds": 600,
            "paths": ["/api"],
            "methods": ["GET"],
        },
    )


def a_review(name: str = "orders-1-yes", *, who: Who = ADMIN, request: Mapping[str, Any] | None = None) -> Object:
    asked = request["metadata"] if request is not None else {"name": "orders-1", "uid": "0b7f0d52-0000"}
    return _object(
        "AccessReview",
        name,
        {
            "request": {"name": asked["name"], "uid": asked["uid"]},
            "decision": "Approve",
            "reviewer": who.as_identity(),
            "comment": "fine",
        },
    )


def a_grant(name: str = "0b7f0d52-0000") -> Object:
    return _object(
        "AccessGrant",
        name,
        {
            "request": {"namespace": "shop", "name": "orders-1", "uid": name},
            "target": {"namespace": "shop", "name": "orders", "uid": "1c7f0d52-0000"},
            "policy": "standard",
            "subject": ALICE.as_identity(),
            "host": "orders.example.com",
            "address": "10.0.0.7:80",
            "paths": ["/api"],
            "methods": ["GET"],
            "notBefore": "2026-01-01T10:00:00.000Z",
            "notAfter": "2026-01-01T10:30:00.000Z",
            "since": "2026-01-01T09:30:00.000Z",
            "extensions": 1,
        },
    )


def with_field(body: Mapping[str, Any], field: str, value: object) -> Object:
    """Return a copy with another value at `field`, such as `spec.subjects.0.name`; what is on the way is made."""
    changed = deepcopy(dict(body))
    *way, last = field.split(".")
    place = _at(changed, way)
    place[int(last) if isinstance(place, list) else last] = value
    return changed


def without_field(body: Mapping[str, Any], field: str) -> Object:
    """Return a copy that lacks `field`."""
    changed = deepcopy(dict(body))
    *way, last = field.split(".")
    del _at(changed, way)[last]
    return changed


def _at(body: Any, way: Iterable[str]) -> Any:
    for step in way:
        body = body[int(step)] if isinstance(body, list) else body.setdefault(step, {})
    return body


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


WHOLE: Final[Mapping[Resource, Object]] = {
    ACCESS_TARGETS: a_target(),
    ACCESS_POLICIES: a_policy(),
    ACCESS_REQUESTS: a_request(),
    ACCESS_REVIEWS: a_review(),
    ACCESS_GRANTS: a_grant(),
}
KINDS: Final = tuple(WHOLE)
