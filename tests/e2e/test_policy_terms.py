"""What a policy asks for beyond one approval, through the whole stack: several groups, a second factor, a network."""

import time

import pytest

from tests.e2e.place import APPROVERS, BY_ONE, Place, epoch, state_of
from tests.e2e.stack import Stack

pytestmark = pytest.mark.real

CAROL = {"kind": "User", "name": "carol@example.test"}
BOB = {"kind": "User", "name": "bob@example.test"}
SECURITY_AND_OWNER = {
    "groups": [
        {"name": "security", "required": 1, "approvers": APPROVERS},
        {"name": "owner", "required": 1, "approvers": [CAROL, BOB]},
    ]
}


def test_two_groups_of_approvers_are_two_people(stack: Stack, place: Place) -> None:
    place.allow(approval=SECURITY_AND_OWNER)
    request = place.ask("alice")
    first = place.review("carol", request)
    second_of_day = int(time.time())
    stack.wait(time.time, lambda now: int(now) > second_of_day)  # reviews carry whole seconds, and have no order in one
    again = place.review("carol", request)
    waiting = place.found(request)

    assert (first["status"], again["status"], again["reason"]) == ("True", "False", "Duplicate")
    assert state_of(waiting) == "Pending"
    assert waiting["status"]["approvals"] == {"required": 2, "counted": 1, "by": ["carol@example.test"]}

    place.review("bob", request)

    opened = place.wait_for(request, "Active")
    assert sorted(opened["status"]["approvals"]["by"]) == ["bob@example.test", "carol@example.test"]
    assert place.get("/echo", place.token("alice", request)) == 200


def test_what_an_approver_shortens_and_narrows_is_exactly_what_opens(stack: Stack, place: Place) -> None:
    place.allow(approval=BY_ONE)
    request = place.ask("alice", durationSeconds=60, paths=["/echo", "/other"], methods=["GET", "POST"])

    less = ("--for", "25s", "--path", "/echo", "--method", "GET")
    done = stack.cli("carol", "approve", request, *less)

    assert done.returncode == 0, done.stdout + done.stderr
    place.wait_for(request, "Active")
    grant = place.grant(request)["spec"]
    assert epoch(grant["notAfter"]) - epoch(grant["notBefore"]) == pytest.approx(25)
    assert (grant["paths"], grant["methods"]) == (["/echo"], ["GET"])
    token = place.token("alice", request)
    assert [place.get(path, token) for path in ("/echo", "/echo/below")] == [200, 200]
    assert place.get("/other", token) in {403, 404}
    assert place.get("/echo", token, "POST") == 403


def test_who_signed_in_without_a_second_factor_is_told_so(stack: Stack, place: Place) -> None:
    place.allow(mfa={"methods": ["otp", "hwk"]})

    told = place.denied("alice")

    assert told["code"] == "mfa_missing"
    assert "hwk, otp" in told["message"]
    assert told["remedy"] == "Sign in with it, then ask again."
    assert stack.get(place.host).status_code == 404


def test_access_from_certain_networks_is_of_no_use_elsewhere(stack: Stack, place: Place) -> None:
    policy = place.allow(sourceCIDRs=["10.0.0.0/8"])
    request = place.open("alice")

    outside = stack.get(place.host, "/echo", token=place.token("alice", request))

    assert place.grant(request)["spec"]["sourceCIDRs"] == ["10.0.0.0/8"]
    assert outside.status_code == 403
    assert outside.headers["Jitgress-Gate"] == "denied; reason=source_outside"

    place.change(policy, sourceCIDRs=["127.0.0.0/8"])

    place.wait_for(request, "Revoked")  # nothing is in both networks
    again = place.open("alice")
    token = place.token("alice", again)
    assert place.get("/echo", token) == 200
    elsewhere = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    assert stack.get(place.host, "/echo", token=token, headers=elsewhere).status_code == 200


def test_a_client_does_not_choose_where_it_comes_from(stack: Stack, place: Place) -> None:
    place.allow(sourceCIDRs=["10.0.0.0/8"])
    request = place.open("alice")
    token = place.token("alice", request)

    for spoofed in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X_Forwarded_For"):
        answer = stack.get(place.host, "/echo", token=token, headers={spoofed: "10.0.0.1"})
        assert answer.status_code == 403, spoofed
