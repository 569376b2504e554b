"""How long to wait before the next try: exponential, capped, with full jitter, so that many don't knock at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_LARGEST_EXPONENT = 20  # keeps the power small; the cap decides long before


@dataclass(frozen=True, slots=True)
class Backoff:
    """`random` yields a number in [0, 1)."""

    random: Callable[[], float]
    first: timedelta = timedelta(milliseconds=100)
    cap: timedelta = timedelta(seconds=10)

    def delay(self, failures: int) -> timedelta:
        """Return the wait after so many failures in a row: between half and all of the capped power of two."""
        ceiling: timedelta = min(self.first * 2 ** min(max(failures - 1, 0), _LARGEST_EXPONENT), self.cap)
        delay: timedelta = ceiling * (0.5 + self.random() / 2)
        return delay
