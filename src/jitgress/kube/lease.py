"""Leader election with a Lease: one acts, and stops acting before another may begin.

The holder may act until `renew_deadline` after it *sent* its last successful renewal. Another may take the Lease only
after it saw the same record unchanged for the whole `duration`, by its own monotonic clock: no two clocks are compared.
Since renew_deadline < duration, and what the other saw can't be older than what the holder sent, they never overlap.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.errors import InvalidValueError
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import AlreadyExistsError, ConflictError, KubeError
from jitgress.kube.resources import LEASES

_log = structlog.get_logger()
_MICRO_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """client-go's defaults."""

    name: str
    namespace: str
    identity: str
    duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.retry < self.renew_deadline < self.duration:
            raise InvalidValueError(
                "leader election needs retry < renew deadline < lease duration", remedy="Use the defaults: 2, 10, 15 s."
            )


@dataclass(slots=True)
class Elector:
    """Tries to hold the Lease. `may_act` is asked before every action."""

    api: KubeApi
    settings: LeaseSettings
    clock: Clock
    _renewed_at: float | None = None
    _seen: tuple[str, float] | None = field(default=None)
    """The resourceVersion of somebody else's record, empty once it vanished, and since when it is so (monotonic)."""

    def may_act(self) -> bool:
        """Tell whether this process is the leader beyond doubt."""
        deadline = self.settings.renew_deadline.total_seconds()
        return self._renewed_at is not None and self.clock.monotonic() < self._renewed_at + deadline

    async def try_once(self) -> bool:
        """Acquire or renew the Lease if that is permitted; tell whether it is held now."""
        sent_at = self.clock.monotonic()
        found = await self.api.find(LEASES, self.settings.name, self.settings.namespace)
        try:
            if not self._is_open(found):
                self._renewed_at = None
                return False
            await self._take(found)
        except (ConflictError, AlreadyExistsError):
            self._renewed_at = None
            return False
        self._renewed_at, self._seen = sent_at, None
        return self.may_act()  # not where the answer took longer than the deadline

    async def release(self) -> None:
        """Give the Lease up, so that the next one needn't wait. Best effort: it ends by itself, too."""
        if self._renewed_at is None:
            return
        self._renewed_at = None
        try:
            found = await self.api.find(LEASES, self.settings.name, self.settings.namespace)
            if found is not None and self._is_mine(found):
                spec = found["spec"]
                record = self._record(found["metadata"], spec.get("acquireTime"), spec.get("leaseTransitions", 0))
                record["spec"]["holderIdentity"] = ""
                await self.api.replace(LEASES, record)
        except KubeError as error:
            _log.warning("lease_not_released", error=error.message)

    async def lead(self, act: Callable[[], Awaitable[None]]) -> None:
        """Wait to be the leader, then run `act` until leadership is lost or it ends; then begin again.

        `act` is cancelled as soon as `may_act` would say no.
        """
        retry_s = self.settings.retry.total_seconds()
        try:
            while True:
                if await self._try_quietly():
                    _log.info("leading", identity=self.settings.identity)
                    await self._act_while_leading(act, retry_s)
                    _log.warning("leadership_lost", identity=self.settings.identity)
                await asyncio.sleep(retry_s * (0.8 + 0.4 * random.random()))  # noqa: S311  spreads load
        finally:
            await asyncio.shield(self.release())

    async def _act_while_leading(self, act: Callable[[], Awaitable[None]], retry_s: float) -> None:
        acting = asyncio.ensure_future(act())
        renewing = asyncio.create_task(self._renew_while_possible(retry_s))
        try:
            await asyncio.wait({acting, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if acting.done():
                acting.result()
        finally:
            acting.cancel()
            renewing.cancel()
            await asyncio.gather(acting, renewing, return_exceptions=True)

    async def _renew_while_possible(self, retry_s: float) -> None:
        """Return at the latest when `may_act` turns false."""
        while True:
            await asyncio.sleep(min(retry_s, self._left_s()))
            if self._left_s() <= 0:
                return
            try:
                async with asyncio.timeout(self._left_s()):
                    if not await self.try_once():
                        return
            except (KubeError, TimeoutError) as error:
                _log.warning("lease_not_renewed", error=str(error))

    def _left_s(self) -> float:
        if self._renewed_at is None:
            return 0.0
        return max(0.0, self._renewed_at + self.settings.renew_deadline.total_seconds() - self.clock.monotonic())

    async def _try_quietly(self) -> bool:
        try:
            return await self.try_once()
        except KubeError as error:
            _log.warning("lease_not_reached", error=error.message)
            return False

    async def _take(self, found: Object | None) -> None:
        if found is None:
            await self.api.create(LEASES, self._record({}, None, 0))
            return
        spec = found.get("spec", {})
        changes, since = spec.get("leaseTransitions", 0), spec.get("acquireTime")
        if not self._is_mine(found):
            changes, since = changes + 1, None
        await self.api.replace(LEASES, self._record(found["metadata"], since, changes))

    def _is_mine(self, found: Object) -> bool:
        return _holder(found) == self.settings.identity

    def _is_open(self, found: Object | None) -> bool:
        """Tell whether the Lease is ours, was given up, or stood for its whole duration while we looked.

        A record that vanished is one that changed: whoever held it may not know yet.
        """
        if found is None:
            if self._seen is None:
                return True
        elif _holder(found) in {"", self.settings.identity}:
            self._seen = None
            return True
        version = "" if found is None else found["metadata"]["resourceVersion"]
        now = self.clock.monotonic()
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now)
            return False
        granted = 0 if found is None else found["spec"].get("leaseDurationSeconds", 0)
        return bool(now >= self._seen[1] + max(granted, self.settings.duration.total_seconds()))

    def _record(self, metadata: Object, since: str | None, changes: int) -> dict[str, Any]:
        """Return the Lease as ours, `since` when it has been ours, None for now."""
        now = self.clock.now().strftime(_MICRO_TIME)
        kept = {key: metadata[key] for key in ("resourceVersion", "uid") if key in metadata}
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self.settings.name, "namespace": self.settings.namespace, **kept},
            "spec": {
                "holderIdentity": self.settings.identity,
                "leaseDurationSeconds": math.ceil(self.settings.duration.total_seconds()),
                "acquireTime": since or now,
                "renewTime": now,
                "leaseTransitions": changes,
            },
        }


def _holder(found: Object) -> str:
    return found.get("spec", {}).get("holderIdentity") or ""
