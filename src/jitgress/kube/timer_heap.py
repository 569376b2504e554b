"""One heap for all deadlines. Firing early is harmless, because whoever is woken looks at the time again.

Wall-clock jumps move no deadline: the wall clock is read again at least once a second. A clock that is put back makes
everything fire, because some of the deadlines were waits, reckoned from a time that was wrong or is past once more.
"""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from jitgress.domain.clock import Clock

K = TypeVar("K", bound=Hashable)
LONGEST_SLEEP: Final = timedelta(seconds=1)
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


class TimerHeap(Generic[K]):
    """Keys with the time at which each is due. A key has one deadline: scheduling it again replaces the earlier one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[K, tuple[datetime, int]] = {}
        self._heap: list[tuple[datetime, int, K]] = []
        self._count = 0
        self._changed = asyncio.Event()

    def schedule(self, key: K, at: datetime) -> None:
        """Have `key` fire at `at`, or at once if that has passed."""
        if key in self._due and self._due[key][0] == at:
            return
        self._count += 1
        self._due[key] = at, self._count
        heapq.heappush(self._heap, (at, self._count, key))
        self._tidy()
        self._changed.set()

    def cancel(self, key: K) -> None:
        """Forget `key`."""
        self._due.pop(key, None)

    def take_due(self, now: datetime) -> list[K]:
        """Remove and return the keys that are due at `now`, earliest first."""
        due: list[K] = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if self._is_live(entry):
                del self._due[entry[2]]
                due.append(entry[2])
        return due

    def next_at(self) -> datetime | None:
        """Return when the next key is due."""
        while self._heap and not self._is_live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    async def run(self, fire: Callable[[K], None]) -> None:
        """Call `fire` for each key as it falls due, until cancelled."""
        before = self._clock.now()
        while True:
            now = self._clock.now()
            for key in self.take_due(now if now >= before else _END_OF_TIME):
                fire(key)
            before = now
            self._changed.clear()
            next_at = self.next_at()
            wait = LONGEST_SLEEP if next_at is None else min(max(next_at - now, timedelta(0)), LONGEST_SLEEP)
            try:
                async with asyncio.timeout(wait.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _tidy(self) -> None:
        """Drop replaced entries before they outnumber the live ones, so that memory stays bounded by the keys."""
        if len(self._heap) > 2 * len(self._due) + 16:
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapq.heapify(self._heap)

    def _is_live(self, entry: tuple[datetime, int, K]) -> bool:
        at, count, key = entry
        return self._due.get(key) == (at, count)
