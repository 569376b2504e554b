"""What the operator sees of the cluster: one cache a resource, kept by the reflectors, and read as values.

Objects in a cache are never changed by a reader.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

from jitgress.crds.policies import policy_or_defect
from jitgress.crds.values import target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policies, Policy
from jitgress.domain.policy_index import PolicyIndex
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
        return tuple(policy_or_defect(each) for each in self.policies.values())

    def policies_index(self) -> Policies:
        """Return the policies, ready to be looked up."""
        return PolicyIndex(self.every_policy())

    def requests_of(self, username: str) -> Iterable[Object]:
        """Return the requests that somebody made."""
        return [
            each
            for each in self.requests.values()
            if each.get("spec", {}).get("requester", {}).get("username") == username
        ]

    def reviews_of(self, request_uid: str) -> Iterable[Object]:
        """Return the reviews of a request."""
        return [
            each for each in self.reviews.values() if each.get("spec", {}).get("request", {}).get("uid") == request_uid
        ]

    def successors_of(self, request_uid: str) -> Iterable[Object]:
        """Return the requests that extend this one."""
        return [
            each for each in self.requests.values() if each.get("spec", {}).get("extends", {}).get("uid") == request_uid
        ]

    def grants_of(self, username: str) -> Iterable[Object]:
        """Return the grants that somebody has."""
        return [
            each for each in self.grants.values() if each.get("spec", {}).get("subject", {}).get("username") == username
        ]

    def grants_of_target(self, namespace: str, name: str) -> Iterable[Object]:
        """Return the grants of a target."""
        named = {"namespace": namespace, "name": name}
        return [
            each for each in self.grants.values() if named.items() <= each.get("spec", {}).get("target", {}).items()
        ]


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
