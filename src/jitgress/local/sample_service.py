"""A service to be opened: answers with what it received, streams, and logs every request that reached it.

Its log is what proves that no credential and no identity of the client's own making ever arrives.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

_TICK_S: Final = 0.1
_CHUNK: Final = b"x" * 4096
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class SampleService:
    """The application; `log` gets one JSON line a request."""

    def __init__(self, name: str, log: Path) -> None:
        self._name = name
        self._log = log.open("a", buffering=1)
        self.app = Starlette(
            routes=[
                WebSocketRoute("/ws", self.websocket),
                Route("/sse", self.events),
                Route("/download", self.download),
                Route("/upload", self.upload, methods=["POST", "PUT"]),
                Route("/{path:path}", self.echo, methods=_METHODS),
            ]
        )

    async def echo(self, request: Request) -> Response:
        """Say what arrived."""
        body = await request.body()
        return JSONResponse({**self._note(request, request.method), "body_bytes": len(body)})

    async def upload(self, request: Request) -> Response:
        """Count what arrives."""
        self._note(request, request.method)
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
        return JSONResponse({"received_bytes": received})

    async def download(self, request: Request) -> Response:
        """Send `bytes` bytes, at most `rate` of them a second."""
        self._note(request, request.method)
        total = int(request.query_params.get("bytes", "1000000"))
        rate = int(request.query_params.get("rate", "1000000"))
        return StreamingResponse(_slowly(total, rate), media_type="application/octet-stream")

    async def events(self, request: Request) -> Response:
        """Tick as server-sent events until the client is gone."""
        self._note(request, request.method)
        return StreamingResponse(_ticks(), media_type="text/event-stream")

    async def websocket(self, socket: WebSocket) -> None:
        """Tick, and send back whatever comes."""
        self._note(socket, "GET")
        await socket.accept()
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(_tick(socket))
            with suppress(WebSocketDisconnect):
                while True:
                    await socket.send_text(await socket.receive_text())
            ticking.cancel()

    def _note(self, request: HTTPConnection, method: str) -> dict[str, Any]:
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw]
        seen = {
            "service": self._name,
            "method": method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": headers,
        }
        self._log.write(json.dumps(seen) + "\n")
        return seen


async def _tick(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_text("tick")
            await asyncio.sleep(_TICK_S)


async def _ticks() -> AsyncIterator[bytes]:
    while True:
        yield b"data: tick\n\n"
        await asyncio.sleep(_TICK_S)


async def _slowly(total: int, rate: int) -> AsyncIterator[bytes]:
    sent = 0
    while sent < total:
        chunk = _CHUNK[: total - sent]
        yield chunk
        sent += len(chunk)
        await asyncio.sleep(len(chunk) / rate)


def main() -> None:
    """Serve on an address, until told to stop."""
    parser = argparse.ArgumentParser(description="A sample service of the local stack.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    service = SampleService(given.name, given.log)
    uvicorn.run(service.app, host=given.host, port=given.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
