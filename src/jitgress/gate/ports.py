"""What the agent needs of the Kubernetes API, and gets through its constructor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class View:
    """What the API said. Everything in it belongs together."""

    grants: Sequence[Mapping[str, Any]]
    jwks: str | None
    """The published keys; None as long as there are none."""
    resource_version: str
    """The collection's, up to which `grants` is complete."""
    heard_at: float
    """Monotonic seconds at which this was certainly the API's state (invariant 3)."""


class Source(Protocol):
    """Follows the API."""

    def view(self) -> View | None:
        """Return the present view, or None before the first complete one."""
        ...

    async def changed(self) -> None:
        """Return once something may have changed since the last call returned. Waits for ever if nothing does."""
        ...


class GateStatus(Protocol):
    """Where the gate says how far it is programmed."""

    async def publish(self, resource_version: str, programmed_at: datetime, now: datetime) -> None:
        """Say that the gate lives at `now` and is programmed up to `resource_version`. Raises `JitgressError`."""
        ...
