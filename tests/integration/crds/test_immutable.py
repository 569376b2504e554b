"""What somebody asked or answered never changes, whoever tries and however. Grants: `test_narrowing.py`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from jitgress.kube.resources import (
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    Resource,
)
from tests.integration.crds.api import Answer, Api
from tests.integration.crds.whole_objects import WHOLE, with_field, without_field

pytestmark = pytest.mark.real

KEPT = "spec can't be changed: make a new object instead"

Change = tuple[Resource, str, object]
CHANGES: list[Change] = [
    (ACCESS_REQUESTS, "durationSeconds", 86_400),
    (ACCESS_REQUESTS, "durationSeconds", 1),
    (ACCESS_REQUESTS, "target", "grafana"),
    (ACCESS_REQUESTS, "reason", "INC-124"),
    (ACCESS_REQUESTS, "paths", ["/"]),
    (ACCESS_REQUESTS, "methods", ["GET", "POST"]),
    (ACCESS_REQUESTS, "requester", {"username": "bob@example.test"}),
    (ACCESS_REQUESTS, "requester", {"username": "admin", "claims": {"a.test/amr": ["mfa"]}}),
    (ACCESS_REQUESTS, "startTime", "2026-01-01T10:00:00Z"),
    (ACCESS_REQUESTS, "endTime", "2036-01-01T10:00:00Z"),
    (ACCESS_REQUESTS, "ticket", "CHG-1"),
    (ACCESS_REQUESTS, "breakGlass", True),
    (ACCESS_REQUESTS, "extends", {"name": "orders-0", "uid": "0b7f0d52-0002"}),
    (ACCESS_REVIEWS, "decision", "Deny"),
    (ACCESS_REVIEWS, "request", {"name": "orders-2", "uid": "0b7f0d52-0001"}),
    (ACCESS_REVIEWS, "reviewer", {"username": "carol@example.test"}),
    (ACCESS_REVIEWS, "comment", "never mind"),
    (ACCESS_REVIEWS, "durationSeconds", 60),
    (ACCESS_REVIEWS, "paths", ["/api/v1"]),
    (ACCESS_REVIEWS, "methods", ["GET"]),
    (ACCESS_REVIEWS, "startTime", "2036-01-01T10:00:00Z"),
]

every_change = pytest.mark.parametrize(
    "change",
    [pytest.param(change, id=f"{change[0].kind} {change[1]} {str(change[2])[:20]}") for change in CHANGES],
)


Store = Callable[[Resource], dict[str, Any]]


@pytest.fixture
def store(root: Api, namespace: str) -> Iterator[Store]:
    """Stores an object of a kind and returns it; policies are in the way of nobody afterwards."""
    made: list[tuple[Resource, dict[str, Any]]] = []

    def stored(resource: Resource) -> dict[str, Any]:
        found = root.made(resource, with_field(WHOLE[resource], "metadata.name", f"kept-{namespace}"), namespace)
        made.append((resource, found))
        return found

    yield stored
    for resource, found in made:
        root.delete(resource, found)


@every_change
def test_a_replacement_is_refused(change: Change, store: Store, root: Api) -> None:
    resource, field, value = change
    found = store(resource)

    answer = root.replace(resource, with_field(found, f"spec.{field}", value))

    assert_kept(answer)


@every_change
def test_a_patch_is_refused(change: Change, store: Store, root: Api) -> None:
    resource, field, value = change
    found = store(resource)

    answer = root.merge(resource, found, {"spec": {field: value}})

    assert_kept(answer)


@pytest.mark.parametrize(
    ("resource", "field"),
    [(ACCESS_REQUESTS, "paths"), (ACCESS_REQUESTS, "methods"), (ACCESS_REVIEWS, "comment")],
    ids=["paths", "methods", "comment"],
)
def test_nothing_is_taken_away(resource: Resource, field: str, store: Store, root: Api) -> None:
    found = store(resource)

    answer = root.replace(resource, without_field(found, f"spec.{field}"))

    assert_kept(answer)


@pytest.mark.parametrize("resource", [ACCESS_REQUESTS, ACCESS_REVIEWS], ids=lambda resource: resource.kind)
def test_a_write_of_the_status_changes_no_spec(resource: Resource, store: Store, operator: Api) -> None:
    found = store(resource)
    field = "reason" if resource == ACCESS_REQUESTS else "comment"

    answer = operator.merge(resource, found, {"spec": {field: "another"}, "status": {"conditions": []}}, "status")

    assert answer.status == 200, answer.message
    assert answer.body["spec"] == found["spec"]


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        pytest.param(ACCESS_TARGETS, {"paths": ["/api", "/health"]}, id="AccessTarget"),
        pytest.param(ACCESS_POLICIES, {"priority": 5}, id="AccessPolicy"),
    ],
)
def test_what_is_declared_can_be_changed(
    resource: Resource, change: Mapping[str, Any], store: Store, root: Api
) -> None:
    found = store(resource)

    answer = root.merge(resource, found, {"spec": change})

    assert answer.status == 200, answer.message
    assert answer.body["metadata"]["generation"] == found["metadata"]["generation"] + 1


def assert_kept(answer: Answer) -> None:
    assert answer.status == 422
    assert f"spec: Forbidden: {KEPT}" in answer.message
