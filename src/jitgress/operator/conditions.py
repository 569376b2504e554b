"""Status conditions as the Kubernetes API conventions want them ("typical status properties")."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jitgress.domain.window import format_time

MAX_MESSAGE_LENGTH = 1024  # keeps a status small; the ledger has all of it


def condition(
    kind: str,
    *,
    is_true: bool,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
    present: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a condition; its transition time is kept where `present` has it with the same status."""
    status = "True" if is_true else "False"
    since = next(
        (
            old["lastTransitionTime"]
            for old in present
            if old.get("type") == kind and old.get("status") == status and "lastTransitionTime" in old
        ),
        format_time(now)[:19] + "Z",  # metav1.Time has whole seconds
    )
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message[:MAX_MESSAGE_LENGTH],
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }


def find_condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """Return the condition of type `kind` in a status, or None."""
    return next((each for each in status.get("conditions", ()) if each.get("type") == kind), None)
