"""Keys that want work: each once, one worker a key at a time, and again if it was added meanwhile.

Bounded by the number of distinct keys, which are objects of the cluster.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from datetime import timedelta
from typing import Generic, TypeVar

from jitgress.kube.backoff import Backoff

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """The queue of one concern. `failed` tells after which wait a key should be added again."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._waiting: deque[K] = deque()
        self._queued: set[K] = set()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._ready = asyncio.Semaphore(0)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K) -> None:
        """Have `key` worked on: once, however often it is added before that."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._waiting.append(key)
            self._ready.release()

    async def take(self) -> K:
        """Wait for the key that waits longest and mark it as worked on; `done` or `failed` must follow."""
        await self._ready.acquire()
        key = self._waiting.popleft()
        self._queued.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Say that `key` was worked on without error."""
        self._failures.pop(key, None)
        self._finish(key)

    def failed(self, key: K) -> timedelta:
        """Say that the work on `key` failed; return how long to wait before adding it again."""
        self._failures[key] = self._failures.get(key, 0) + 1
        self._finish(key)
        return self._backoff.delay(self._failures[key])

    def _finish(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
