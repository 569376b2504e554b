"""An external approval system behind real HTTP on loopback. It takes nothing that isn't signed with its secret."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from jitgress.domain.clock import Clock
from jitgress.local.certificates import Authority
from jitgress.operator.consults.consultant import Reply
from jitgress.operator.consults.http import HttpConsultant, Webhook
from jitgress.operator.consults.metrics import ConsultMetrics
from tests.simulators.approvals import ApprovalSystem
from tests.simulators.clock import HandClock
from tests.simulators.listening import listening
from tests.unit.operator.questions import a_question

KEY: Final = bytes(range(32))
APPROVES: Final = b'{"decision": "approve"}'
SECRET: Final = f"whsec_{base64.b64encode(KEY).decode()}"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    def is_signed_with(self, key: bytes) -> bool:
        """Tell whether one of the signatures is by `key`, as the Standard Webhooks specification says."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
        return expected in self.headers["webhook-signature"].split(" ")


Respond = Callable[[Received], bytes]


@dataclass(slots=True)
class ApprovalServer:
    """`respond` makes the raw answer; an empty one closes the connection."""

    respond: Respond
    url: str = ""
    received: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(line, headers, body))
        writer.write(self.respond(self.received[-1]))
        await writer.drain()


def an_answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """Return a raw answer such as `200 OK`."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def as_told(system: ApprovalSystem) -> Respond:
    """Answer for `system`, to what is signed."""

    def respond(received: Received) -> bytes:
        if not received.is_signed_with(KEY):
            return an_answer("401 Unauthorized")
        uid = json.loads(received.body)["request"]["uid"]
        said = system.answer(received.headers["webhook-id"], uid)
        wish = () if said.retry_after_s is None else (f"Retry-After: {said.retry_after_s}",)
        if said.decision is None:
            return an_answer(f"{said.status} Trouble", *wish)
        return an_answer("200 OK", "Content-Type: application/json", *wish, body=json.dumps(said.document).encode())

    return respond


@asynccontextmanager
async def serving(respond: Respond, tls_folder: Path | None = None) -> AsyncIterator[ApprovalServer]:
    """Serve over HTTP, or over HTTPS with a certificate whose authority is in `tls_folder`/ca.crt."""
    server = ApprovalServer(respond)
    context = None if tls_folder is None else _context(tls_folder)
    async with listening(server.serve, context) as port:
        server.url = f"{'http' if context is None else 'https'}://127.0.0.1:{port}/approvals"
        yield server


@asynccontextmanager
async def asking(
    folder: Path,
    url: str,
    clock: Clock,
    *,
    timeout_s: float = 10,
    tls: ssl.SSLContext | None = None,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[HttpConsultant]:
    """Yield a consultant for the webhook `change` at `url`."""
    secret_file = folder / "secret"
    if not secret_file.exists():
        secret_file.write_text(SECRET + "\n")
    webhook = Webhook(
        url=url,
        secret_file=secret_file,
        timeout=timedelta(seconds=timeout_s),
        tls=tls or ssl.create_default_context(),
    )
    consultant = HttpConsultant({"change": webhook}, clock, ConsultMetrics(registry or CollectorRegistry()))
    try:
        yield consultant
    finally:
        await consultant.close()


@asynccontextmanager
async def asked(folder: Path, answer: bytes) -> AsyncIterator[tuple[ApprovalServer, Reply]]:
    """Ask a server that answers just that."""
    async with serving(lambda _: answer) as server, asking(folder, server.url, HandClock()) as consultant:
        yield server, await consultant.ask(a_question())


def _context(folder: Path) -> ssl.SSLContext:
    authority = Authority(datetime.now(UTC))
    authority.issue(["127.0.0.1"], folder / "server.crt", folder / "server.key")
    (folder / "ca.crt").write_bytes(authority.pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context
