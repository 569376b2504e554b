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
from jitgress.operator.ports import Notifier
from jitgress.operator.requests.apply import RequestApplier
from jitgress.operator.requests.decide import Plan, next_plan, with_recorded
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.gather import gather
from jitgress.operator.requests.news import news_of
from jitgress.operator.world import World

_log = structlog.get_logger()


class RequestReconciler:
    """Brings one request at a time to where it should be."""

    def __init__(self, world: World, applier: RequestApplier, notifier: Notifier) -> None:
        self._world = world
        self._applier = applier
        self._notifier = notifier
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
                step = await self._record_next(key, facts, plan)
                if step is None:
                    return None
                facts, recorded = step
                news += recorded
                plan = next_plan(facts, self._world.clock.now())
        except JitgressError as error:
            if isinstance(plan.course, Close):
                self._unrecorded[key] = facts.request.ref, plan.course
                _log.warning("closing_before_its_record", request=str(facts.request.ref), error=error.message)
                await self._applier.close(facts, plan)
            raise
        self._unrecorded.pop(key, None)
        if plan.is_closing:
            self._world.openings.forget(facts.request.ref.uid)
        await self._applier.apply(facts, plan, news, is_repeat=was_opened)
        return plan.look_again_at

    async def _record_next(self, key: Key, facts: Facts, plan: Plan) -> tuple[Facts, tuple[Event, ...]] | None:
        """Record what is due, or return None where the request is gone.

        Where open grants are counted nobody else opens one between the count and the record.
        """
        is_opening = plan.grant is not None and plan.opened is None
        if not (is_opening and plan.decision.is_limited):
            recorded = await self._record(facts, plan)
            self._take_note(plan)
            return recorded
        async with self._world.openings.one_at_a_time:
            await self._world.openings.recall(self._world.caches, self._world.ledger)
            counted = await gather(key, self._world)
            if counted is None:
                return None
            plan = next_plan(counted, self._world.clock.now())
            counted_and_recorded = await self._record(counted, plan)
            self._take_note(plan)
            return counted_and_recorded

    def _take_note(self, plan: Plan) -> None:
        """Have what was just recorded counted by others, whose policy may limit what this one's doesn't."""
        if plan.grant is not None and plan.opened is None:
            self._world.openings.add(plan.grant)

    async def _record(self, facts: Facts, plan: Plan) -> tuple[Facts, tuple[Event, ...]]:
        recorded: list[Event] = []
        for event in plan.events:
            recorded.append(await self._world.ledger.append(event))
            self._notifier.tell(news_of(recorded[-1], facts, plan))
        return with_recorded(facts, tuple(recorded)), tuple(recorded)
