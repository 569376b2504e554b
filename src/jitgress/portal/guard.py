"""Around every request: a time limit, headers that keep answers from being stored or framed, figures, one log line."""

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jitgress.domain.clock import Clock
from jitgress.portal.errors import NotReadyError
from jitgress.portal.metrics import PortalMetrics
from jitgress.portal.problem import problem

TIMEOUT_S: Final = 15.0  # the API server's answer (10 s at most) and the ledger's (5 s)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log: Final = structlog.get_logger()


class Guard:
    """The outermost ASGI application. Logs method, path and status; never a query, a header or a body."""

    def __init__(self, app: ASGIApp, *, clock: Clock, metrics: PortalMetrics, timeout_s: float = TIMEOUT_S) -> None:
        self._app = app
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app(scope, receive, send_guarded)
        except TimeoutError:
            if status:  # the answer had begun: the connection can only be ended
                raise
            late = NotReadyError("the answer took too long", remedy="Try again in a few seconds.")
            await problem(late)(scope, receive, send_guarded)
        finally:
            self._tell(scope, status, self._clock.monotonic() - started_s)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.requests.labels(str(status)).inc()
        self._metrics.seconds.observe(seconds)
        level = _log.debug if status < HTTPStatus.BAD_REQUEST else _log.info
        level(
            "request_served", method=scope["method"], path=scope["path"][:200], status=status, ms=round(seconds * 1000)
        )
