"""Break-glass: opens at once for those whom the policy names, shows everywhere as what it is, and is reviewed after."""

from typing import Any

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, EVENTS
from tests.e2e.place import BY_ONE, NAMESPACE, Place, condition, state_of, window_of
from tests.e2e.stack import Stack

pytestmark = pytest.mark.real

ALICE_ALONE = {
    "subjects": [{"kind": "User", "name": "alice@example.test"}],
    "maxDurationSeconds": 120,
    "reviewWithinSeconds": 600,
}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def kubectl_get(stack: Stack, request: str) -> dict[str, Any]:
    """Return the line of `kubectl get accessrequests`, by column."""
    name = request.partition("/")[2]
    table = stack.tell("carol", "GET", ACCESS_REQUESTS.path(NAMESPACE), headers=TABLE)
    (cells,) = [row["cells"] for row in table["rows"] if row["object"]["metadata"]["name"] == name]
    return dict(zip((column["name"] for column in table["columnDefinitions"]), cells, strict=True))


def kubernetes_events(place: Place, request: str) -> dict[str, str]:
    """Return what `kubectl describe` tells of a request: note by reason."""
    uid = place.found(request)["metadata"]["uid"]
    every = place.stack.tell("admin", "GET", EVENTS.path(NAMESPACE))["items"]
    return {each["reason"]: each["note"] for each in every if each.get("regarding", {}).get("uid") == uid}


def test_the_glass_is_broken_at_once_shows_as_broken_and_is_reviewed_after(stack: Stack, place: Place) -> None:
    place.allow(approval=BY_ONE, breakGlass=ALICE_ALONE)

    why = ("--reason", "INC-123 nobody can pay", "--for", "8s")
    asked = stack.say("alice", "request", place.target, "--break-glass", *why, "--wait")

    request = f"{NAMESPACE}/{asked['metadata']['name']}"
    assert state_of(asked) == "Active"
    assert "approvals" not in asked["status"] or asked["status"]["approvals"]["counted"] == 0
    assert place.get("/echo", place.token("alice", request)) == 200
    assert kubectl_get(stack, request)["Break-Glass"] is True
    assert place.grant(request)["spec"]["reviewBy"] == asked["status"]["breakGlass"]["reviewDueAt"]
    told = kubernetes_events(place, request)
    assert told["Received"].startswith("break-glass: alice@example.test asks for")
    assert told["Opened"].startswith(f"break-glass: policy {place.name}-0 opens {place.host}")

    over = place.wait_for(request, "Expired")
    assert condition(over, "Reviewed")["reason"] == "Due"
    (listed,) = [line for line in stack.cli("carol", "list", "--unreviewed").stdout.splitlines() if request in line]
    assert "due in" in listed
    shown = stack.cli("carol", "show", request).stdout
    assert "break-glass" in shown
    assert "alice@example.test broke the glass" in shown

    done = stack.cli("carol", "approve", request, "--comment", "payments were down")
    assert done.returncode == 0, done.stdout + done.stderr
    reviewed = stack.wait(
        lambda: place.found(request), lambda found: condition(found, "Reviewed").get("status") == "True"
    )

    assert (
        reviewed["status"]["breakGlass"] | {"reviewedBy": "carol@example.test", "verdict": "Approve"}
        == (reviewed["status"]["breakGlass"])
    )
    assert window_of(reviewed) == window_of(over)
    events = {event["code"]: event for event in place.ledger(request)}
    assert events["grant.opened"]["data"]["break_glass"] is True
    assert events["break_glass.reviewed"]["actor"] == "carol@example.test"
    assert "BreakGlassReviewed" in kubernetes_events(place, request)
    assert request not in stack.cli("carol", "list", "--unreviewed").stdout


def test_who_finds_it_unjustified_closes_it(place: Place) -> None:
    place.allow(approval=BY_ONE, breakGlass=ALICE_ALONE)
    request = place.open("alice", breakGlass=True)

    judged = place.review("carol", request, decision="Deny")

    assert judged["status"] == "True"
    over = place.wait_for(request, "Denied")
    assert over["status"]["breakGlass"]["verdict"] == "Deny"
    assert place.stack.wait(lambda: place.get("/echo"), lambda status: status == 404)


def test_nobody_reviews_their_own_break_glass(place: Place) -> None:
    everybody = [{"kind": "Group", "name": "dev"}]
    place.allow(approval={"required": 1, "approvers": everybody}, breakGlass=ALICE_ALONE)
    request = place.open("alice", breakGlass=True)

    own = place.review("alice", request)

    assert (own["status"], own["reason"]) == ("False", "SelfReview")
    assert condition(place.found(request), "Reviewed")["status"] == "False"


def test_whom_the_policy_does_not_name_breaks_no_glass(stack: Stack, place: Place) -> None:
    place.allow(approval=BY_ONE, breakGlass=ALICE_ALONE)

    told = place.denied("bob", breakGlass=True)

    assert told["code"] == "break_glass_impossible"
    assert told["remedy"] == "Ask without break-glass, and somebody to approve."
    assert stack.get(place.host).status_code == 404
