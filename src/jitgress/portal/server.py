"""Runs the portal's application in this process's event loop, bounded, and without a log of its own."""

from typing import Final

import uvicorn
from starlette.types import ASGIApp

MAX_CONCURRENT: Final = 256  # requests; each may wait for the API server
KEEP_ALIVE_S: Final = 30
SHUTDOWN_S: Final = 5  # what is being answered is answered


def server(app: ASGIApp, *, host: str, port: int) -> uvicorn.Server:
    """Return the server of `app`: its `serve()` runs until the process is told to stop.

    Its access log stays off: it would show queries. The portal's own log lines come from `jitgress.portal.guard`.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
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
    )
