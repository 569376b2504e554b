"""One kept connection through the ingress that sends the same request again and again, as fast as answers come."""

import asyncio
import ssl
from types import TracebackType
from typing import Self


class Knocker:
    """Raw HTTP/1.1 over TLS: an ordinary client library would be the slowest part of the measurement."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext, host: str, path: str, token: str) -> None:
        self._address = address
        self._tls = tls
        self._host = host
        headers = f"Host: {host}\r\nJitgress-Authorization: Bearer {token}\r\n"
        self._request = f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode()

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def knock(self) -> int:
        """Send the request; return the status of the answer, 0 if it was cut."""
        try:
            return await self._knock()
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer.close()
            await self._connect()
            return 0

    async def _connect(self) -> None:
        host, port = self._address
        self._reader, self._writer = await asyncio.open_connection(
            host, port, ssl=self._tls, server_hostname=self._host
        )

    async def _knock(self) -> int:
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next((line for line in lines if line.lower().startswith(b"content-length:")), b":0")
        await self._reader.readexactly(int(length.partition(b":")[2]))
        return int(lines[0].split()[1])
