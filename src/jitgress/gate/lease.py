"""The Lease in which the gate says that it lives and how far it is programmed: one object a gate, not one a grant."""

from datetime import UTC, datetime
from typing import Any, Final

from jitgress.domain.window import format_time
from jitgress.gate.following import NAMESPACE
from jitgress.gate.settings import GateSettings
from jitgress.kube.client import KubeApi
from jitgress.kube.resources import LEASES

PROGRAMMED_VERSION: Final = "jitgress.dev/programmed-resource-version"
PROGRAMMED_AT: Final = "jitgress.dev/programmed-at"
COMPONENT: Final = {"jitgress.dev/component": "gate", "app.kubernetes.io/managed-by": "jitgress"}
_MICRO_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


class KubeStatus:
    """A `GateStatus` in a Lease named `jitgress-gate-ID`."""

    def __init__(self, api: KubeApi, settings: GateSettings, namespace: str = NAMESPACE) -> None:
        self._api = api
        self._settings = settings
        self._namespace = namespace

    async def publish(self, resource_version: str, programmed_at: datetime, now: datetime) -> None:
        """Say that the gate lives at `now` and is programmed up to `resource_version`. Raises `KubeError`."""
        body = lease_object(self._settings, self._namespace, resource_version, programmed_at, now)
        await self._api.apply(LEASES, body)


def lease_object(
    settings: GateSettings, namespace: str, resource_version: str, programmed_at: datetime, now: datetime
) -> dict[str, Any]:
    """Return the whole Lease."""
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {
            "name": f"jitgress-gate-{settings.gate_id}",
            "namespace": namespace,
            "labels": COMPONENT,
            "annotations": {PROGRAMMED_VERSION: resource_version, PROGRAMMED_AT: format_time(programmed_at)},
        },
        "spec": {
            "holderIdentity": settings.gate_id,
            "leaseDurationSeconds": int(settings.staleness.total_seconds()),
            "renewTime": now.astimezone(UTC).strftime(_MICRO_TIME),
        },
    }
