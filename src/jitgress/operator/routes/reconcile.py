"""Publishes, changes and removes the route of one host at a time, and puts right what others did to it."""

from datetime import datetime
from typing import Any

import structlog

from jitgress.crds.values import grant_value
from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event, EventCode, EventValue, event_id
from jitgress.domain.host import Host
from jitgress.domain.window import to_milliseconds
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import HTTP_ROUTES, INGRESSES, Resource
from jitgress.operator.caches import Object, understood
from jitgress.operator.hosts import Routes, hosts_meant, is_ours, route_name, served_routes
from jitgress.operator.record import OPERATOR
from jitgress.operator.routes.decide import Sharer, desired_route, is_in_place, is_stray
from jitgress.operator.settings import RouteKind
from jitgress.operator.world import World

_log = structlog.get_logger()


class RouteAlteredError(JitgressError):
    """Something in the cluster adds to our routes, so what they would publish is not known."""

    code = "route_altered"


class RouteReconciler:
    """Keeps one route for each host that has an active grant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._published: dict[Host, str] = {}
        self._recorded: dict[Host, str] = {}
        """What this process recorded last of a host, published or not."""

    async def reconcile(self, host: Host) -> datetime | None:
        """Bring the route of `host` to where it should be; return when its first grant ends."""
        now = self._world.clock.now()
        sharers = self._sharers(host)
        for kind in served_routes(self._world.caches):
            resource = kind.resource
            for stray, first in self._strays(host, kind):
                await self._remove(resource, first, stray)
            observed = kind.cache.get(self._world.settings.namespace, route_name(host))
            is_chosen = resource is _RESOURCES[self._world.settings.route_kind]
            desired = desired_route(host, sharers, self._world.settings, now) if is_chosen else None
            if desired is None and observed is not None:
                await self._remove(resource, host, observed)
            elif desired is not None and not is_in_place(desired, observed):
                await self._publish(resource, host, desired, observed)
        ends = [each.grant.window.not_after for each in sharers if not each.grant.window.has_ended(now)]
        return min(ends, default=None)

    def _strays(self, host: Host, kind: Routes) -> list[tuple[Object, Host]]:
        """Return what claims to be ours, and to be for `host`, under a name that we never give.

        With each the host under which it is recorded, the same whichever of its hosts is looked at.
        """
        ours = [each for each in kind.cache.where(kind.meant_by, host) if is_ours(each, self._world.settings)]
        about = [(each, hosts_meant(each, kind.hosts_of(each))) for each in ours]
        return [(each, max(meant)) for each, meant in about if is_stray(each, meant)]

    def _sharers(self, host: Host) -> list[Sharer]:
        """Return the grants of `host`; one that is being deleted keeps nothing open."""
        found = self._world.caches.grants_at(host)
        values = [(understood(grant_value, each), each["metadata"]) for each in found]
        return [
            Sharer(grant, metadata["uid"])
            for grant, metadata in values
            if grant is not None and "deletionTimestamp" not in metadata
        ]

    async def _publish(self, resource: Resource, host: Host, desired: dict[str, Any], observed: Object | None) -> None:
        """Record, then apply. A difference that our own changes don't explain was somebody's doing.

        What a change replaces is part of its event's id: a host may come back to grants that it had before.
        """
        grants = ",".join(sorted(owner["name"] for owner in desired["metadata"]["ownerReferences"]))
        seen = observed["metadata"]["resourceVersion"] if observed is not None else ""
        if is_repair := self._published.get(host) == grants:
            observed = await self._world.api.find(resource, route_name(host), self._world.settings.namespace)
            if is_in_place(desired, observed):
                return  # the cache lags behind what we did
            seen = (
                observed["metadata"]["resourceVersion"] if observed is not None else self._world.clock.now().isoformat()
            )
        code = EventCode.ROUTE_REPAIRED if is_repair else EventCode.ROUTE_PUBLISHED
        await self._record(host, code, grants, f"{grants} {seen}")
        applied = await self._world.api.apply(resource, desired, force=True)
        if not is_in_place(desired, applied):
            await self._make_anew(resource, desired, applied)
        self._published[host] = grants
        _log.info(code.value, host=host, grants=grants.count(",") + 1)

    async def _record(self, host: Host, code: EventCode, grants: str, discriminator: str) -> None:
        """Record what is about to be published, so that the ledger's last word is what is published.

        An id that was recorded before was either our own try at this very step, or an earlier time at which the host
        had the same grants: then the route was meant to be there and is not, and is put right.
        """
        event = self._event(host, code, discriminator, {"host": host, "grants": grants})
        recorded = await self._world.ledger.append(event)
        is_known = to_milliseconds(recorded.at) != to_milliseconds(event.at)
        if is_known and self._recorded.get(host) != discriminator:
            again = f"{discriminator} {event.at.isoformat()}"
            await self._world.ledger.append(self._event(host, EventCode.ROUTE_REPAIRED, again, dict(event.data)))
        self._recorded[host] = discriminator

    async def _make_anew(self, resource: Resource, desired: dict[str, Any], altered: Object) -> None:
        """Replace a route to which somebody added something: under server-side apply that would stay theirs."""
        name, namespace = altered["metadata"]["name"], self._world.settings.namespace
        await self._world.api.delete(resource, name, namespace, uid=altered["metadata"]["uid"])
        made = await self._world.api.apply(resource, desired, force=True)
        if not is_in_place(desired, made):
            await self._world.api.delete(resource, name, namespace, uid=made["metadata"]["uid"])
            raise RouteAlteredError(
                f"{resource.kind} {name} says more than was applied, as soon as it is made",
                remedy="Look for an admission webhook or policy that changes routes, and exempt jitgress-system.",
            )

    def _removed(self, host: Host, uid: str) -> Event:
        """One event a removed object, although a stray is found under each of the hosts that it is about."""
        return self._event(uid, EventCode.ROUTE_REMOVED, "", {"host": host})

    async def _remove(self, resource: Resource, host: Host, observed: Object) -> None:
        name, uid = observed["metadata"]["name"], observed["metadata"]["uid"]
        try:
            await self._world.ledger.append(self._removed(host, uid))
        except JitgressError as error:
            _log.warning("closing_before_its_record", host=host, error=error.message)
        try:
            await self._world.api.delete(resource, name, self._world.settings.namespace, uid=uid)
        except NotFoundError:
            return
        finally:
            if name == route_name(host):
                self._published.pop(host, None)
                self._recorded.pop(host, None)
        _log.info("route_removed", host=host)

    def _event(self, about: str, code: EventCode, discriminator: str, data: dict[str, EventValue]) -> Event:
        return Event(
            id=event_id(about, code, discriminator), code=code, at=self._world.clock.now(), actor=OPERATOR, data=data
        )


_RESOURCES = {RouteKind.INGRESS: INGRESSES, RouteKind.HTTP_ROUTE: HTTP_ROUTES}
