"""Sweeps now and then: says of closed requests that they are settled, so that a start need not read them again."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_REQUESTS
from jitgress.operator import traits
from jitgress.operator.caches import Object
from jitgress.operator.settling.decide import eldest, settled_of
from jitgress.operator.world import World

EVERYTHING: Final = "everything"
"""The one key of this concern."""
_EVERY: Final = timedelta(minutes=5)
_AGAIN: Final = timedelta(seconds=5)
_AT_ONCE: Final = 200  # a second's work; the rest comes with the next sweep
_MANAGER: Final = "jitgress-settling"
"""A field manager of its own: who writes the rest of the status says nothing of this field, and so leaves it alone."""
_log = structlog.get_logger()


class SettlingReconciler:
    """Writes `status.settled`. A request of which it is said is gone from the cache a moment later."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, _key: str) -> datetime | None:
        """Settle what can be; return when to sweep again."""
        now = self._world.clock.now()
        settled = eldest(await self._settled(now), _AT_ONCE)
        for found in settled:
            metadata = found["metadata"]
            try:
                await self._world.api.apply_status(
                    ACCESS_REQUESTS, metadata["name"], metadata["namespace"], {"settled": True}, manager=_MANAGER
                )
            except NotFoundError:
                continue
        if settled:
            _log.info("requests_settled", count=len(settled))
        return now + (_AGAIN if len(settled) == _AT_ONCE else _EVERY)

    async def _settled(self, now: datetime) -> list[Object]:
        """Look at one person after the other, and let others work in between: there may be thousands of requests."""
        caches = self._world.caches
        people = dict.fromkeys(name for found in caches.requests.values() for name in traits.requester(found))
        settled: list[Object] = []
        for username in people:
            settled += settled_of(tuple(caches.requests_of(username)), now)
            await asyncio.sleep(0)
        return settled
