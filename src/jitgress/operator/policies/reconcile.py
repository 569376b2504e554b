"""Examines one AccessPolicy at a time and says in its status whether it is Ready."""

from datetime import datetime

import structlog

from jitgress.crds.policies import policy_or_defect
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import ACCESS_POLICIES
from jitgress.operator.conditions import condition
from jitgress.operator.policies.decide import Facts, trouble
from jitgress.operator.world import World

_log = structlog.get_logger()


class PolicyReconciler:
    """Keeps the status of policies true."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, name: str) -> datetime | None:
        """Examine the policy `name` and write its status if it changed."""
        found = self._world.caches.policies.get(None, name)
        if found is None:
            return None
        wrong = trouble(Facts(policy_or_defect(found), self._world.settings.approval_webhooks))
        generation = found["metadata"].get("generation", 1)
        ready = condition(
            "Ready",
            is_true=wrong is None,
            reason="Ready" if wrong is None else wrong.reason,
            message="requests are decided by it" if wrong is None else wrong.message,
            generation=generation,
            now=self._world.clock.now(),
            present=found.get("status", {}).get("conditions", ()),
        )
        status = {"observedGeneration": generation, "conditions": [ready]}
        if status != found.get("status"):
            try:
                await self._world.api.apply_status(ACCESS_POLICIES, name, None, status)
            except NotFoundError:
                return None
            _log.info("policy_examined", policy=name, ready=wrong is None)
        return None
