"""A way to the API server on which the peer can vanish without a word, as behind a firewall that lost its memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536


class Relay:
    """Passes bytes on in both directions until it is told to be silent; then it keeps them, and every ending, back."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._is_passing = asyncio.Event()
        self._is_passing.set()
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def be_silent(self) -> None:
        self._is_passing.clear()

    def drop(self) -> None:
        """End every connection, and pass on what comes by new ones."""
        for writer in self._clients:
            writer.transport.abort()
        self._is_passing.set()

    async def close(self) -> None:
        self.drop()
        for serving in tuple(self._clients.values()):
            serving.cancel()
        await asyncio.gather(*self._clients.values(), return_exceptions=True)

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection in a task of its own, which `close` ends."""
        self._clients[writer] = asyncio.create_task(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._is_passing.wait()
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            try:
                await self._carry(reader, writer, there_reader, there_writer)
            finally:
                there_writer.transport.abort()
        except OSError:
            return
        finally:
            self._clients.pop(writer, None)
            writer.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there_reader: asyncio.StreamReader,
        there_writer: asyncio.StreamWriter,
    ) -> None:
        ways = {asyncio.create_task(self._pass(*way)) for way in ((reader, there_writer), (there_reader, writer))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await _read(reader)
            await self._is_passing.wait()
            if not data:
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def relay_to(port: int) -> AsyncIterator[Relay]:
    """Have a relay to `port` listen on 127.0.0.1."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.take, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    with suppress(OSError):
        return await reader.read(_CHUNK)
    return b""
