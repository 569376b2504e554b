"""A client that sends exactly the bytes it is told, and says when the last byte came."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

WEBSOCKET: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """What the gate says about itself, if anything."""
        return self.headers.get("jitgress-gate", "").partition("reason=")[2]


async def ask(
    port: int,
    host: str,
    path: str = "/",
    *,
    method: str = "GET",
    token: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request on a connection of its own."""
    return await send(
        port, request(host, path, method=method, token=token, headers={"Connection": "close"} | dict(headers or {}))
    )


def request(
    host: str, path: str, *, method: str = "GET", token: str = "", headers: Mapping[str, str] | None = None
) -> bytes:
    fields = {"Host": host} | dict(headers or {})
    if token:
        fields["Jitgress-Authorization"] = f"Bearer {token}"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def send(port: int, content: bytes, *, source: str = "127.0.0.1") -> Answer:
    """Send what makes one request. `source` is the address to send it from: all of 127.0.0.0/8 is this machine's."""
    (answer,) = await send_in_turn(port, content, source=source)
    return answer


async def send_in_turn(port: int, *contents: bytes, source: str = "127.0.0.1") -> list[Answer]:
    """Send several requests on one connection."""
    host = "::1" if ":" in source else "127.0.0.1"
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    answers: list[Answer] = []
    try:
        for content in contents:
            writer.write(content)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            status, headers = _parse(head)
            length = int(headers.get("content-length", 0)) if not content.startswith(b"HEAD") else 0
            answers.append(Answer(status, headers, await reader.readexactly(length)))
    finally:
        writer.close()
    return answers


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}


@dataclass(slots=True)
class OpenStream:
    """A stream that stays open: reads (or writes) until it is cut. Times are wall-clock seconds."""

    writer: asyncio.StreamWriter
    status: int
    bytes_received: int = 0
    last_byte_at: float = 0.0
    cut_at: float | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def read(self, reader: asyncio.StreamReader) -> None:
        try:
            while content := await reader.read(262144):
                self.bytes_received += len(content)
                self.last_byte_at = time.time()
        except OSError:
            pass
        self.cut_at = time.time()

    async def write(self) -> None:
        try:
            while self.cut_at is None:
                self.writer.write(b"400\r\n" + bytes(1024) + b"\r\n")
                await self.writer.drain()
                await asyncio.sleep(0.005)
        except OSError:
            pass

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.writer.close()


async def open_stream(port: int, content: bytes, *, is_upload: bool = False) -> OpenStream:
    """Send a request whose answer (or body) does not end by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    status = 0
    if not is_upload:
        status, _ = _parse(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10))
    stream = OpenStream(writer, status)
    stream.tasks.append(asyncio.create_task(stream.read(reader)))
    if is_upload:
        stream.tasks.append(asyncio.create_task(stream.write()))
    return stream
