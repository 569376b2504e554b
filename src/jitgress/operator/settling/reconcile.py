"""Sweeps now and then: says of closed requests that they are settled, so that a start need not read them again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_REQUESTS
from jitgress.operator.settling.decide import Facts, settled_among
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
        settled = settled_among(self._closed(), now, _AT_ONCE)
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

    def _closed(self) -> Iterator[Facts]:
        caches = self._world.caches
        for found in caches.requests.values():
            username = found.get("spec", {}).get("requester", {}).get("username", "")
            yield Facts(found, tuple(each for each in caches.requests_of(username) if each is not found))
