"""A clock that a test holds in its hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.builders import NOW


@dataclass(slots=True)
class HandClock:
    """Both clocks go on together; the one on the wall can be put wrong."""

    at: datetime = NOW
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds
