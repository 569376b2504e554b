"""Every reason for which the gate refuses, by the real HAProxy: invariant 1."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitgress.domain.grant import Grant
from tests.integration.gate.forged_tokens import (
    claims_of,
    signed,
    signed_with_the_public_key,
    unsigned,
    with_other_claims,
)
from tests.integration.gate.raw_client import Answer, ask, request, send
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, running_gate
from tests.unit.gate.builders import HOST, a_grant, a_key

pytestmark = pytest.mark.real


def now() -> datetime:
    return datetime.now(UTC)


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.reason) == (status, code)
    problem = json.loads(answer.body)
    assert problem["type"] == f"https://jitgress.dev/problems/{code}"
    assert problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["jitgress-gate"] == f"denied; reason={code}"


async def test_what_a_grant_permits_reaches_its_target(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    answer = await gate.ask(grant)
    assert (answer.status, answer.body, answer.headers["x-kept"]) == (200, b"orders", "yes")


async def test_a_gate_that_was_never_programmed_refuses(target: RecordingTarget) -> None:
    async with running_gate() as gate:
        await gate.stop_agent()
        await gate.kill_haproxy()
        await gate.start_haproxy()
        answer = await ask(gate.port, HOST)
    assert_refused(answer, 503, "gate_starting")
    assert answer.headers["retry-after"] == "1"
    assert target.heads == []


async def test_a_host_without_a_grant_is_not_there(gate: RunningGate) -> None:
    await gate.permit()
    assert_refused(await ask(gate.port, HOST, token="x.y.z"), 404, "host_closed")


async def test_somebody_without_a_token_is_asked_for_one(gate: RunningGate, target: RecordingTarget) -> None:
    await gate.permit(a_grant(address=target.address, not_before=now()))
    answer = await ask(gate.port, HOST)
    assert_refused(answer, 401, "no_token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="jitgress"'


async def test_a_token_for_a_grant_that_is_gone_is_refused(gate: RunningGate, target: RecordingTarget) -> None:
    grant, other = (a_grant(number, address=target.address, not_before=now()) for number in (1, 2))
    await gate.permit(other)
    assert_refused(await gate.ask(grant), 403, "grant_unknown")


async def test_a_token_for_another_host_is_refused(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(1, address=target.address, not_before=now())
    other = a_grant(2, host="invoices.jit.localhost", address=target.address, not_before=now())
    await gate.permit(grant, other)
    assert_refused(await ask(gate.port, other.host, token=gate.token(grant)), 403, "host_mismatch")


async def test_before_its_beginning_a_grant_permits_nothing(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now() + timedelta(minutes=1))
    await gate.permit(grant)
    assert_refused(await gate.ask(grant), 403, "grant_not_yet")


async def test_after_its_end_a_grant_permits_nothing(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now() - timedelta(minutes=10))
    await gate.permit(grant)
    token = signed(gate.key, claims_of(grant, int(now().timestamp())))
    assert_refused(await gate.ask(grant, token=token), 403, "grant_ended")


async def test_paths_and_methods_outside_are_refused(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, paths=["/api"], not_before=now())
    await gate.permit(grant)
    assert_refused(await gate.ask(grant, "/apix"), 403, "path_outside")
    assert_refused(await gate.ask(grant, "/api/../admin"), 400, "path_ambiguous")
    assert_refused(await gate.ask(grant, "/api", method="POST"), 403, "method_outside")
    assert [(await gate.ask(grant, path)).status for path in ("/api", "/api/", "/api/x?y=../z")] == [200, 200, 200]


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "invoices.jit.localhost"},
        {"aud": [HOST]},
        {"aud": None},
        {"sub": "mallory@example.test"},
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": -1},
        {"exp": 2**32 + 1},
        {"nbf": 9999999999},
        {"nbf": None},
        {"grant": None},
        {"grant": ["x"]},
    ],
    ids=str,
)
async def test_a_signed_token_with_a_wrong_claim_is_refused(
    gate: RunningGate, target: RecordingTarget, change: dict[str, Any]
) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    claims = claims_of(grant, int(now().timestamp())) | change
    token = signed(gate.key, {name: value for name, value in claims.items() if value is not None})
    assert_refused(await gate.ask(grant, token=token), 401, "token_invalid")
    assert target.heads == []


Forge = Callable[[RunningGate, Grant], str]


def _claims(grant: Grant) -> dict[str, Any]:
    return claims_of(grant, int(now().timestamp()))


def _public_pem(gate: RunningGate) -> str:
    return gate.key.private.reveal().as_pem(private=False).decode()


FORGERIES: dict[str, Forge] = {
    "not a token": lambda _gate, _grant: "hello",
    "three dots": lambda _gate, _grant: "...",
    "no signature": lambda gate, grant: unsigned(gate.key, _claims(grant)),
    "HS256 with the public key": lambda gate, grant: signed_with_the_public_key(
        gate.key, _claims(grant), _public_pem(gate)
    ),
    "another key's signature": lambda gate, grant: signed(a_key(), _claims(grant), kid=gate.key.kid),
    "a key nobody knows": lambda _gate, grant: signed(a_key(), _claims(grant)),
    "a key's file as its name": lambda gate, grant: signed(
        gate.key, _claims(grant), kid=str(next(gate.settings.keys_folder.iterdir()))
    ),
    "another type": lambda gate, grant: signed(gate.key, _claims(grant), typ="JWT"),
    "no type": lambda gate, grant: signed(gate.key, _claims(grant), typ=""),
    "other claims under a good signature": lambda gate, grant: with_other_claims(
        gate.token(a_grant(2, not_before=now())), _claims(grant)
    ),
    "a signature cut short": lambda gate, grant: gate.token(grant)[:-4],
    "two tokens in one": lambda gate, grant: f"{gate.token(grant)}.{gate.token(grant)}",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_token_is_refused_also_beside_a_remembered_one(
    gate: RunningGate, target: RecordingTarget, forgery: str
) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    assert (await gate.ask(grant)).status == 200
    for _ in range(2):
        assert_refused(await gate.ask(grant, token=FORGERIES[forgery](gate, grant)), 401, "token_invalid")
    assert len(target.heads) == 1


async def test_a_token_that_expires_is_not_remembered_past_its_end(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    expires_s = int(now().timestamp()) + 2
    token = signed(gate.key, _claims(grant) | {"exp": expires_s})
    statuses: list[tuple[bool, int]] = []
    while now().timestamp() < expires_s + 0.2:
        sent_at = now().timestamp()
        answer = await gate.ask(grant, token=token)
        if sent_at >= expires_s or now().timestamp() < expires_s:
            statuses.append((sent_at >= expires_s, answer.status))
    assert set(statuses) == {(False, 200), (True, 401)}


async def test_a_token_in_the_cookie_is_as_good_as_in_the_header(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    cookie = {"Cookie": f"a=b; __Host-jitgress={gate.token(grant)}; c=d"}
    assert (await ask(gate.port, grant.host, headers=cookie)).status == 200


async def test_a_host_is_told_whatever_its_case_and_port(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    hosts = ("ORDERS.jit.localhost", f"{HOST}:8443", f"{HOST}.", f"x.{HOST}", f"{HOST}@evil", "")
    answers = [await ask(gate.port, host, token=gate.token(grant)) for host in hosts]
    assert [answer.status for answer in answers] == [200, 200, 404, 404, 400, 404]


async def test_a_request_for_two_hosts_is_for_none(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=now())
    await gate.permit(grant)
    content = request(grant.host, "/", token=gate.token(grant))
    for other in ("invoices.jit.localhost", "a, b"):
        answer = await send(gate.port, content.replace(b"\r\n\r\n", f"\r\nHost: {other}\r\n\r\n".encode()))
        assert answer.status in (400, 403, 404)
    assert target.heads == []


async def test_every_request_of_a_kept_connection_is_judged(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, paths=["/api"], not_before=now())
    await gate.permit(grant)
    for path, status in (("/api", 200), ("/admin", 403), ("/api", 200)):
        assert (await gate.ask(grant, path)).status == status
    assert len(target.heads) == 2


async def test_a_target_that_is_not_there_is_told_as_a_problem(gate: RunningGate) -> None:
    grant = a_grant(address="127.0.0.1:1", not_before=now())
    await gate.permit(grant)
    answer = await gate.ask(grant)
    assert (answer.status, answer.headers["jitgress-gate"]) == (503, "failed; reason=target_unreachable")
