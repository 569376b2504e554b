"""Objects as people send them to the API server, with defaults that tell the story of `tests.builders`."""

from collections.abc import Iterable
from typing import Any

from jitgress.domain.subject import Subject
from tests.builders import ALICE, CAROL

Object = dict[str, Any]


def a_service_object(name: str = "orders", **spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"type": "ClusterIP", "clusterIP": "127.64.0.7", "ports": ports} | spec,
    }


def a_target_object(name: str = "orders", *, host: str | None = None, paths: Iterable[str] = ("/",)) -> Object:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "service": {"name": name, "port": 80},
            "host": host or f"{name}.example.test",
            "paths": list(paths),
            "methods": ["GET", "POST"],
        },
    }


def a_policy_object(
    name: str = "standard", *, group: str = "dev", required: int = 1, timeout_s: int = 60, priority: int = 100
) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "priority": priority,
            "subjects": [{"kind": "Group", "name": group}],
            "targets": {"namespaces": ["shop"]},
            "maxDurationSeconds": 3600,
            "approval": {
                "required": required,
                "approvers": [{"kind": "Group", "name": "approvers"}],
                "timeoutSeconds": timeout_s,
            },
        },
    }


def a_request_object(
    name: str = "alice-orders",
    *,
    target: str = "orders",
    requester: Subject = ALICE,
    duration_s: int = 30,
    paths: Iterable[str] = ("/",),
) -> Object:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "target": target,
            "requester": {"username": requester.username, "groups": sorted(requester.groups)},
            "reason": "INC-123 orders are stuck",
            "durationSeconds": duration_s,
            "paths": list(paths),
        },
    }


def a_review_object(
    request: Object, decision: str = "Approve", reviewer: Subject = CAROL, *, name: str | None = None
) -> Object:
    metadata = request["metadata"]
    return {
        "metadata": {"name": name or f"{metadata['name']}-{reviewer.username}-{decision.lower()}", "namespace": "shop"},
        "spec": {
            "request": {"name": metadata["name"], "uid": metadata["uid"]},
            "decision": decision,
            "reviewer": {"username": reviewer.username, "groups": sorted(reviewer.groups)},
        },
    }
