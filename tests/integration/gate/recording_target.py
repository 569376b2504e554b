"""A target that records what it gets and keeps streams going until somebody cuts them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Final

TICK_S: Final = 0.02


@dataclass(slots=True)
class Stream:
    """One stream: when the target last could write to or read from it, and when it noticed the end."""

    kind: str
    ended_at: float | None = None


@dataclass(slots=True)
class RecordingTarget:
    """Answers every request with its name; `/sse`, `/download`, `/upload` and upgrades are streams."""

    name: str
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    handlers: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self.handlers.add(handler)
        handler.add_done_callback(self.handlers.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError), closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                path = head.split(b" ", 2)[1]
                if b"upgrade: websocket" in head.lower():
                    await self._tick(writer, "websocket", b"HTTP/1.1 101 Switching Protocols\r\n" + _UPGRADED, b"tick")
                elif path.startswith(b"/sse"):
                    await self._tick(writer, "sse", b"HTTP/1.1 200 OK\r\n" + _CHUNKED, b"9\r\ndata: x\n\n\r\n")
                elif path.startswith(b"/download"):
                    await self._tick(writer, "download", b"HTTP/1.1 200 OK\r\n" + _CHUNKED, _BLOCK, 0.0)
                elif path.startswith(b"/upload"):
                    await self._swallow(reader)
                else:
                    body = self.name.encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nX-Kept: yes\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                    await writer.drain()

    async def _tick(
        self, writer: asyncio.StreamWriter, kind: str, head: bytes, tick: bytes, pause_s: float = TICK_S
    ) -> None:
        stream = Stream(kind)
        self.streams.append(stream)
        writer.write(head)
        try:
            while not writer.is_closing():
                writer.write(tick)
                await writer.drain()
                await asyncio.sleep(pause_s)
        finally:
            stream.ended_at = time.time()
        raise EOFError

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        stream = Stream("upload")
        self.streams.append(stream)
        try:
            while await reader.read(65536):
                pass
        finally:
            stream.ended_at = time.time()
        raise EOFError


_UPGRADED: Final = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_CHUNKED: Final = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_BLOCK: Final = b"10000\r\n" + bytes(65536) + b"\r\n"


@asynccontextmanager
async def recording_target(name: str) -> AsyncIterator[RecordingTarget]:
    target = RecordingTarget(name)
    server = await asyncio.start_server(target.accept, "127.0.0.1", 0)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target
    finally:
        server.close()
        for handler in target.handlers:
            handler.cancel()
        await asyncio.gather(*target.handlers, return_exceptions=True)
