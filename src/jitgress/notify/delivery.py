"""Delivering messages beside everything else: nobody waits for one, and a message that fails fails alone.

Each service has a queue and a worker of its own, so that a slow one delays no other. Queues are bounded: what doesn't
fit is lost, and counted. A process that ends loses what is left.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from jitgress.kube.backoff import Backoff
from jitgress.notify.message import Message, Moment, message_of
from jitgress.notify.metrics import NotifyMetrics
from jitgress.notify.service import NotDeliveredError, Service
from jitgress.operator.ports import News

MAX_WAITING: Final = 256  # messages a service: some minutes of a bad day
TRIES: Final = 3
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Outbox:
    service: Service
    queue: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))


class Notifications:
    """The operator's port `Notifier`. `run` delivers until cancelled. Broken glass is always told."""

    def __init__(
        self,
        services: Sequence[Service],
        on: Collection[Moment],
        metrics: NotifyMetrics,
        *,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._outboxes = tuple(map(_Outbox, services))
        self._on = {Moment.BREAK_GLASS, *on}
        self._metrics = metrics
        self._backoff = Backoff(randomness, first=timedelta(seconds=2), cap=timedelta(seconds=30))

    def tell(self, news: News) -> None:
        """Queue the message about what was recorded, if there is one."""
        message = message_of(news)
        if message is None or message.moment not in self._on:
            return
        for outbox in self._outboxes:
            try:
                outbox.queue.put_nowait(message)
            except asyncio.QueueFull:
                self._count(outbox.service, "lost")
                _log.warning("notification_lost", service=outbox.service.name, moment=message.moment.value)

    async def run(self) -> None:
        """Deliver what is queued, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for outbox in self._outboxes:
                tasks.create_task(self._work(outbox))

    async def _work(self, outbox: _Outbox) -> None:
        in_hand = 0
        try:
            while True:
                message = await outbox.queue.get()
                in_hand = 1
                await self._deliver(outbox.service, message)
                in_hand = 0
        finally:
            if left := in_hand + outbox.queue.qsize():
                self._count(outbox.service, "lost", left)
                _log.warning("notifications_left", service=outbox.service.name, number=left)

    async def _deliver(self, service: Service, message: Message) -> None:
        for tried in range(1, TRIES + 1):
            try:
                await service.deliver(message)
            except NotDeliveredError as error:
                about = {"service": service.name, "moment": message.moment.value, "tried": tried}
                _log.warning("notification_failed", **about, error=error.message)
                if tried < TRIES:
                    await asyncio.sleep(self._backoff.delay(tried).total_seconds())
            else:
                self._count(service, "delivered")
                return
        self._count(service, "failed")

    def _count(self, service: Service, outcome: str, number: int = 1) -> None:
        self._metrics.messages.labels(service.name, outcome).inc(number)
