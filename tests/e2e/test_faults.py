"""Parts that die: nothing is left open past its time, and what comes back heals."""

import asyncio
import os
import signal
import time

import pytest

from tests.e2e.stack import Stack, all_ends, end_of_stream, end_of_websocket
from tests.e2e.test_main_job import epoch

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("faults")]


async def test_with_every_python_process_dead_a_window_still_closes_on_time(own_stack: Stack) -> None:
    host = own_stack.host("grafana")
    request = await asyncio.to_thread(own_stack.open, "alice", "monitoring/grafana", 15, approver=None)
    token = await asyncio.to_thread(own_stack.token, "alice", request)
    end = epoch((await asyncio.to_thread(own_stack.state, "alice", request))["window"]["notAfter"])

    async with own_stack.websocket(host, "/ws", token) as socket, own_stack.stream(host, "/sse", token) as events:
        for part in {own_stack.pid("agent"), own_stack.pid("operator"), own_stack.pid("portal")}:
            os.kill(part, signal.SIGKILL)
        assert time.time() < end
        ends = await all_ends(end_of_websocket(socket), end_of_stream(events))

    assert all(-0.5 < each - end < 0.5 for each in ends), [round((each - end) * 1000) for each in ends]
    assert own_stack.get(host, "/echo", token=token).status_code in {403, 404, 503}
