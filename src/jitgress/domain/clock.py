"""The port through which processes read the time; the domain itself only takes `now` as an argument."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests bring their own."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from a clock that never jumps and has no meaning of its own."""
        ...


class SystemClock:
    """The machine's clocks. The only place that reads them."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; time in which the machine was suspended counts, where it can tell."""
        boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
        return time.monotonic() if boottime is None else time.clock_gettime(boottime)
