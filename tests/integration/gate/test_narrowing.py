"""A grant that is narrowed while it is open: what it loses is lost at once, what is left goes on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from jitgress.domain.grant import Grant
from tests.integration.gate.asking_from import INSIDE, OUTSIDE, ask_from, told
from tests.integration.gate.raw_client import open_stream
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, until, until_time
from tests.integration.gate.test_streams import content_of
from tests.unit.gate.builders import a_grant

pytestmark = pytest.mark.real

BEGUN_BEFORE: Final = timedelta(seconds=30)


@pytest.fixture
def begun() -> datetime:
    return datetime.now(UTC) - BEGUN_BEFORE


def the_grant(target: RecordingTarget, begun: datetime, seconds: float = 90.0, **changes: Any) -> Grant:
    """Always the same grant; `seconds` is how long it lasts from the test's beginning on."""
    given: dict[str, Any] = {
        "address": target.address,
        "methods": ["GET", "POST"],
        "not_before": begun,
        "duration": BEGUN_BEFORE + timedelta(seconds=seconds),
    }
    return a_grant(1, **(given | changes))


async def test_an_earlier_end_holds_and_the_later_one_no_more(
    gate: RunningGate, target: RecordingTarget, begun: datetime
) -> None:
    whole = the_grant(target, begun)
    end = datetime.now(UTC) + timedelta(seconds=2.5)
    shorter = the_grant(target, begun, duration=end - begun)
    await gate.permit(whole)
    token = gate.token(whole)
    assert (await gate.ask(whole, token=token)).status == 200
    await gate.permit(shorter)
    assert (await gate.ask(whole, token=token)).status == 200
    await gate.stop_agent()
    await until_time(shorter.window.not_after)
    assert (await gate.ask(whole, token=token)).reason == "grant_ended"
    servers = await gate.command("show servers state")
    assert f"{whole.window.not_after.timestamp() * 1000:.0f}" not in servers


async def test_streams_are_cut_when_the_end_becomes_another_and_can_be_opened_again(
    gate: RunningGate, target: RecordingTarget, begun: datetime
) -> None:
    whole, shorter = the_grant(target, begun), the_grant(target, begun, seconds=45)
    await gate.permit(whole)
    streams = [await open_stream(gate.port, content_of(kind, gate, whole)) for kind in ("websocket", "sse")]
    await gate.permit(shorter)
    await until(lambda: all(stream.cut_at is not None for stream in streams), "the streams to be cut")
    again = await open_stream(gate.port, content_of("sse", gate, shorter))
    await until(lambda: again.bytes_received > 0, "the new stream to run")
    for stream in (*streams, again):
        await stream.close()


async def test_paths_and_methods_that_are_taken_away_are_refused_and_nobody_is_cut(
    gate: RunningGate, target: RecordingTarget, begun: datetime
) -> None:
    whole, narrower = the_grant(target, begun), the_grant(target, begun, paths=["/sse", "/api"], methods=["GET"])
    await gate.permit(whole)
    stream = await open_stream(gate.port, content_of("sse", gate, whole))
    await gate.permit(narrower)
    answers = [
        await gate.ask(whole, "/other"),
        await gate.ask(whole, "/api", method="POST"),
        await gate.ask(whole, "/api"),
    ]
    mark = stream.bytes_received
    await until(lambda: stream.bytes_received > mark, "the stream to go on")
    assert [told(answer) for answer in answers] == [(403, "path_outside"), (403, "method_outside"), (200, "")]
    assert stream.cut_at is None
    await stream.close()


async def test_networks_that_are_taken_away_are_outside_at_once(
    gate: RunningGate, target: RecordingTarget, begun: datetime
) -> None:
    grants = [
        the_grant(target, begun),
        the_grant(target, begun, sources=["127.0.0.0/24"]),
        the_grant(target, begun, sources=[f"{INSIDE}/32"]),
    ]
    token = gate.token(grants[0])
    statuses: list[list[int]] = []
    for grant in grants:
        await gate.permit(grant)
        statuses.append([(await ask_from(gate, grant, each, token=token)).status for each in (INSIDE, OUTSIDE)])
    assert statuses == [[200, 200], [200, 200], [200, 403]]


async def test_at_no_moment_of_it_does_anything_pass_that_neither_permits(
    gate: RunningGate, target: RecordingTarget, begun: datetime
) -> None:
    """Requests all the while: outside of both they never pass, and inside of both they go on afterwards."""
    steps = [
        the_grant(target, begun, paths=["/a", "/b"]),
        the_grant(target, begun, paths=["/a", "/b"], sources=["127.0.0.8/29"]),
        the_grant(target, begun, paths=["/a"], sources=["127.0.0.8/29"]),
        the_grant(target, begun, paths=["/a"], sources=["127.0.0.8/29"], seconds=70),
        the_grant(target, begun, paths=["/a"], sources=[f"{INSIDE}/32"], seconds=50),
    ]
    await gate.permit(steps[0])
    token, is_over = gate.token(steps[0]), asyncio.Event()
    passed: dict[str, int] = {}

    async def hammer(name: str, source: str, path: str) -> None:
        while not is_over.is_set():
            answer = await ask_from(gate, steps[0], source, token=token, path=path)
            passed[name] = passed.get(name, 0) + (answer.status == 200)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hammer("outside of all", INSIDE, "/c"))
        tasks.create_task(hammer("inside of all", INSIDE, "/a"))
        for step in steps[1:]:
            await gate.permit(step)
            assert told(await ask_from(gate, step, OUTSIDE, token=token, path="/a")) == (403, "source_outside")
        before = passed["inside of all"]
        await until(lambda: passed["inside of all"] > before, "requests to go on")
        is_over.set()
    assert passed["outside of all"] == 0
