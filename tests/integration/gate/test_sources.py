"""Grants that may be used from some networks only, by the real HAProxy: nobody else gets in, whatever they send."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jitgress.domain.grant import Grant
from tests.integration.gate.asking_from import INSIDE, OFFICE, OUTSIDE, PROXY, a_bound_grant, ask_from, told
from tests.integration.gate.forged_tokens import claims_of, signed
from tests.integration.gate.raw_client import WEBSOCKET, ask, open_stream, request
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, running_gate, until, until_time
from tests.unit.gate.builders import a_grant, a_key

pytestmark = pytest.mark.real


async def test_a_request_passes_from_inside_the_networks_and_from_nowhere_else(
    gate: RunningGate, target: RecordingTarget
) -> None:
    grant = a_bound_grant(1, target, "127.0.0.8/30", OFFICE)
    await gate.permit(grant)
    asked = {source: told(await ask_from(gate, grant, source)) for source in (INSIDE, "127.0.0.11", OUTSIDE)}
    assert asked == {INSIDE: (200, ""), "127.0.0.11": (200, ""), OUTSIDE: (403, "source_outside")}
    assert len(target.heads) == 2


async def test_a_token_that_was_verified_inside_is_worth_nothing_elsewhere(
    gate: RunningGate, target: RecordingTarget
) -> None:
    grant = a_bound_grant(1, target, f"{INSIDE}/32")
    await gate.permit(grant)
    token = gate.token(grant)
    for _ in range(3):
        assert (await ask_from(gate, grant, INSIDE, token=token)).status == 200
        assert told(await ask_from(gate, grant, OUTSIDE, token=token)) == (403, "source_outside")
    assert len(target.heads) == 3


async def test_the_target_of_a_bound_grant_learns_who_it_is(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_bound_grant(1, target, f"{INSIDE}/32")
    await gate.permit(grant)
    await ask_from(gate, grant, INSIDE, "mallory", name="X-Forwarded-User")
    lines = target.heads[-1].decode().lower().split("\r\n")[1:-2]
    assert sorted(lines) == [
        "host: orders.jit.localhost",
        "x-forwarded-groups: dev",
        "x-forwarded-user: alice@example.test",
    ]


async def test_the_most_networks_that_a_grant_can_have_are_looked_at(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    """With the longest names beside them HAProxy takes the entry whole: the last network counts like the first."""
    grant = a_grant(
        address=target.address,
        username="ü" * 512,
        groups=["ü" * 2048],
        sources=[f"2001:db8:ffff:{2 * number:x}::/64" for number in range(128)],
        not_before=datetime.now(UTC) - timedelta(seconds=1),
    )
    await behind_proxy.permit(grant)
    clients = [f"2001:db8:ffff:{number:x}::1" for number in (0, 254, 255, 256)]
    asked = [told(await ask_from(behind_proxy, grant, PROXY, client)) for client in clients]
    assert asked == [(200, ""), (200, ""), (403, "source_outside"), (403, "source_outside")]


async def test_a_grant_without_networks_is_used_from_anywhere(gate: RunningGate, target: RecordingTarget) -> None:
    bound, free = a_bound_grant(1, target, f"{INSIDE}/32"), a_bound_grant(2, target)
    await gate.permit(bound, free)
    for lines in ((), ("garbage",), (INSIDE,)):
        assert (await ask_from(gate, free, OUTSIDE, *lines)).status == 200
        assert (await ask_from(gate, bound, OUTSIDE, *lines)).status == 403


FORGED = {
    "the address": (INSIDE,),
    "ours behind it": (f"{INSIDE}, {OUTSIDE}",),
    "twice": (INSIDE, INSIDE),
    "a proxy's": (f"{INSIDE}, {PROXY}",),
    "nothing": ("",),
}


@pytest.mark.parametrize("lines", FORGED.values(), ids=list(FORGED))
async def test_who_is_no_proxy_of_ours_is_not_believed(
    gate: RunningGate, behind_proxy: RunningGate, target: RecordingTarget, lines: tuple[str, ...]
) -> None:
    """The second gate trusts another address than the one that asks; the first one none."""
    grant = a_bound_grant(1, target, f"{INSIDE}/32", OFFICE)
    for each in (gate, behind_proxy):
        await each.permit(grant)
        assert told(await ask_from(each, grant, OUTSIDE, *lines)) == (403, "source_outside")
    assert target.heads == []


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "X-Real-IP", "Forwarded", "X-Client-IP"])
@pytest.mark.parametrize("source", [OUTSIDE, PROXY])
async def test_no_other_header_says_where_a_request_comes_from(
    behind_proxy: RunningGate, target: RecordingTarget, source: str, name: str
) -> None:
    grant = a_bound_grant(1, target, OFFICE)
    await behind_proxy.permit(grant)
    value = "for=192.0.2.1" if name == "Forwarded" else "192.0.2.1"
    assert told(await ask_from(behind_proxy, grant, source, value, name=name)) == (403, "source_outside")


async def test_an_ingress_that_nobody_named_does_not_stand_for_its_clients(
    gate: RunningGate, target: RecordingTarget
) -> None:
    """Its own address may well be inside: networks of a grant are often those of a whole company."""
    grant = a_bound_grant(1, target, "127.0.0.0/8")
    await gate.permit(grant)
    assert (await ask_from(gate, grant, PROXY)).status == 200
    assert told(await ask_from(gate, grant, PROXY, "203.0.113.5")) == (403, "source_outside")


async def test_peers_that_speak_ipv6_are_told_apart_too(target: RecordingTarget) -> None:
    """A socket for both families has IPv4 clients as IPv6 addresses; they are in IPv4 networks all the same."""
    grants = [a_bound_grant(number, target, each) for number, each in enumerate(["::1/128", f"{INSIDE}/32", "::/0"])]
    async with running_gate(bind="[::]") as gate:
        await gate.permit(*grants)
        statuses = {
            source: [(await ask_from(gate, grant, source)).status for grant in grants]
            for source in ("::1", INSIDE, OUTSIDE)
        }
    assert statuses == {"::1": [200, 403, 200], INSIDE: [403, 200, 403], OUTSIDE: [403, 403, 403]}


async def test_a_forged_token_is_no_better_inside(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_bound_grant(1, target, f"{INSIDE}/32")
    await gate.permit(grant)
    claims = claims_of(grant, int(datetime.now(UTC).timestamp()))
    forgeries = {
        "another key": signed(a_key(), claims, kid=gate.key.kid),
        "unknown key": signed(a_key(), claims),
        "another subject": signed(gate.key, claims | {"sub": "mallory"}),
        "cut short": gate.token(grant)[:-4],
        "none": "",
    }
    assert (await ask_from(gate, grant, INSIDE)).status == 200
    for name, forgery in forgeries.items():
        answer = await ask_from(gate, grant, INSIDE, token=forgery)
        assert told(answer) == (401, "no_token" if name == "none" else "token_invalid"), name
    assert len(target.heads) == 1


async def test_every_other_check_holds_for_a_bound_grant(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(
        address=target.address, paths=["/api"], sources=[f"{PROXY}/32"], not_before=datetime.now(UTC), host="a.test"
    )
    other = a_grant(2, address=target.address, sources=[f"{PROXY}/32"], not_before=datetime.now(UTC), host="b.test")
    await gate.permit(grant, other)
    token = gate.token(grant)
    answers = [
        await ask(gate.port, "b.test", token=token),
        await gate.ask(grant, "/apix"),
        await gate.ask(grant, "/api/../x"),
        await gate.ask(grant, "/api", method="POST"),
        await gate.ask(grant, "/api"),
    ]
    reasons = ["host_mismatch", "path_outside", "path_ambiguous", "method_outside", ""]
    assert [answer.reason for answer in answers] == reasons


async def test_a_bound_grant_opens_at_its_beginning_and_ends_at_its_end_without_the_agent(
    gate: RunningGate, target: RecordingTarget
) -> None:
    start = datetime.now(UTC) + timedelta(seconds=2)
    grant = a_grant(address=target.address, sources=[f"{PROXY}/32"], not_before=start, duration=timedelta(seconds=1.5))
    await gate.permit(grant)
    await gate.stop_agent()
    token = gate.token(grant)
    reasons = [(await gate.ask(grant, token=token)).reason]
    for at in (grant.window.not_before, grant.window.not_after):
        await until_time(at)
        reasons.append((await gate.ask(grant, token=token)).reason)
    assert reasons == ["grant_not_yet", "", "grant_ended"]


async def test_a_stream_is_asked_where_it_comes_from_at_its_beginning(
    gate: RunningGate, target: RecordingTarget
) -> None:
    bound = a_bound_grant(1, target, f"{PROXY}/32")
    await gate.permit(bound)
    stream = await open_stream(gate.port, request(bound.host, "/ws", token=gate.token(bound), headers=WEBSOCKET))
    await until(lambda: stream.bytes_received > 8, "ticks")
    await gate.permit(a_grant_from(bound, OFFICE))
    refused = await ask(gate.port, bound.host, "/ws", token=gate.token(bound), headers=WEBSOCKET)
    mark = stream.bytes_received
    await until(lambda: stream.bytes_received > mark, "the stream to go on")
    assert (stream.status, told(refused)) == (101, (403, "source_outside"))
    await stream.close()


def a_grant_from(grant: Grant, *sources: str) -> Grant:
    """The same grant, narrowed to other networks."""
    return a_grant(1, address=grant.address, sources=sources, not_before=grant.window.not_before)


async def test_many_at_once_from_everywhere_are_judged_each_for_itself(
    gate: RunningGate, target: RecordingTarget
) -> None:
    grants = [a_bound_grant(number, target, f"127.0.0.{number}/32") for number in range(2, 12)]
    await gate.permit(*grants)
    asked = [(grant, f"127.0.0.{source}") for grant in grants for source in range(2, 12)]
    answers = await asyncio.gather(*(ask_from(gate, grant, source) for grant, source in asked))
    served = {(grant.id, source) for (grant, source), each in zip(asked, answers, strict=True) if each.status == 200}
    assert served == {(grant.id, f"127.0.0.{number}") for number, grant in enumerate(grants, 2)}
