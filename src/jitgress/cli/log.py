"""Logs of the processes that run on: structlog events, JSON lines unless a person looks on, and never a credential.

Invariant 8: credentials never reach a log. This is the last line of defence, behind callers that never pass one.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final, TextIO, cast

import structlog

from jitgress.audit.credentials import REMOVED, holds_credential

_SECRET_NAMES: Final = frozenset(
    {"authorization", "cookie", "password", "secret", "credential", "bearer", "kube_token"}
)


def configure(stream: TextIO = sys.stderr, *, no_color: bool = False) -> None:
    """Send the process's logs to `stream`. Call once, at the start of a process."""
    is_watched = stream.isatty()
    rendering: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=not no_color)]
        if is_watched
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redacted,
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the event without credentials: by the name of the key, and by the look of the value."""
    return {name: REMOVED if name.lower() in _SECRET_NAMES else _without(value) for name, value in event.items()}


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return REMOVED if holds_credential(value) else value
    if isinstance(value, dict):
        return redacted(None, "", {str(name): inner for name, inner in cast("Mapping[Any, Any]", value).items()})
    if isinstance(value, list | tuple):
        return [_without(inner) for inner in cast("Sequence[Any]", value)]
    return value
