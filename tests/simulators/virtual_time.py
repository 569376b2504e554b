"""An event loop whose time goes on only while everybody waits: an hour of waiting takes no time at all."""

import asyncio
import selectors
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.builders import NOW


class _Jump(selectors.DefaultSelector):
    """Nobody outside answers, so instead of waiting the time is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for something that never happens")
        self.elapsed += max(timeout, 0.0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time` starts at 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.elapsed


@dataclass(slots=True)
class VirtualClock:
    """The loop's time as a `Clock`: NOW at its start. The one on the wall can be put forward and back."""

    loop: VirtualTimeLoop
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.loop.time()) + self.offset

    def monotonic(self) -> float:
        return self.loop.time()
