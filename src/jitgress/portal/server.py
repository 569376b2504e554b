"""Runs the portal's application in this process's event loop, bounded, and without a log of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from jitgress.portal.errors import AddressError

MAX_CONCURRENT: Final = 256  # requests; each may wait for the API server
KEEP_ALIVE_S: Final = 30
SHUTDOWN_S: Final = 5  # what is being answered is answered
BACKLOG: Final = 512


class PortalServer:
    """Serves one application at one address."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._address = (host, port)
        self._server = _Quiet(_config(app))

    async def serve(self) -> None:
        """Serve until cancelled; then answer what has begun, and end. Raises `AddressError` if it can't listen."""
        listening = _listen(*self._address)
        with contextlib.closing(listening):
            serving = asyncio.create_task(self._server.serve(sockets=[listening]))
            try:
                await asyncio.shield(serving)
            finally:
                self._server.should_exit = True
                await serving


def server(app: ASGIApp, *, host: str, port: int) -> PortalServer:
    """Return the server of `app` at an address.

    Its access log stays off: it would show queries. The portal's own log lines come from `jitgress.portal.guard`.
    """
    return PortalServer(app, host=host, port=port)


class _Quiet(uvicorn.Server):
    """Leaves signals to the process, which has more to end than this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here depends on a caller's address
        ws="none",
        lifespan="off",
        limit_concurrency=MAX_CONCURRENT,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise AddressError(
            f"the portal cannot listen at {host} port {port}: {error.strerror}",
            remedy="Choose another address, or end what uses this one.",
        ) from error
