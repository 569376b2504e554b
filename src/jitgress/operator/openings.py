"""Grants that were recorded a moment ago: what is counted when no more than so many may be open.

Without it two requests could take the last place, because the cache shows a grant some milliseconds after its record.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant
from jitgress.operator.caches import Caches
from jitgress.operator.history import recorded
from jitgress.operator.ports import Ledger


@dataclass(slots=True)
class Openings:
    """Grants that this process recorded and that the cache may not show yet. As bounded as the grants that are open."""

    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from the count to the record."""
    _grants: dict[str, Grant] = field(default_factory=dict[str, Grant])
    _is_complete: bool = False

    async def recall(self, caches: Caches, ledger: Ledger) -> None:
        """Take note, once, of what an earlier process recorded, and died before it was made: it will be made yet."""
        if self._is_complete:
            return
        for found in tuple(caches.requests.values()):
            if "grant" not in found.get("status", {}):
                await self._recall(found["metadata"]["uid"], ledger)
        self._is_complete = True

    def add(self, grant: Grant) -> None:
        """Take note of a grant that was recorded."""
        self._grants[grant.id] = grant

    def forget(self, uid: str) -> None:
        """Take note that a grant is over."""
        self._grants.pop(uid, None)

    def running(self, caches: Caches, namespace: str, now: datetime) -> Iterable[Grant]:
        """Return those that run and that the cache doesn't show; what it shows is forgotten here."""
        for uid, grant in tuple(self._grants.items()):
            if grant.window.has_ended(now) or caches.grants.get(namespace, uid) is not None:
                self._grants.pop(uid)
        return tuple(self._grants.values())

    async def _recall(self, uid: str, ledger: Ledger) -> None:
        try:
            past = recorded(await ledger.history(uid))
        except InvalidValueError:  # what can't be read opens nothing
            return
        if past.opened is not None and past.closed is None:
            self.add(past.opened)
