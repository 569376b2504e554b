"""Kubernetes Events: what `kubectl describe` shows people. They are told once, and losing one loses nothing else."""

import hashlib
from datetime import datetime
from typing import Any, Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import AlreadyExistsError, KubeError
from jitgress.kube.resources import EVENTS

_MAX_NOTE_BYTES: Final = 1024  # events.k8s.io/v1: note
_MAX_NAME: Final = 200  # of the object; with the digest it stays below the 253 of a name
_log = structlog.get_logger()


class EventRecorder:
    """Writes events.k8s.io/v1 Events with names that are functions of what happened, so that repeats don't double."""

    def __init__(self, api: KubeApi, clock: Clock, controller: str = "jitgress.dev/operator") -> None:
        self._api = api
        self._clock = clock
        self._controller = controller

    async def record(self, regarding: Object, *, reason: str, note: str, discriminator: str) -> None:
        """Tell that `reason` happened to the object `regarding`."""
        body = event_object(
            regarding, reason, note, discriminator=discriminator, controller=self._controller, now=self._clock.now()
        )
        try:
            await self._api.create(EVENTS, body)
        except AlreadyExistsError:
            return
        except KubeError as error:
            _log.warning("event_not_recorded", reason=reason, error=error.message)


def event_object(
    regarding: Object, reason: str, note: str, *, discriminator: str, controller: str, now: datetime
) -> dict[str, Any]:
    """Return the Event object."""
    metadata = regarding["metadata"]
    called = metadata["name"][:_MAX_NAME].rstrip("-.")  # no part of a name may end there
    digest = hashlib.sha256(f"{metadata['uid']}\x00{reason}\x00{discriminator}".encode()).hexdigest()[:16]
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": f"{called}.{digest}", "namespace": metadata.get("namespace", "default")},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),  # metav1.MicroTime
        "reportingController": controller,
        "reportingInstance": controller.rpartition("/")[2],
        "action": reason,
        "reason": reason,
        "type": "Normal",
        "note": note.encode()[:_MAX_NOTE_BYTES].decode(errors="ignore"),
        "regarding": {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            "namespace": metadata.get("namespace", ""),
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
