"""The outermost loop of a concern: workers that take keys, reconcile them, and come back to them in time.

The only place that catches every error: it logs, counts and backs off, and the other keys go on.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from jitgress.domain.clock import Clock
from jitgress.domain.errors import JitgressError
from jitgress.kube.backoff import Backoff
from jitgress.kube.timer_heap import TimerHeap
from jitgress.kube.work_queue import WorkQueue

K = TypeVar("K", bound=Hashable)
Reconcile = Callable[[K], Awaitable[datetime | None]]
"""Brings one key to where it should be; returns when to come back at the latest."""

_NOT_LEADING: Final = timedelta(seconds=1)
_log = structlog.get_logger()


class ControllerMetrics:
    """What every controller of a process counts; the label is the concern, never a user or a path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.errors = Counter(
            "jitgress_reconcile_errors_total",
            "Reconciliations that failed and are tried again.",
            ["concern"],
            registry=registry,
        )
        self.seconds = Histogram(
            "jitgress_reconcile_duration_seconds",
            "Time that one reconciliation took.",
            ["concern"],
            registry=registry,
        )


class Controller(Generic[K]):
    """One concern's queue, timers and workers. `may_act` stops the work of a process that is not the leader."""

    def __init__(
        self,
        name: str,
        reconcile: Reconcile[K],
        clock: Clock,
        metrics: ControllerMetrics,
        *,
        workers: int,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._name = name
        self._reconcile = reconcile
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._may_act = may_act
        self._queue: WorkQueue[K] = WorkQueue(Backoff(random.random))
        self._timers: TimerHeap[K] = TimerHeap(clock)

    def add(self, key: K) -> None:
        """Have `key` reconciled soon."""
        self._queue.add(key)

    def add_patiently(self, key: K) -> None:
        """Have `key` reconciled once all is done that was added: nothing is known to have changed."""
        self._queue.add_patiently(key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._timers.run(self._queue.add))
            for _ in range(self._workers):
                tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._work_on(await self._queue.take())

    async def _work_on(self, key: K) -> None:
        if not self._may_act():
            self._queue.done(key)
            self._timers.schedule(key, self._clock.now() + _NOT_LEADING)
            return
        try:
            with self._metrics.seconds.labels(self._name).time():
                next_at = await self._reconcile(key)
        except JitgressError as error:
            _log.warning("reconcile_failed", concern=self._name, key=str(key), code=error.code, error=error.message)
            self._retry(key)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            _log.warning("reconcile_given_up", concern=self._name, key=str(key))
            self._retry(key)
        except Exception:  # noqa: BLE001  the outermost loop: one broken key must not stop the others
            _log.exception("reconcile_broken", concern=self._name, key=str(key))
            self._retry(key)
        else:
            self._queue.done(key)
            if next_at is None:
                self._timers.cancel(key)
            else:
                self._timers.schedule(key, next_at)

    def _retry(self, key: K) -> None:
        self._metrics.errors.labels(self._name).inc()
        self._timers.schedule(key, self._clock.now() + self._queue.failed(key))


def _is_cancelled() -> bool:
    """Tell whether this worker itself is cancelled, and not merely something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
