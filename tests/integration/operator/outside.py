"""What is around a real API server: a gate that says it has every grant, an ingress that serves the routes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from jitgress.kube.client import KubeApi
from jitgress.kube.errors import KubeError
from jitgress.kube.resources import ACCESS_GRANTS, INGRESSES, LEASES
from jitgress.operator.exposure.probe import GATE_HEADER
from tests.simulators.ingress import gate_lease, served

SYSTEM = "jitgress-system"
_TICK_S = 0.05
_RENEW_S = 2.0


@dataclass(frozen=True, slots=True)
class Outside:
    """Strangers are refused by the gate where there is a route, and find nothing where there is none."""

    admin: KubeApi
    url: str

    async def hosts(self) -> set[str]:
        """Return the hosts that are published."""
        page = await self.admin.list_page(INGRESSES, None, limit=500, next_page=None)
        return {host for route in page.items for host, _, _ in served(route)}


@asynccontextmanager
async def outside(admin: KubeApi) -> AsyncIterator[Outside]:
    """Have a gate and an ingress on a free port of 127.0.0.1."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, KubeError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            host = next(line.removeprefix("host:").strip() for line in head if line.startswith("host:"))
            is_published = host in await Outside(admin, "").hosts()
            status = f"401 Unauthorized\r\n{GATE_HEADER}: refused" if is_published else "404 Not Found"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    gate = asyncio.create_task(_programme(admin))
    try:
        yield Outside(admin, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        gate.cancel()
        await asyncio.gather(gate, return_exceptions=True)


async def _programme(admin: KubeApi) -> None:
    """Say in the gate's Lease that every grant is programmed, when they change and often enough to be live."""
    known: set[str] | None = None
    renewed_at = 0.0
    while True:
        page = await admin.list_page(ACCESS_GRANTS, SYSTEM, limit=500, next_page=None)
        present = {grant["metadata"]["uid"] for grant in page.items}
        if present != known or time.monotonic() >= renewed_at + _RENEW_S:
            await admin.apply(LEASES, gate_lease(page.resource_version, datetime.now(UTC)))
            known, renewed_at = present, time.monotonic()
        await asyncio.sleep(_TICK_S)
