"""A small HTTPS server that answers as a test says, and remembers what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jitgress.local.certificates import Authority


@dataclass(slots=True)
class TlsServer:
    """`answers` are raw HTTP answers by path; a path without one gets the connection closed."""

    answers: dict[str, bytes]
    port: int = 0
    heads: list[str] = field(default_factory=list)
    named: list[str | None] = field(default_factory=list)
    """The server names that TLS clients asked for."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError), closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            writer.write(self.answers.get(head.split(" ")[1], b""))
            await writer.drain()

    def header(self, name: str) -> list[str]:
        """Return the values of a header in everything that arrived."""
        lines = (line.partition(":") for head in self.heads for line in head.split("\r\n")[1:])
        return [value.strip() for field, _, value in lines if field.lower() == name.lower()]


def an_answer(status: str, *headers: str, body: str = "") -> bytes:
    """Return a raw answer such as `401 Unauthorized`."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body)
    return "\r\n".join(lines).encode()


@asynccontextmanager
async def tls_server(folder: Path, name: str, answers: dict[str, bytes]) -> AsyncIterator[TlsServer]:
    """Serve with a certificate for `name`; its authority is in `folder`/ca.crt."""
    authority = Authority(datetime.now(UTC))
    authority.issue([name], folder / "server.crt", folder / "server.key")
    (folder / "ca.crt").write_bytes(authority.pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    server = TlsServer(answers)

    def remember(_socket: ssl.SSLObject | ssl.SSLSocket, asked: str | None, _context: ssl.SSLContext) -> None:
        server.named.append(asked)

    context.sni_callback = remember
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def trust_in(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "ca.crt"))
