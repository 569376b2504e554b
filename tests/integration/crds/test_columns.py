"""What `kubectl get` shows without being asked for more, and by which names the kinds are found."""

from typing import Any, Final

import pytest

from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    Resource,
)
from tests.integration.crds.api import Api
from tests.integration.crds.whole_objects import SYSTEM, WHOLE, a_grant, a_policy, with_field

pytestmark = pytest.mark.real

NOW: Final = "2026-01-01T10:00:00Z"
SHORT: Final = {
    "accesstargets": "at",
    "accesspolicies": "apol",
    "accessrequests": "areq",
    "accessreviews": "arev",
    "accessgrants": "ag",
}


def a_condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": NOW}


def shown(api: Api, resource: Resource, namespace: str, name: str, *, is_wide: bool = False) -> dict[str, Any]:
    """Return one row as `kubectl get` shows it, with -o wide or without."""
    table = api.table(resource, namespace)
    columns = [each for each in table["columnDefinitions"] if is_wide or not each["priority"]]
    names = [column["name"] for column in table["columnDefinitions"]]
    cells = next(row["cells"] for row in table["rows"] if row["object"]["metadata"]["name"] == name)
    whole = dict(zip(names, cells, strict=True))
    return {column["name"]: whole[column["name"]] for column in columns if column["name"] != "Age"}


def told(operator: Api, resource: Resource, found: dict[str, Any], status: dict[str, Any]) -> None:
    answer = operator.merge(resource, found, {"status": status}, "status")
    assert answer.status == 200, answer.message


def test_a_request_shows_its_state_target_requester_and_end(root: Api, operator: Api, namespace: str) -> None:
    found = root.made(ACCESS_REQUESTS, WHOLE[ACCESS_REQUESTS], namespace)
    window = {"notBefore": "2026-01-01T10:00:00.000Z", "notAfter": "2026-01-01T10:10:00.000Z"}
    active = a_condition("Active", "True", "Active")
    told(operator, ACCESS_REQUESTS, found, {"conditions": [active], "window": window, "policy": "standard"})

    assert shown(root, ACCESS_REQUESTS, namespace, "orders-1") == {
        "Name": "orders-1",
        "State": "Active",
        "Target": "orders",
        "Requester": "admin",
        "Closes": "2026-01-01T10:10:00.000Z",
        "Break-Glass": False,
    }


def test_what_was_opened_by_breaking_the_glass_shows_as_such(root: Api, operator: Api, namespace: str) -> None:
    name = f"0b7f0d52-{namespace}"
    glass = with_field(WHOLE[ACCESS_REQUESTS], "spec.breakGlass", value=True)
    due = with_field(a_grant(name), "spec.reviewBy", "2026-01-02T10:00:00.000Z")
    root.made(ACCESS_REQUESTS, glass, namespace)
    granted = operator.made(ACCESS_GRANTS, due, SYSTEM)

    asked = shown(root, ACCESS_REQUESTS, namespace, "orders-1")
    opened = shown(root, ACCESS_GRANTS, SYSTEM, name)
    root.delete(ACCESS_GRANTS, granted)

    assert asked["Break-Glass"] is True
    assert opened["Review-By"] == "2026-01-02T10:00:00.000Z"


def test_a_waiting_request_shows_at_length_whom_it_waits_for(root: Api, operator: Api, namespace: str) -> None:
    found = root.made(ACCESS_REQUESTS, WHOLE[ACCESS_REQUESTS], namespace)
    pending = a_condition("Active", "False", "Pending")
    waits = ["group approvers", "user dave@example.test"]
    told(operator, ACCESS_REQUESTS, found, {"conditions": [pending], "policy": "standard", "waitingFor": waits})

    row = shown(root, ACCESS_REQUESTS, namespace, "orders-1", is_wide=True)

    assert row["State"] == "Pending"
    assert row["Closes"] is None
    assert row["Waits-For"] == '["group approvers","user dave@example.test"]'
    assert row["Policy"] == "standard"
    assert row["Reason"] == "INC-123 orders are stuck"


def test_a_review_shows_whether_it_counts_and_why_not(root: Api, operator: Api, namespace: str) -> None:
    found = root.made(ACCESS_REVIEWS, WHOLE[ACCESS_REVIEWS], namespace)
    told(operator, ACCESS_REVIEWS, found, {"conditions": [a_condition("Counted", "False", "SelfReview")]})

    assert shown(root, ACCESS_REVIEWS, namespace, "orders-1-yes") == {
        "Name": "orders-1-yes",
        "Request": "orders-1",
        "Decision": "Approve",
        "Reviewer": "admin",
        "Counted": "False",
        "Why": "SelfReview",
    }


def test_a_target_shows_whether_it_is_ready_and_why_not(root: Api, operator: Api, namespace: str) -> None:
    found = root.made(ACCESS_TARGETS, WHOLE[ACCESS_TARGETS], namespace)
    not_ready = a_condition("Ready", "False", "ServiceNotFound")
    told(operator, ACCESS_TARGETS, found, {"observedGeneration": 1, "conditions": [not_ready]})

    assert shown(root, ACCESS_TARGETS, namespace, "orders") == {
        "Name": "orders",
        "Host": "orders.example.com",
        "Service": "orders",
        "Ready": "False",
        "Reason": "ServiceNotFound",
    }


def test_a_policy_shows_all_of_its_subjects(root: Api, namespace: str) -> None:
    name = f"columns-{namespace}"
    policy = root.made(ACCESS_POLICIES, a_policy(name), namespace)

    row = shown(root, ACCESS_POLICIES, namespace, name)
    root.delete(ACCESS_POLICIES, policy)

    assert row == {
        "Name": name,
        "Priority": 100,
        "Subjects": '[{"kind":"Group","name":"dev"},{"kind":"User","name":"erin@example.test"}]',
        "Approvals": 1,
        "Max-Seconds": 3600,
        "Effect": "Allow",
        "Ready": None,
    }


def test_a_grant_shows_who_reaches_what_until_when(root: Api, operator: Api, namespace: str) -> None:
    name = f"0b7f0d52-{namespace}"
    found = operator.made(ACCESS_GRANTS, a_grant(name), SYSTEM)
    told(operator, ACCESS_GRANTS, found, {"conditions": [a_condition("Probed", "True", "Refused")]})

    row = shown(root, ACCESS_GRANTS, SYSTEM, name, is_wide=True)
    root.delete(ACCESS_GRANTS, found)

    assert row == {
        "Name": name,
        "Host": "orders.example.com",
        "Subject": "alice@example.test",
        "Request": "orders-1",
        "Closes": "2026-01-01T10:30:00.000Z",
        "Probed": "True",
        "Paths": '["/api"]',
        "Methods": '["GET"]',
        "Review-By": None,
    }


@pytest.mark.parametrize("resource", WHOLE, ids=lambda resource: resource.kind)
def test_every_kind_shows_its_age_last(resource: Resource, root: Api, namespace: str) -> None:
    columns = root.table(resource, namespace)["columnDefinitions"]

    assert [column["name"] for column in columns][:1] == ["Name"]
    assert columns[-1]["name"] == "Age"
    assert not columns[-1]["priority"]


def test_kinds_are_found_by_short_names_and_all_together(root: Api) -> None:
    served = root.get("/apis/jitgress.dev/v1alpha1").body["resources"]

    kinds = {each["name"]: each for each in served if "/" not in each["name"]}

    assert {name: each["shortNames"] for name, each in kinds.items()} == {
        name: [short] for name, short in SHORT.items()
    }
    assert all(each["categories"] == ["jitgress"] for each in kinds.values())
    assert {name for name, each in kinds.items() if not each["namespaced"]} == {"accesspolicies"}


def test_no_short_name_is_somebody_elses(root: Api) -> None:
    """kubectl would answer with the other one."""
    groups = [group["preferredVersion"]["groupVersion"] for group in root.get("/apis").body["groups"]]
    paths = ["/api/v1", *(f"/apis/{group}" for group in groups if not group.startswith("jitgress.dev/"))]

    others = {name for path in paths for each in root.get(path).body["resources"] for name in _names(each)}

    assert others & set(SHORT.values()) == set()


def test_a_policy_has_no_status(root: Api, namespace: str) -> None:
    answer = root.create(ACCESS_POLICIES, with_field(a_policy(), "status.ready", value=True), namespace, is_dry=True)

    assert answer.status == 201
    assert "status" not in answer.body


def _names(resource: dict[str, Any]) -> set[str]:
    return {resource["name"], resource["singularName"], *resource.get("shortNames", ())}
