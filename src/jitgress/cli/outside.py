"""The world outside of a command, as ports: the clock, the environment, the way to a cluster. Tests bring their own."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Self

from jitgress.domain.clock import Clock, SystemClock

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

    from jitgress.cli.connection import Connection
    from jitgress.cli.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """`zone` is None for this machine's; `connect` and `transport` are None for real connections."""

    clock: Clock
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    zone: tzinfo | None = None
    connect: "Callable[[Options], AbstractAsyncContextManager[Connection]] | None" = None
    transport: "AsyncBaseTransport | None" = None

    @classmethod
    def real(cls) -> Self:
        """Return this machine's."""
        return cls(clock=SystemClock())
