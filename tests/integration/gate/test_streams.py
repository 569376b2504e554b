"""Invariant 2: streams are cut at the end, whoever is dead; invariant 12: no other grant's are touched."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from jitgress.domain.grant import Grant
from tests.integration.gate.raw_client import WEBSOCKET, OpenStream, open_stream, request
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, running_gate, until, until_time
from tests.unit.gate.builders import a_grant

pytestmark = pytest.mark.real

KINDS = ("websocket", "sse", "download", "upload")
GENEROUS_S = 1.5  # a machine busy with other tests is forgiven this; the benchmark measures what is promised


def now() -> datetime:
    return datetime.now(UTC)


def content_of(kind: str, gate: RunningGate, grant: Grant) -> bytes:
    token = gate.token(grant)
    match kind:
        case "websocket":
            return request(grant.host, "/ws", token=token, headers=WEBSOCKET)
        case "upload":
            chunked = {"Transfer-Encoding": "chunked"}
            return request(grant.host, "/upload", method="POST", token=token, headers=chunked)
        case _:
            return request(grant.host, f"/{kind}", token=token)


@asynccontextmanager
async def streams_of(gate: RunningGate, grant: Grant, target: RecordingTarget) -> AsyncIterator[Sequence[OpenStream]]:
    """One stream of each kind, all under way."""
    before = len(target.streams)
    streams = [await open_stream(gate.port, content_of(k, gate, grant), is_upload=k == "upload") for k in KINDS]
    await until(lambda: len(target.streams) == before + len(KINDS), "all streams to reach the target")
    try:
        yield streams
    finally:
        for stream in streams:
            await stream.close()


async def cut(streams: Sequence[OpenStream]) -> list[float]:
    await until(lambda: all(stream.cut_at is not None for stream in streams), "every stream to be cut")
    return [stream.cut_at or 0.0 for stream in streams]


def a_streaming_grant(number: int, target: RecordingTarget, *, seconds: float = 60.0) -> Grant:
    return a_grant(
        number,
        address=target.address,
        methods=["GET", "POST"],
        not_before=now() - timedelta(seconds=60),
        duration=timedelta(seconds=60 + seconds),
    )


@pytest.mark.parametrize("agent", ["alive", "dead"])
async def test_every_stream_is_cut_at_the_end(gate: RunningGate, target: RecordingTarget, agent: str) -> None:
    grant = a_streaming_grant(1, target, seconds=2.5)
    await gate.permit(grant)
    async with streams_of(gate, grant, target) as streams:
        if agent == "dead":
            await gate.stop_agent()
        lateness = [at - grant.window.not_after.timestamp() for at in await cut(streams)]
    assert all(0 <= late < GENEROUS_S for late in lateness), lateness
    await until(lambda: all(stream.ended_at is not None for stream in target.streams), "the target to notice")


@pytest.mark.parametrize("other_target", ["same address", "other address"])
async def test_the_end_of_a_grant_touches_no_other_stream_of_the_host(
    gate: RunningGate, target: RecordingTarget, neighbour: RecordingTarget, other_target: str
) -> None:
    ending = a_streaming_grant(1, target, seconds=2.0)
    others = target if other_target == "same address" else neighbour
    lasting = a_streaming_grant(2, others)
    await gate.permit(ending, lasting)
    async with streams_of(gate, ending, target) as cut_ones, streams_of(gate, lasting, others) as kept:
        await cut(cut_ones)
        await gate.permit(lasting)  # the ended grant is tidied up, too
        marks = [stream.bytes_received for stream in kept[:3]]
        await until(lambda: all(s.bytes_received > m for s, m in zip(kept[:3], marks, strict=True)), "more bytes")
        assert [stream.cut_at for stream in kept] == [None] * len(KINDS)


async def test_a_revocation_cuts_its_streams_and_no_others(
    gate: RunningGate, target: RecordingTarget, neighbour: RecordingTarget
) -> None:
    revoked, other = a_streaming_grant(1, target), a_streaming_grant(2, neighbour)
    await gate.permit(revoked, other)
    async with streams_of(gate, revoked, target) as cut_ones, streams_of(gate, other, neighbour) as kept:
        revoked_at = now().timestamp()
        await gate.permit(other)
        assert (await gate.ask(revoked)).reason == "grant_unknown"
        assert max(await cut(cut_ones)) - revoked_at < GENEROUS_S
        assert [stream.cut_at for stream in kept] == [None] * len(KINDS)


async def test_an_haproxy_that_was_held_up_cuts_nobody(gate: RunningGate, target: RecordingTarget) -> None:
    """HAProxy's own clock stands still while it is held up; a lease may then seem to come from the future."""
    grant = a_streaming_grant(1, target)
    await gate.permit(grant)
    async with streams_of(gate, grant, target) as streams:
        for _ in range(3):
            gate.signal_haproxy(signal.SIGSTOP)
            await until_time(now() + timedelta(seconds=0.4))
            gate.signal_haproxy(signal.SIGCONT)
            gate.api.say([grant])
            await gate.programmed()
            await until_time(now() + timedelta(seconds=0.1))
        assert [stream.cut_at for stream in streams] == [None] * len(KINDS)


@pytest.mark.parametrize("silent", ["agent", "api"])
async def test_a_gate_that_hears_nothing_cuts_all_and_refuses(target: RecordingTarget, silent: str) -> None:
    async with running_gate(staleness=timedelta(seconds=1.5)) as gate:
        grant = a_streaming_grant(1, target)
        await gate.permit(grant)
        async with streams_of(gate, grant, target) as streams:
            silent_at = now().timestamp()
            if silent == "agent":
                await gate.stop_agent()
            else:
                gate.api.is_reachable = False
            assert max(await cut(streams)) - silent_at < 1.5 + GENEROUS_S
            assert (await gate.ask(grant)).reason == "gate_stale"
        gate.api.is_reachable = True
        if silent == "agent":
            gate.start_agent()
        await gate.served(grant)


async def test_nothing_is_served_after_the_end(gate: RunningGate, target: RecordingTarget) -> None:
    grants = [a_streaming_grant(number, target, seconds=5.0 + number / 20) for number in range(20)]
    await gate.permit(*grants)
    await gate.stop_agent()

    async def hammer(grant: Grant) -> tuple[int, int]:
        token, served, late = gate.token(grant), 0, 0
        end = grant.window.not_after
        while now() < end + timedelta(seconds=0.3):
            is_late = now() >= end
            answer = await gate.ask(grant, token=token)
            served += answer.status == 200
            late += is_late and answer.status == 200
        return served, late

    results = await asyncio.gather(*(hammer(grant) for grant in grants))
    assert all(served for served, _ in results)
    assert sum(late for _, late in results) == 0


async def test_a_grant_serves_from_its_beginning_on_without_being_programmed_again(
    gate: RunningGate, target: RecordingTarget
) -> None:
    grant = a_grant(address=target.address, not_before=now() + timedelta(seconds=4))
    await gate.permit(grant)
    await gate.stop_agent()
    assert (await gate.ask(grant)).reason == "grant_not_yet"
    await until_time(grant.window.not_before)
    assert (await gate.ask(grant)).status == 200
