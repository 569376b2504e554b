"""The loop of one request: gather, decide, record, apply.

Invariant 7: what a plan does is done once its events are recorded. Closing alone goes ahead when the ledger is down;
its event follows (docs/adr/0005).
"""

from dataclasses import replace
from datetime import datetime

import structlog

from jitgress.domain.course import Close
from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event
from jitgress.domain.request import RequestRef
from jitgress.operator.caches import Key
from jitgress.operator.requests.apply import RequestApplier
from jitgress.operator.requests.decide import Plan, next_plan, with_recorded
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.gather import gather
from jitgress.operator.world import World

_log = structlog.get_logger()


class RequestReconciler:
    """Brings one request at a time to where it should be."""

    def __init__(self, world: World, applier: RequestApplier) -> None:
        self._world = world
        self._applier = applier
        self._unrecorded: dict[Key, tuple[RequestRef, Close]] = {}
        """What was closed while the ledger was down. As bounded as the requests: one that is gone is forgotten."""

    async def reconcile(self, key: Key) -> datetime | None:
        """Do what is due for the request `key`; return when to look again at the latest."""
        facts = await gather(key, self._world)
        if facts is None:
            self._unrecorded.pop(key, None)
            return None
        ref, close = self._unrecorded.get(key, (None, None))
        facts = replace(facts, unrecorded_close=close if ref == facts.request.ref else None)
        plan = next_plan(facts, self._world.clock.now())
        was_opened = plan.opened is not None
        news: tuple[Event, ...] = ()
        try:
            while plan.events:
                facts, recorded = await self._record(facts, plan)
                news += recorded
                plan = next_plan(facts, self._world.clock.now())
        except JitgressError as error:
            if isinstance(plan.course, Close):
                self._unrecorded[key] = facts.request.ref, plan.course
                _log.warning("closing_before_its_record", request=str(facts.request.ref), error=error.message)
                await self._applier.close(facts, plan)
            raise
        self._unrecorded.pop(key, None)
        await self._applier.apply(facts, plan, news, is_repeat=was_opened)
        return plan.look_again_at

    async def _record(self, facts: Facts, plan: Plan) -> tuple[Facts, tuple[Event, ...]]:
        recorded = tuple([await self._world.ledger.append(event) for event in plan.events])
        return with_recorded(facts, recorded), recorded
