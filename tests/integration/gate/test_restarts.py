"""Either side may be restarted at any time, and what HAProxy has drifts back to what it should have."""

from datetime import UTC, datetime, timedelta

import pytest

from jitgress.gate.layout import MapName, map_file, server_of
from tests.integration.gate.raw_client import open_stream
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, until
from tests.integration.gate.test_streams import a_streaming_grant, content_of
from tests.unit.gate.builders import a_grant, a_jwks, a_key

pytestmark = pytest.mark.real


async def test_a_new_haproxy_is_programmed_anew(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    await gate.kill_haproxy()
    await gate.start_haproxy()
    await gate.served(grant)


async def test_a_new_agent_takes_over_and_cuts_nobody(gate: RunningGate, target: RecordingTarget) -> None:
    kept, revoked = a_streaming_grant(1, target), a_streaming_grant(2, target)
    await gate.permit(kept, revoked)
    streams = [await open_stream(gate.port, content_of("sse", gate, grant)) for grant in (kept, revoked)]
    await gate.stop_agent()
    gate.api.say([kept])
    gate.start_agent()
    await gate.programmed()
    await until(lambda: streams[1].cut_at is not None, "the revoked stream to be cut")
    mark = streams[0].bytes_received
    await until(lambda: streams[0].bytes_received > mark, "the other stream to go on")
    for stream in streams:
        await stream.close()


async def test_drift_is_put_right(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    folder = gate.settings.folder
    await gate.command(f"clear map {map_file(folder, MapName.SCOPES)}")
    await gate.command(f"set server {server_of(grant)} state maint")
    foreign = a_grant(7, address=target.address, not_before=datetime.now(UTC))
    await gate.command(f"add server {server_of(foreign)} 127.0.0.1:1")
    await gate.stop_agent()
    gate.start_agent()
    await gate.served(grant)
    assert foreign.id not in await gate.command("show servers state")


async def test_a_withdrawn_key_counts_no_more_and_a_new_one_does_without_a_reload(
    gate: RunningGate, target: RecordingTarget
) -> None:
    grant = a_streaming_grant(1, target)
    await gate.permit(grant)
    stream = await open_stream(gate.port, content_of("sse", gate, grant))
    successor = a_key()
    await gate.permit(grant, keys=[gate.key, successor])
    statuses = [(await gate.ask(grant, token=gate.token(grant, key))).status for key in (gate.key, successor)]
    assert statuses == [200, 200]
    await gate.permit(grant, keys=[successor])
    answers = [await gate.ask(grant, token=gate.token(grant, key)) for key in (gate.key, successor)]
    assert [answer.status for answer in answers] == [401, 200]
    assert stream.cut_at is None
    await gate.permit(grant, keys=[gate.key])
    assert (await gate.ask(grant)).status == 200
    await stream.close()


async def test_keys_that_cannot_be_read_are_no_keys(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    gate.api.say([grant], "{}")
    await gate.programmed()
    assert (await gate.ask(grant)).reason == "token_invalid"
    gate.api.say([grant], a_jwks(gate.key))
    await gate.programmed()
    assert (await gate.ask(grant)).status == 200


async def test_a_request_never_reaches_another_grants_target(
    gate: RunningGate, target: RecordingTarget, neighbour: RecordingTarget
) -> None:
    """Without its server, HAProxy would balance over the others of the back end, were their weights not zero."""
    grant = a_grant(1, address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    await gate.stop_agent()
    backend = server_of(grant).partition("/")[0]
    await gate.command(f"add server {backend}/other {neighbour.address} weight 0")
    await gate.command(f"set server {backend}/other state ready")
    await gate.command(f"set server {server_of(grant)} state maint")
    closed = [await gate.ask(grant) for _ in range(20)]
    await gate.command(f"shutdown sessions server {server_of(grant)}")
    assert await gate.command(f"del server {server_of(grant)}") == "Server deleted."
    removed = [await gate.ask(grant) for _ in range(20)]
    assert {answer.status for answer in (*closed, *removed)} == {503}
    assert neighbour.heads == []


async def test_an_ended_grants_server_goes_and_its_subject_is_told(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC), duration=timedelta(seconds=1.5))
    await gate.permit(grant)
    token = gate.token(grant)
    await gate.ask(grant, token=token)

    async def is_gone() -> bool:
        return grant.id not in await gate.command("show servers state")

    await until(is_gone, "the server to be removed")
    assert (await gate.ask(grant, token=token)).reason == "grant_ended"
