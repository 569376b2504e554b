"""The agent's view of the Kubernetes API: every grant, and the published keys."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from jitgress.domain.clock import Clock
from jitgress.gate.ports import View
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import ACCESS_GRANTS, CONFIG_MAPS

NAMESPACE: Final = "jitgress-system"
KEYS_CONFIG_MAP: Final = "jitgress-gate-keys"
KEYS_DATA: Final = "jwks.json"
_CONFIRMATIONS: Final = 4  # within the staleness: three may be lost before the gate closes


class KubeSource:
    """A `Source` on two reflectors. `run` it."""

    def __init__(self, api: KubeApi, clock: Clock, staleness: timedelta, namespace: str = NAMESPACE) -> None:
        self._namespace = namespace
        self._changed = asyncio.Event()
        every = staleness / _CONFIRMATIONS
        self._grants = Reflector(api, ACCESS_GRANTS, clock, namespace=namespace, confirm_every=every)
        self._keys = Reflector(api, CONFIG_MAPS, clock, namespace=namespace, name=KEYS_CONFIG_MAP, confirm_every=every)
        for reflector in (self._grants, self._keys):
            reflector.subscribe(self._notice)

    async def run(self) -> None:
        """Follow the API until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._grants.run())
            tasks.create_task(self._keys.run())

    def view(self) -> View | None:
        """Return the present view, or None before both lists have come."""
        heard = (self._grants.heard_at, self._keys.heard_at)
        if heard[0] is None or heard[1] is None:
            return None
        return View(tuple(self._grants.values()), self._jwks(), self._grants.resource_version, min(heard[0], heard[1]))

    async def changed(self) -> None:
        """Return once something may have changed since the last call returned."""
        await self._changed.wait()
        self._changed.clear()

    def _jwks(self) -> str | None:
        found = self._keys.get(self._namespace, KEYS_CONFIG_MAP)
        data: Mapping[str, Any] = {} if found is None else found.get("data") or {}
        text = data.get(KEYS_DATA)
        return text if isinstance(text, str) else None

    def _notice(self, _before: Object | None, _after: Object | None) -> None:
        self._changed.set()
