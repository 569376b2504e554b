"""The life of access under a policy: booked ahead, extended, beside somebody else's, and tightened while it is open.

Each test has a target and policies of its own, which dave, the platform's admin, made.
"""

import asyncio
import time
from datetime import UTC, datetime
from math import ceil
from typing import Any

import pytest

from tests.e2e.place import BY_ONE, Place, condition, epoch, state_of, window_of
from tests.e2e.stack import Stack, all_ends, end_of_websocket
from tests.e2e.visits import Visits

pytestmark = pytest.mark.real

CLOSED = {401, 403, 404}
REASON = ("--reason", "end-to-end test")
TOLERANCE_S = 0.5
"""How late an end may be seen: what the other tests of this folder allow."""


def codes(events: list[dict[str, Any]]) -> list[str]:
    return [str(event["code"]) for event in events]


def test_what_is_booked_ahead_opens_at_its_time_and_not_before(stack: Stack, place: Place) -> None:
    place.allow(maxStartAheadSeconds=300, approval=BY_ONE)
    asked = stack.say("alice", "request", place.target, "--at", "+8s", "--for", "4s", *REASON)
    request = f"shop/{asked['metadata']['name']}"
    place.review("carol", request)
    booked = place.wait_for(request, "Scheduled")
    start, end = window_of(booked)

    assert booked["status"]["window"]["notBefore"] == asked["spec"]["startTime"]
    assert end - start == pytest.approx(4)
    assert stack.get_at_gate(place.host).headers["Jitgress-Gate"] == "denied; reason=host_closed"
    assert place.ask_for_token("alice", request).json()["code"] == "no_grant"
    with Visits(stack, place.host, token="") as visits:
        place.wait_for(request, "Active")
    token = place.token("alice", request)
    assert place.get("/echo", token) == 200
    over = stack.wait(lambda: place.found(request), lambda seen: "hiddenAt" in seen["status"])

    assert visits.statuses(until=start) == {404}
    assert state_of(over) == "Expired"
    assert window_of(over) == (start, end)
    assert epoch(over["status"]["activeAt"]) >= start
    assert place.get("/echo", token) == 404
    told = codes(place.ledger(request))
    assert [told.count(code) for code in ("request.scheduled", "grant.opened", "request.closed")] == [1, 1, 1]


def test_what_was_approved_never_opens_once_its_policy_is_gone(stack: Stack, place: Place) -> None:
    policy = place.allow(maxStartAheadSeconds=300, approval=BY_ONE)
    start = time.time() + 5
    request = place.ask("alice", startTime=rfc3339(start), durationSeconds=30)
    place.review("carol", request)
    place.wait_for(request, "Scheduled")

    place.remove(policy)

    over = place.wait_for(request, "Denied")
    assert over["status"]["denial"]["code"] == "no_policy"
    assert time.time() < start
    with Visits(stack, place.host, token="") as visits:
        stack.wait(time.time, lambda now: now > start + 1)
    assert visits.statuses() == {404}
    assert state_of(place.found(request)) == "Denied"
    assert "grant.opened" not in codes(place.ledger(request))


def test_an_extension_takes_over_without_a_gap(stack: Stack, place: Place) -> None:
    place.allow(maxDurationSeconds=10, extensions={"max": 1, "maxTotalSeconds": 25})
    first = place.open("alice", durationSeconds=10)
    with Visits(stack, place.host, place.token("alice", first)) as visits:
        visits.wait_for(200)
        began_at = visits.made[-1].sent_at
        extended = stack.say("alice", "extend", first, "--for", "10s", *REASON, "--wait")
        second = f"shop/{extended['metadata']['name']}"
        grants = place.grant(first)["spec"], place.grant(second)["spec"]
        visits.token = place.token("alice", second)
        end = epoch(grants[1]["notAfter"])
        superseded = place.wait_for(first, "Superseded")
        over = place.wait_for(second, "Expired")
        stack.wait(lambda: visits.made[-1].sent_at, lambda at: at > end + TOLERANCE_S)

    assert visits.statuses(since=began_at, until=end) == {200}
    assert visits.statuses(since=end + TOLERANCE_S) <= CLOSED
    assert [grant["extensions"] for grant in grants] == [0, 1]
    assert grants[1]["since"] == grants[0]["since"] == grants[0]["notBefore"]
    assert epoch(grants[0]["notAfter"]) - epoch(grants[0]["notBefore"]) == pytest.approx(10)
    assert end - epoch(grants[0]["notAfter"]) == pytest.approx(10)
    assert epoch(grants[1]["notBefore"]) < epoch(grants[0]["notAfter"])
    assert window_of(superseded)[1] < window_of(over)[1] == end
    assert over["status"]["extensions"] == 1


@pytest.mark.parametrize(
    ("terms", "seconds", "code"),
    [
        ({"max": 1, "maxTotalSeconds": 600}, 10, "extension_impossible"),
        ({"max": 9, "maxTotalSeconds": 85}, 16, "extension_over_sum"),
    ],
    ids=["one too many", "longer than the sum"],
)
def test_what_goes_beyond_the_policy_is_no_extension_and_ends_nothing(
    terms: dict[str, int], seconds: int, code: str, place: Place
) -> None:
    place.allow(extensions=terms)
    first = place.open("alice", durationSeconds=60)
    second = place.open("alice", durationSeconds=10, extends=reference(place, first))

    told = place.denied("alice", durationSeconds=seconds, extends=reference(place, second))

    assert told["code"] == code
    assert state_of(place.found(second)) == "Active"
    assert place.get("/echo", place.token("alice", second)) == 200


async def test_the_end_of_one_persons_access_disturbs_nobody_elses(stack: Stack, place: Place) -> None:
    place.allow()
    bobs = await asyncio.to_thread(place.open, "bob", durationSeconds=40)
    async with stack.websocket(place.host, "/ws", await asyncio.to_thread(place.token, "bob", bobs)) as socket:
        alices = await asyncio.to_thread(place.open, "alice", durationSeconds=5)
        token = await asyncio.to_thread(place.token, "alice", alices)
        while_open = await asyncio.to_thread(place.get, "/echo", token)
        hers = await asyncio.to_thread(place.wait_for, alices, "Expired")
        afterwards = await asyncio.to_thread(place.get, "/echo", token)
        await socket.send("still here")
        async with asyncio.timeout(20):
            while await socket.recv() != "still here":
                pass
        his = await asyncio.to_thread(place.found, bobs)
        await asyncio.to_thread(place.review, "bob", bobs, decision="Revoke")
        await all_ends(end_of_websocket(socket))

    assert (while_open, afterwards) == (200, 403)
    assert window_of(his)[0] <= window_of(hers)[0]
    assert window_of(hers)[1] < window_of(his)[1]
    assert "hiddenAt" not in hers["status"]
    over = await asyncio.to_thread(stack.wait, lambda: place.found(bobs), lambda seen: "hiddenAt" in seen["status"])
    assert state_of(over) == "Revoked"


async def test_a_lowered_cap_brings_the_end_of_open_access_nearer(stack: Stack, place: Place) -> None:
    policy = place.allow()
    request = await asyncio.to_thread(place.open, "alice")
    token = await asyncio.to_thread(place.token, "alice", request)
    before = place.grant(request)
    begins_at = epoch(before["spec"]["notBefore"])
    async with stack.websocket(place.host, "/ws", token) as socket:
        with Visits(stack, place.host, token) as visits:
            await asyncio.to_thread(visits.wait_for, 200)
            cap = ceil(time.time() - begins_at) + 4
            end = begins_at + cap
            await asyncio.to_thread(place.change, policy, maxDurationSeconds=cap)
            after = await asyncio.to_thread(
                stack.wait, lambda: place.grant(request), lambda seen: seen["spec"] != before["spec"]
            )
            narrowed_at = time.time()
            (ended_at,) = await all_ends(end_of_websocket(socket))
            over = await asyncio.to_thread(place.wait_for, request, "Expired")
            await asyncio.to_thread(stack.wait, lambda: visits.made[-1].sent_at, lambda at: at > end + TOLERANCE_S)

    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert epoch(before["spec"]["notAfter"]) - begins_at == pytest.approx(60)
    assert epoch(after["spec"]["notAfter"]) == pytest.approx(end)
    assert after["spec"] | {"notAfter": ""} == before["spec"] | {"notAfter": ""}
    assert visits.statuses(since=narrowed_at + TOLERANCE_S, until=end) == {200}
    assert visits.statuses(since=end + TOLERANCE_S) <= CLOSED
    assert ended_at < end + TOLERANCE_S
    assert window_of(over)[1] == pytest.approx(end)
    assert codes(await asyncio.to_thread(place.ledger, request)).count("grant.narrowed") == 1
    assert (await asyncio.to_thread(stack.cli, "erin", "audit", "verify")).returncode == 0


def test_a_path_that_is_taken_away_is_lost_at_once_and_the_other_goes_on(stack: Stack, place: Place) -> None:
    both = {"paths": ["/echo", "/other"], "methods": ["GET"]}
    policy = place.allow(scope=both)
    request = place.open("alice")
    token = place.token("alice", request)
    before = place.grant(request)
    assert [place.get(path, token) for path in ("/echo", "/other")] == [200, 200]

    place.change(policy, scope={"paths": ["/echo"]})

    stack.wait(lambda: place.get("/other", token), lambda status: status in CLOSED)
    stack.wait(lambda: place.get("/echo", token), lambda status: status == 200)
    narrowed = place.grant(request)
    assert narrowed["metadata"]["uid"] == before["metadata"]["uid"]
    assert narrowed["spec"] == before["spec"] | {"paths": ["/echo"]}
    assert codes(place.ledger(request)).count("grant.narrowed") == 1


def test_what_is_loosened_widens_nothing_that_is_open(place: Place) -> None:
    policy = place.allow(maxDurationSeconds=50, scope={"paths": ["/echo"], "methods": ["GET"]})
    request = place.open("alice")
    token, before = place.token("alice", request), place.grant(request)

    place.change(policy, maxDurationSeconds=3600, scope={"paths": ["/"], "methods": ["GET", "POST"]})

    bobs = place.open("bob")
    assert place.get("/other", place.token("bob", bobs)) == 200
    assert place.grant(request)["spec"] == before["spec"]
    assert place.get("/other", token) == 403
    assert place.get("/echo", token, "POST") == 403
    assert place.get("/echo", token) == 200
    assert condition(place.found(request), "Active")["status"] == "True"


def test_who_asked_for_longer_than_is_permitted_now_keeps_what_is(place: Place) -> None:
    policy = place.allow()
    request = place.open("alice", durationSeconds=60)
    token, before = place.token("alice", request), place.grant(request)

    place.change(policy, maxDurationSeconds=30)

    over = place.wait_for(request, "Expired")
    assert window_of(over)[1] == pytest.approx(epoch(before["spec"]["notBefore"]) + 30)
    assert place.get("/echo", token) in CLOSED


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reference(place: Place, request: str) -> dict[str, str]:
    metadata = place.found(request)["metadata"]
    return {"name": metadata["name"], "uid": metadata["uid"]}
