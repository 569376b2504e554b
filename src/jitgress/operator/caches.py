"""What the operator sees of the cluster: one cache a resource, kept by the reflectors, and read as values.

Objects in a cache are never changed by a reader.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import structlog

from jitgress.crds.values import policy_value, target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Approval, Policy, TargetSelector
from jitgress.domain.target import Target

Object = Mapping[str, Any]
Key = tuple[str, str]
"""Namespace and name; the namespace is empty for cluster-scoped objects."""

Value = TypeVar("Value")
_log = structlog.get_logger()


class Cache(Protocol):
    """The objects of one resource as the API server last told."""

    def get(self, namespace: str | None, name: str) -> Object | None:
        """Return one object, or None."""
        ...

    def values(self) -> Iterable[Object]:
        """Return every object."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """Every resource that the operator's concerns read. `http_routes` is None where the API isn't installed."""

    requests: Cache
    reviews: Cache
    targets: Cache
    policies: Cache
    grants: Cache
    services: Cache
    ingresses: Cache | None
    http_routes: Cache | None
    leases: Cache

    def target(self, key: Key) -> Target | None:
        """Return a target; one that can't be understood counts as absent."""
        found = self.targets.get(*key)
        return None if found is None else understood(target_value, found)

    def every_policy(self) -> tuple[Policy, ...]:
        """Return the policies; one that can't be understood stands in its place in the order and permits nothing."""
        return tuple(understood(policy_value, each) or _defective(each) for each in self.policies.values())


def understood(convert: Callable[[Object], Value], found: Object) -> Value | None:
    """Return the object as a value, or None, logged, if it has no form that we know."""
    try:
        return convert(found)
    except InvalidValueError as error:
        metadata = found.get("metadata", {})
        _log.warning(
            "object_not_understood",
            kind=found.get("kind"),
            namespace=metadata.get("namespace"),
            name=metadata.get("name"),
            error=error.message,
        )
        return None


def key_of(found: Object) -> Key:
    """Return namespace and name of an object."""
    metadata = found["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _defective(found: Object) -> Policy:
    priority = found.get("spec", {}).get("priority")
    return Policy(
        name=found["metadata"]["name"],
        priority=priority if isinstance(priority, int) else 0,
        subjects=(),
        targets=TargetSelector(),
        max_duration=timedelta(0),
        approval=Approval(required=1),
        defect="its form is unknown to this version",
    )
