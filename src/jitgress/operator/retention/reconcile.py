"""Sweeps now and then: removes closed requests and their reviews, and records that it did.

Kubernetes Events need no sweep: the API server drops them after its own `--event-ttl`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from jitgress.crds.values import request_value
from jitgress.domain.window import parse_time
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS
from jitgress.operator.caches import Object, understood
from jitgress.operator.conditions import find_condition
from jitgress.operator.record import removed
from jitgress.operator.retention.decide import Facts, keeps
from jitgress.operator.settled import SETTLED
from jitgress.operator.world import World

EVERYTHING: Final = "everything"
"""The one key of this concern."""
_EVERY: Final = timedelta(hours=1)
_AGAIN: Final = timedelta(seconds=5)
_AT_ONCE: Final = 200  # some seconds' work; the rest comes with the next sweep
_PAGE: Final = 500  # client-go's default
_NEEDED: Final = ("namespace", "name", "uid", "creationTimestamp")
_log = structlog.get_logger()


class RetentionReconciler:
    """Removes what was kept long enough."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, _key: str) -> datetime | None:
        """Remove what is due, the oldest first; return when to sweep again."""
        followed = self._old(self._world.caches.requests.values())
        closed = [each for each in followed if find_condition(each.get("status", {}), "Closed") is not None]
        settled = await self._settled()
        closed = sorted([*closed, *self._old(settled)], key=_age)
        removed_now = 0
        for found in closed:
            removed_now += await self._remove_request(found)
            if removed_now >= _AT_ONCE:
                return self._world.clock.now() + _AGAIN
        for review in self._orphans(settled):
            await self._remove_review(review)
        return self._world.clock.now() + _EVERY

    def _old(self, objects: Iterable[Object]) -> list[Object]:
        """Return what was made so long ago that it may be due: nothing is closed before it is made."""
        limit = self._world.clock.now() - self._world.settings.retention
        return [each for each in objects if parse_time(each["metadata"]["creationTimestamp"]) <= limit]

    async def _settled(self) -> list[Object]:
        """Return the metadata of the settled requests, which the caches don't hold."""
        found: list[Object] = []
        next_page: str | None = None
        while True:
            page = await self._world.api.list_page(
                ACCESS_REQUESTS, None, limit=_PAGE, next_page=next_page, is_brief=True, selector=SETTLED
            )
            found += ({"metadata": {key: each["metadata"][key] for key in _NEEDED}} for each in page.items)
            if page.next is None:
                return found
            next_page = page.next

    def _orphans(self, settled: Iterable[Object]) -> list[Object]:
        """Return old reviews whose request is gone."""
        known = {each["metadata"]["uid"] for each in (*self._world.caches.requests.values(), *settled)}
        reviews = self._old(self._world.caches.reviews.values())
        return [each for each in reviews if each["spec"].get("request", {}).get("uid") not in known]

    async def _remove_request(self, cached: Object) -> bool:
        """Remove a request and its reviews, if the API server and the ledger agree that it may go."""
        metadata = cached["metadata"]
        found = await self._world.api.find(ACCESS_REQUESTS, metadata["name"], metadata["namespace"])
        if found is None or found["metadata"]["uid"] != metadata["uid"]:
            return False
        request = understood(request_value, found)
        why = keeps(await self._facts(found), self._world.settings.retention, self._world.clock.now())
        if request is None or why is not None:
            _log.debug("request_kept", request=f"{metadata['namespace']}/{metadata['name']}", reason=why)
            return False
        await self._world.ledger.append(removed(request, self._world.clock.now()))
        for review in tuple(self._world.caches.reviews_of(metadata["uid"])):
            await self._remove_review(review)
        try:
            await self._world.api.delete(ACCESS_REQUESTS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except NotFoundError:
            return False
        _log.info("request_removed", request=str(request.ref))
        return True

    async def _facts(self, found: Object) -> Facts:
        uid, status = found["metadata"]["uid"], found.get("status", {})
        grant = await self._world.api.find(ACCESS_GRANTS, uid, self._world.settings.namespace)
        return Facts(
            says_closed=find_condition(status, "Closed") is not None,
            has_grant=grant is not None,
            history=await self._world.ledger.history(uid),
        )

    async def _remove_review(self, found: Object) -> None:
        metadata: Mapping[str, Any] = found["metadata"]
        try:
            await self._world.api.delete(ACCESS_REVIEWS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except NotFoundError:
            return


def _age(found: Object) -> str:
    return str(found["metadata"]["creationTimestamp"])
