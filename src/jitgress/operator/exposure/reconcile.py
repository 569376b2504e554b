"""Looks at the host of one request: until it refuses strangers while it opens, until it is hidden once it is over."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from jitgress.crds.values import grant_value
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.domain.grant import Grant
from jitgress.domain.window import format_time, parse_time
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_GRANTS
from jitgress.operator.caches import Key, Object, understood
from jitgress.operator.conditions import condition, find_condition
from jitgress.operator.exposure.decide import Finding, Opening, finding, is_hidden, next_look
from jitgress.operator.exposure.gates import all_have
from jitgress.operator.history import recorded
from jitgress.operator.hosts import foreign_route
from jitgress.operator.ports import Probe, Prober, Sighting
from jitgress.operator.record import about_grant
from jitgress.operator.world import World

_log = structlog.get_logger()


class ExposureReconciler:
    """Probes through the ingress and writes down what it saw; `poke` wakes the request's own concern."""

    def __init__(self, world: World, prober: Prober, poke: Callable[[Key], None]) -> None:
        self._world = world
        self._prober = prober
        self._poke = poke

    async def reconcile(self, key: Key) -> datetime | None:
        """Look at the host of the request `key` if somebody has to; return when to look again."""
        request = self._world.caches.requests.get(*key)
        if request is None:
            return None
        found = self._world.caches.grants.get(self._world.settings.namespace, request["metadata"]["uid"])
        if found is not None:
            return await self._while_opening(found)
        return await self._while_closing(key, request)

    async def _while_opening(self, found: Object) -> datetime | None:
        if find_condition(found.get("status", {}), "Probed") is not None:
            return None
        grant = understood(grant_value, found)
        if grant is None:
            return None
        since = parse_time(found["metadata"]["creationTimestamp"])
        leases = self._world.caches.leases.values()
        now = self._world.clock.now()
        is_programmed = all_have(found["metadata"]["resourceVersion"], leases, self._world.settings.staleness, now)
        probe = await self._prober.probe(grant.host, grant.scope.paths[0])
        now = self._world.clock.now()
        seen = finding(Opening(since, is_programmed, probe), self._world.settings.probe_timeout, now)
        if seen is Finding.LOOK_AGAIN:
            return next_look(since, now)
        await self._write(found, seen, is_programmed=is_programmed, detail=probe.detail)
        return None

    async def _write(self, found: Object, seen: Finding, *, is_programmed: bool, detail: str) -> None:
        generation, now = found["metadata"].get("generation", 1), self._world.clock.now()
        programmed = condition(
            "Programmed",
            is_true=is_programmed,
            reason="Programmed" if is_programmed else "GatesBehind",
            message="every live gate has this grant"
            if is_programmed
            else "a live gate lacks this grant, or none is live",
            generation=generation,
            now=now,
        )
        message = f"a stranger at the host gets: {detail}"
        probed = condition(
            "Probed",
            is_true=seen is Finding.PROBED,
            reason=seen.value,
            message=message,
            generation=generation,
            now=now,
        )
        status = {"conditions": [programmed, probed]}
        try:
            await self._world.api.apply_status(
                ACCESS_GRANTS, found["metadata"]["name"], self._world.settings.namespace, status
            )
        except NotFoundError:
            return
        _log.info("grant_probed", grant=found["metadata"]["name"], finding=seen.value, detail=detail)

    async def _while_closing(self, key: Key, request: Object) -> datetime | None:
        status: Mapping[str, Any] = request.get("status", {})
        if find_condition(status, "Closed") is None or "grant" not in status or "hiddenAt" in status:
            return None
        past = recorded(history := await self._world.ledger.history(request["metadata"]["uid"]))
        ended_at = next((event.at for event in history if event.code is EventCode.REQUEST_CLOSED), None)
        if past.opened is None or ended_at is None or self._is_shared(past.opened):
            return None  # never open, or rightly open for somebody else
        probe = await self._look_everywhere(past.opened)
        # A route of somebody else's may hide some paths and show others: as long as there is one, nothing is hidden.
        foreign = foreign_route(past.opened.host, self._world.caches, self._world.settings)
        if foreign is None and is_hidden(probe):
            await self._world.ledger.append(_hidden(past.opened, ended_at, probe.at))
            self._poke(key)
            return None
        if foreign is not None or probe.sighting is Sighting.EXPOSED:
            await self._world.ledger.append(_exposed(past.opened, foreign or "unknown", probe))
        return next_look(ended_at, self._world.clock.now())

    async def _look_everywhere(self, grant: Grant) -> Probe:
        """Return the first look at a path of the grant that is not hidden, or else the last one."""
        first, *others = grant.scope.paths
        probe = await self._prober.probe(grant.host, first)
        for path in others:
            if not is_hidden(probe):
                break
            probe = await self._prober.probe(grant.host, path)
        return probe

    def _is_shared(self, grant: Grant) -> bool:
        now = self._world.clock.now()
        others = (understood(grant_value, each) for each in self._world.caches.grants_at(grant.host))
        return any(other is not None and other.window.contains(now) for other in others)


def _exposed(grant: Grant, through: str, probe: Probe) -> Event:
    """Once for each route through which a host stays open after its end."""
    data: dict[str, EventValue] = {"host": grant.host, "through": through, "answer": probe.detail}
    return about_grant(grant, EventCode.EXPOSURE_FOUND, probe.at, discriminator=through, data=data)


def _hidden(grant: Grant, ended_at: datetime, seen_at: datetime) -> Event:
    """The lateness is an upper bound: from the end of the access to the look that found the host hidden."""
    lateness = max(seen_at - min(ended_at, grant.window.not_after), timedelta(0))
    data: dict[str, EventValue] = {
        "host": grant.host,
        "hidden_at": format_time(seen_at),
        "lateness_ms": lateness // timedelta(milliseconds=1),
    }
    return about_grant(grant, EventCode.HOST_HIDDEN, seen_at, data=data)
