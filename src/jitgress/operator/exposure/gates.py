"""Whether the gates have a grant: each says in a Lease of its own up to which resourceVersion it is programmed.

One write a gate, not one a grant. ResourceVersions of one resource can be compared as integers (KEP-5504).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import parse_time

PROGRAMMED: Final = "jitgress.dev/programmed-resource-version"
COMPONENT: Final = "jitgress.dev/component"


def all_have(resource_version: str, leases: Iterable[Mapping[str, Any]], staleness: timedelta, now: datetime) -> bool:
    """Tell whether there is a live gate and every live one is programmed up to `resource_version`."""
    live = [lease for lease in leases if _is_live(lease, staleness, now)]
    return bool(live) and all(_programmed(lease) >= _number(resource_version) for lease in live)


def _is_live(lease: Mapping[str, Any], staleness: timedelta, now: datetime) -> bool:
    """A gate whose Lease is older than the staleness denies everything, so nobody need wait for it."""
    metadata, spec = lease.get("metadata", {}), lease.get("spec", {})
    if metadata.get("labels", {}).get(COMPONENT) != "gate":
        return False
    try:
        return now < parse_time(str(spec.get("renewTime"))) + staleness
    except InvalidValueError:
        return False


def _programmed(lease: Mapping[str, Any]) -> int:
    text = lease.get("metadata", {}).get("annotations", {}).get(PROGRAMMED, "")
    return int(text) if text.isascii() and text.isdigit() else -1


def _number(resource_version: str) -> int:
    if not (resource_version.isascii() and resource_version.isdigit()):
        raise InvalidValueError(
            f"resourceVersion {resource_version[:40]!r} is not a number",
            remedy="jitgress needs an API server whose resourceVersions can be compared (Kubernetes 1.35 or newer).",
        )
    return int(resource_version)
