"""The portal's server on a real socket of this machine."""

import asyncio
import signal
import socket

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from jitgress.portal.errors import AddressError
from jitgress.portal.server import server


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class SlowApp:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


async def until_listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


async def test_what_is_being_answered_is_answered_before_the_end_and_signals_stay_the_processs() -> None:
    app, port = SlowApp(), a_free_port()
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    serving = asyncio.create_task(server(app, host="127.0.0.1", port=port).serve())
    await until_listening(port)
    assert handlers == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    async with httpx2.AsyncClient(trust_env=False) as client:
        answering = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
        await app.asked.wait()
        serving.cancel()
        await asyncio.sleep(0)
        app.may_answer.set()
        answer = await answering
        assert (answer.text, "server" in answer.headers) == ("done", False)
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_an_address_in_use_is_an_error_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError) as caught:
            await server(SlowApp(), host="127.0.0.1", port=port).serve()
    assert str(port) in caught.value.message
    assert caught.value.remedy
