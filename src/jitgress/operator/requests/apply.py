"""Makes it so: the grant exists or doesn't, the statuses tell, Kubernetes Events say what happened. Knows no rules."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from jitgress.crds.values import grant_object
from jitgress.domain.event import Event, EventCode
from jitgress.domain.grant import Grant
from jitgress.kube.errors import AlreadyExistsError, InvalidObjectError, KubeError, NotFoundError, UnreachableError
from jitgress.kube.events import EventRecorder
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS, Resource
from jitgress.operator.requests.decide import Plan
from jitgress.operator.requests.facts import Facts, GrantSight
from jitgress.operator.requests.gather import has_been_active, is_told_closed
from jitgress.operator.requests.status import request_status, review_statuses
from jitgress.operator.world import World

_log = structlog.get_logger()

_TOLD: Final[Mapping[EventCode, str]] = {
    EventCode.REQUEST_RECEIVED: "Received",
    EventCode.REVIEW_COUNTED: "Reviewed",
    EventCode.REVIEW_IGNORED: "ReviewIgnored",
    EventCode.REQUEST_SCHEDULED: "Scheduled",
    EventCode.GRANT_OPENED: "Opened",
    EventCode.GRANT_NARROWED: "Narrowed",
    EventCode.BREAK_GLASS_REVIEWED: "BreakGlassReviewed",
    EventCode.BREAK_GLASS_OVERDUE: "BreakGlassOverdue",
    EventCode.GRANT_ACTIVE: "Active",
    EventCode.REQUEST_CLOSED: "Closed",
}
"""The reason of the Kubernetes Event that tells of an event."""


class RequestApplier:
    """Writes grants, statuses and Kubernetes Events."""

    def __init__(self, world: World, recorder: EventRecorder) -> None:
        self._world = world
        self._recorder = recorder

    async def apply(self, facts: Facts, plan: Plan, news: tuple[Event, ...], *, is_repeat: bool) -> None:
        """Bring about what `plan` says. `is_repeat`: the opening was recorded earlier, the grant may be gone again."""
        if plan.grant is not None and facts.sight is None:
            if is_repeat and await self._was_seen(facts):
                return  # the cache lagged; the change of the status brings this request back
            await self._create(plan.grant)
        elif plan.grant is not None and facts.sight is not None and facts.sight.grant in plan.before:
            await self._narrow(plan.grant, facts.sight)
        if plan.is_closing:
            await self.close(facts, plan)
        await self._tell(facts, plan)
        for event in news:
            await self._announce(facts, event)

    async def close(self, facts: Facts, plan: Plan) -> None:
        """Remove the request's grant, if it has one. Once that is done the status says that it is over."""
        if facts.sight is None and (plan.opened is None or is_told_closed(facts.status)):
            return
        uid = facts.sight.uid if facts.sight is not None else None
        try:
            await self._world.api.delete(ACCESS_GRANTS, facts.request.ref.uid, self._world.settings.namespace, uid=uid)
        except NotFoundError:
            return
        lateness = self._world.clock.now() - plan.opened.window.not_after if plan.opened is not None else timedelta(0)
        _log.info(
            "grant_closed",
            request=str(facts.request.ref),
            grant=facts.request.ref.uid,
            lateness_ms=max(0, lateness // timedelta(milliseconds=1)),
        )

    async def _was_seen(self, facts: Facts) -> bool:
        """Tell whether the grant was there, though our cache doesn't know: API server or ledger do."""
        ref = facts.request.ref
        if has_been_active(await self._world.ledger.history(ref.uid)):
            return True
        found = await self._world.api.find(ACCESS_REQUESTS, ref.name, ref.namespace)
        return found is None or found["metadata"]["uid"] != ref.uid or "grant" in found.get("status", {})

    async def _create(self, grant: Grant) -> None:
        try:
            await self._world.api.create(ACCESS_GRANTS, grant_object(grant, self._world.settings.namespace))
        except AlreadyExistsError:
            return
        _log.info("grant_opened", request=str(grant.request), grant=grant.id, host=grant.host)

    async def _narrow(self, grant: Grant, sight: GrantSight) -> None:
        """Replace the very object that was seen; whatever else happened to it brings this request back.

        One that the API server will not take in its narrower form is removed: it would stay as wide as it was.
        """
        body = grant_object(grant, self._world.settings.namespace)
        body["metadata"] |= {"resourceVersion": sight.resource_version, "uid": sight.uid}
        try:
            await self._world.api.replace(ACCESS_GRANTS, body)
        except InvalidObjectError as error:
            _log.warning("narrowing_refused", request=str(grant.request), grant=grant.id, error=error.message)
            await self._remove(grant, sight)
            return
        _log.info("grant_narrowed", request=str(grant.request), grant=grant.id, host=grant.host)

    async def _remove(self, grant: Grant, sight: GrantSight) -> None:
        """Remove the very object that was seen; that it is gone brings this request back, which ends by it."""
        try:
            await self._world.api.delete(ACCESS_GRANTS, grant.id, self._world.settings.namespace, uid=sight.uid)
        except NotFoundError:
            return

    async def _tell(self, facts: Facts, plan: Plan) -> None:
        """Write every status that changed. One that the API server refuses keeps none of the others back."""
        refused: list[KubeError] = []
        for resource, name, status in self._changed(facts, plan):
            try:
                await self._write(resource, facts.request.ref.namespace, name, status)
            except UnreachableError:
                raise  # that isn't about this object: the others would wait in vain, too
            except KubeError as error:
                _log.warning("status_refused", kind=resource.kind, request=str(facts.request.ref), error=error.message)
                refused.append(error)
        if refused:
            raise refused[0]

    def _changed(self, facts: Facts, plan: Plan) -> Iterator[tuple[Resource, str, Mapping[str, Any]]]:
        """Yield each status that isn't as it is told: resource, name, and what it should be."""
        now = self._world.clock.now()
        status = request_status(facts, plan, self._world.settings, now)
        if status != facts.status:
            yield ACCESS_REQUESTS, facts.request.ref.name, status
        for name, review_status in review_statuses(facts, plan, now).items():
            if review_status != facts.review_statuses.get(name):
                yield ACCESS_REVIEWS, name, review_status

    async def _write(self, resource: Resource, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        try:
            await self._world.api.apply_status(resource, name, namespace, status)
        except NotFoundError:
            _log.debug("status_of_a_deleted_object", kind=resource.kind, namespace=namespace, name=name)

    async def _announce(self, facts: Facts, event: Event) -> None:
        reason = _TOLD.get(event.code)
        found = self._world.caches.requests.get(facts.request.ref.namespace, facts.request.ref.name)
        if reason is None or found is None:
            return
        await self._recorder.record(found, reason=reason, note=describe(event), discriminator=event.id)


def describe(event: Event) -> str:
    """Return an event in words for people who read Kubernetes Events. What is break-glass begins with that word."""
    seconds = event.data.get("duration_seconds")
    lasting = "" if seconds is None else f" for {seconds} s"
    told = {"reason": event.code.value, "message": ""} | dict(event.data) | {"actor": event.actor, "lasting": lasting}
    glass = "break-glass: " if event.data.get("break_glass") is True else ""
    return glass + _WORDS.get(event.code, "{reason}: {message}").format_map(told)


_WORDS: Final[Mapping[EventCode, str]] = {
    EventCode.REQUEST_RECEIVED: "{actor} asks for {target}{lasting}: {reason}",
    EventCode.REVIEW_COUNTED: "{decision} by {actor}: {standing}",
    EventCode.REVIEW_IGNORED: "{decision} by {actor}: {standing}",
    EventCode.REQUEST_SCHEDULED: "opens at {not_before}, until {not_after}",
    EventCode.GRANT_OPENED: "policy {policy} opens {host} until {not_after}",
    EventCode.GRANT_NARROWED: "narrowed to {host} until {not_after}: policy or target permit no more",
    EventCode.GRANT_ACTIVE: "{host} answers, and refuses strangers",
    EventCode.BREAK_GLASS_REVIEWED: "{actor} reviewed the broken glass: {decision}",
    EventCode.BREAK_GLASS_OVERDUE: "nobody reviewed the broken glass by {review_by}",
}
