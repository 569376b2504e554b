"""Examines one AccessTarget at a time and says in its status whether, and at which address, it can be opened."""

from datetime import datetime
from typing import Any

import structlog

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import Host, parse_host
from jitgress.domain.scope import Scope
from jitgress.domain.target import NotReady, Ready
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_TARGETS
from jitgress.operator.caches import Cache, Caches, Key, Object
from jitgress.operator.conditions import condition
from jitgress.operator.hosts import foreign_route
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.targets.decide import Facts, readiness
from jitgress.operator.traits import spec_host
from jitgress.operator.world import World

_log = structlog.get_logger()


class TargetReconciler:
    """Keeps the status of targets true."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key) -> datetime | None:
        """Examine the target `key` and write its status if it changed."""
        found = self._world.caches.targets.get(*key)
        if found is None:
            return None
        answer = readiness(gather(found, self._world.caches, self._world.settings))
        status = self._status(found, answer)
        if status != found.get("status"):
            metadata = found["metadata"]
            try:
                await self._world.api.apply_status(ACCESS_TARGETS, metadata["name"], metadata["namespace"], status)
            except NotFoundError:
                return None
            _log.info("target_examined", target="/".join(key), ready=isinstance(answer, Ready))
        return None

    def _status(self, found: Object, answer: Ready | NotReady) -> dict[str, Any]:
        generation = found["metadata"].get("generation", 1)
        if isinstance(answer, Ready):
            reason, message, where = "Ready", f"opens to {answer.address}", {"address": answer.address}
        else:
            reason, message, where = answer.reason, answer.message, {}
        ready = condition(
            "Ready",
            is_true=isinstance(answer, Ready),
            reason=reason,
            message=message,
            generation=generation,
            now=self._world.clock.now(),
            present=found.get("status", {}).get("conditions", ()),
        )
        return {"observedGeneration": generation, "conditions": [ready], **where}


def gather(found: Object, caches: Caches, settings: OperatorSettings) -> Facts:
    """Return all that the readiness of the target `found` hangs on."""
    spec, metadata = found["spec"], found["metadata"]
    host, error = _host(spec)
    service = spec.get("service", {})
    return Facts(
        name=metadata["name"],
        host=host,
        spec_error=error,
        service_name=str(service.get("name", "")),
        port=service.get("port", 0),
        service=caches.services.get(metadata["namespace"], str(service.get("name", ""))),
        elder=None if host is None else _elder(found, host, caches.targets),
        foreign_route=None if host is None else foreign_route(host, caches, settings),
    )


def _host(spec: Object) -> tuple[Host | None, str | None]:
    try:
        Scope.of(spec.get("paths", ()), spec.get("methods", ()))
        return parse_host(str(spec.get("host", ""))), None
    except InvalidValueError as error:
        return None, f"{error.message}. {error.remedy}"


def _elder(found: Object, host: Host, targets: Cache) -> str | None:
    """Return the target that named the same host before this one; ties by UID."""
    mine = _age(found)
    rivals = [each for each in targets.where(spec_host, host) if _age(each) < mine]
    first = min(rivals, key=_age, default=None)
    return None if first is None else f"{first['metadata']['namespace']}/{first['metadata']['name']}"


def _age(found: Object) -> tuple[str, str]:
    return found["metadata"]["creationTimestamp"], found["metadata"]["uid"]
