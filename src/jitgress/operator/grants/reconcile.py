"""Removes a grant that should not be there, and records that it was."""

from datetime import datetime

import structlog

from jitgress.crds.values import grant_value
from jitgress.domain.course import Close, CloseReason, Recorded, ended
from jitgress.domain.errors import InvalidValueError, JitgressError
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.domain.grant import Grant
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS
from jitgress.operator.caches import Object, understood
from jitgress.operator.grants.decide import Facts, objection
from jitgress.operator.history import recorded
from jitgress.operator.record import OPERATOR, closed_grant
from jitgress.operator.successors import successor
from jitgress.operator.world import World

_log = structlog.get_logger()


class GrantReconciler:
    """Looks at one AccessGrant at a time."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, name: str) -> datetime | None:
        """Remove the grant `name` if it should not be there; return when it ends."""
        found = self._world.caches.grants.get(self._world.settings.namespace, name)
        if found is None:
            return None
        grant = understood(grant_value, found)
        facts = Facts(
            name=name, grant=grant, recorded=await self._recorded(name), has_request=await self._has_request(grant)
        )
        reason = objection(facts, self._world.clock.now())
        if reason is None:
            return grant.window.not_after if grant is not None else None
        await self._remove(found, facts, reason)
        return None

    async def _recorded(self, name: str) -> Recorded | None:
        """Return what is recorded of a grant, or None if that can't be read."""
        history = await self._world.ledger.history(name)
        try:
            return recorded(history)
        except InvalidValueError as error:
            _log.warning("record_unreadable", grant=name, error=error.message)
            return None

    async def _has_request(self, grant: Grant | None) -> bool:
        """Ask the API server before it is said that a request is gone: the cache may lag."""
        if grant is None:
            return False
        ref = grant.request
        found = self._world.caches.requests.get(ref.namespace, ref.name)
        if found is None or found["metadata"]["uid"] != ref.uid:
            found = await self._world.api.find(ACCESS_REQUESTS, ref.name, ref.namespace)
        return found is not None and found["metadata"]["uid"] == ref.uid

    def _end(self, grant: Grant | None) -> Close:
        """Return how a grant's request ends when its time is over: as the request's own concern would say it."""
        if grant is None:
            return ended(None)
        return ended(successor(grant.request, grant.subject.username, self._world.caches))

    async def _remove(self, found: Object, facts: Facts, reason: str) -> None:
        uid = found["metadata"]["uid"]
        try:
            for event in _events(uid, facts, reason, self._end(facts.grant), self._world.clock.now()):
                await self._world.ledger.append(event)
        except JitgressError as error:
            _log.warning("closing_before_its_record", grant=facts.name, error=error.message)
        try:
            await self._world.api.delete(ACCESS_GRANTS, facts.name, self._world.settings.namespace, uid=uid)
        except NotFoundError:
            return
        _log.warning("grant_removed", grant=facts.name, reason=reason)


def _events(uid: str, facts: Facts, reason: str, at_the_end: Close, now: datetime) -> list[Event]:
    """Return what to record: how the grant's request ended, unless that is known; anything else is told as found."""
    past, grant = facts.recorded or Recorded(), facts.grant
    if grant is not None and past.opened is not None and grant in (past.opened, *past.before):
        if past.closed is not None:
            return []
        deleted = Close(CloseReason.WITHDRAWN, "its request was deleted")
        return [closed_grant(grant, at_the_end if grant.window.has_ended(now) else deleted, now)]
    return [
        Event(
            id=event_id(uid, EventCode.GRANT_REMOVED),
            code=EventCode.GRANT_REMOVED,
            at=now,
            actor=OPERATOR,
            subject=grant.subject.username if grant is not None else None,
            request=grant.request if grant is not None else None,
            data={"grant": facts.name, "reason": reason},
        )
    ]
