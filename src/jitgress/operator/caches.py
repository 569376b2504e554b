"""What the operator sees of the cluster: one cache a resource, kept by the reflectors, and read as values.

Objects in a cache are never changed by a reader.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import is_not
from typing import Any, Protocol, TypeVar

import structlog

from jitgress.crds.policies import policy_or_defect
from jitgress.crds.values import target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policies, Policy
from jitgress.domain.policy_index import PolicyIndex
from jitgress.domain.target import Target
from jitgress.kube.store import Trait
from jitgress.operator import traits

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

    def where(self, trait: Trait, value: str) -> Iterable[Object]:
        """Return every object of which `trait`, one of those that the cache keeps an index of, says `value`."""
        ...

    def count(self, trait: Trait, value: str) -> int:
        """Return how many objects `where` would."""
        ...


class _Parsed:
    """The policies as values. Of thousands only those are read again whose spec changed: statuses often do."""

    def __init__(self) -> None:
        self._objects: tuple[Object, ...] = ()
        self._known: dict[str, tuple[Object, Policy]] = {}
        self.values: tuple[Policy, ...] = ()
        self.index = PolicyIndex(())

    def follow(self, objects: Iterable[Object]) -> None:
        """Have `values` and `index` be of these objects."""
        present = tuple(objects)
        if _are_same(present, self._objects):
            return
        self._objects = present
        self._known = {each["metadata"]["name"]: (each, self._read(each)) for each in present}
        values = tuple(policy for _, policy in self._known.values())
        if not _are_same(values, self.values):
            self.values, self.index = values, PolicyIndex(values)

    def _read(self, found: Object) -> Policy:
        before = self._known.get(found["metadata"]["name"])
        if before is not None and (before[0] is found or before[0].get("spec") == found.get("spec")):
            return before[1]
        return policy_or_defect(found)


def _are_same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    """Tell whether these are the very same objects in the same order."""
    return len(some) == len(others) and not any(map(is_not, some, others))


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
    _parsed: _Parsed = field(default_factory=_Parsed, init=False, compare=False)

    def target(self, key: Key) -> Target | None:
        """Return a target; one that can't be understood counts as absent."""
        found = self.targets.get(*key)
        return None if found is None else understood(target_value, found)

    def every_policy(self) -> tuple[Policy, ...]:
        """Return the policies: the same tuple until one of them changes.

        One that can't be understood stands in its place in the order and permits nothing.
        """
        self._parsed.follow(self.policies.values())
        return self._parsed.values

    def policies_index(self) -> Policies:
        """Return the policies, ready to be looked up: the same index until one of them changes."""
        self._parsed.follow(self.policies.values())
        return self._parsed.index

    def requests_of(self, username: str) -> Iterable[Object]:
        """Return the requests that somebody made, but for those that are settled."""
        return self.requests.where(traits.requester, username)

    def has_stated_only(self, groups: object, username: str) -> bool:
        """Tell whether all the requests of somebody state `groups`, without a look at any of them."""
        alike = self.requests.count(traits.identity, traits.identity_of(username, groups))
        return alike == self.requests.count(traits.requester, username)

    def reviews_of(self, request_uid: str) -> Iterable[Object]:
        """Return the reviews of a request."""
        return self.reviews.where(traits.reviewed, request_uid)

    def successors_of(self, request_uid: str) -> Iterable[Object]:
        """Return the requests that extend this one."""
        return self.requests.where(traits.extended, request_uid)

    def grants_of(self, username: str) -> Iterable[Object]:
        """Return the grants that somebody has."""
        return self.grants.where(traits.subject, username)

    def grants_of_target(self, namespace: str, name: str) -> Iterable[Object]:
        """Return the grants of a target."""
        return self.grants.where(traits.granted_target, f"{namespace}/{name}")

    def grants_at(self, host: str) -> Iterable[Object]:
        """Return the grants of a host."""
        return self.grants.where(traits.spec_host, host)


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
