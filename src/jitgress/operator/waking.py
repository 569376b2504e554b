"""Which keys a change in the cluster wakes. Waking one too many is harmless; one too few leaves something undone.

What changed is looked at before what is only looked at again: a policy's edit or a restart, which are about thousands,
make nobody wait who asks, answers or revokes.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jitgress.domain.host import Host
from jitgress.kube.controller import Controller
from jitgress.kube.reflector import Subscriber
from jitgress.operator import traits
from jitgress.operator.caches import Caches, Key, Object, key_of
from jitgress.operator.conditions import find_condition
from jitgress.operator.hosts import hosts_meant, is_ours, served_routes
from jitgress.operator.retention.reconcile import EVERYTHING as RETENTION
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.settling.reconcile import EVERYTHING as SETTLING


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerns:
    """The controllers of the operator."""

    requests: Controller[Key]
    targets: Controller[Key]
    policies: Controller[str]
    settling: Controller[str]
    retention: Controller[str]
    grants: Controller[str]
    routes: Controller[Host]
    exposure: Controller[Key]
    consults: Controller[Key]

    def runs(self) -> tuple[Callable[[], Coroutine[object, object, None]], ...]:
        """Return what has to run."""
        by_key = (self.requests, self.targets, self.routes, self.exposure, self.consults)
        by_name = (self.policies, self.grants, self.settling, self.retention)
        return (*(each.run for each in by_key), *(each.run for each in by_name))


Woken = tuple[Controller[Any], Key | str]
"""A concern, and a key of its."""


class Waker:
    """Turns changed objects into keys. Knows which concern looks at what, and no rule beyond that."""

    def __init__(self, concerns: Concerns, caches: Caches, settings: OperatorSettings) -> None:
        self._concerns = concerns
        self._caches = caches
        self._settings = settings
        self._wakers: dict[str, Callable[[Object], Iterable[Woken]]] = {
            "requests": self._request,
            "reviews": self._review,
            "targets": self._target,
            "policies": self._policy,
            "grants": self._grant,
            "services": self._service,
            "leases": self._lease,
            "ingresses": lambda route: self._route(route, traits.hosts_of_ingress(route)),
            "http_routes": lambda route: self._route(route, traits.hosts_of_http_route(route)),
        }

    def subscriber(self, name: str) -> Subscriber:
        """Return what the reflector of the resource `name` should call."""
        wake = self._wakers[name]
        whole = {"requests": self._request_itself, "grants": self._grant_itself}.get(name)

        def changed(old: Object | None, new: Object | None) -> None:
            is_status_alone = _is_status_alone(old, new)
            for found in (old, new):
                if found is not None:
                    _wake(wake(found))
                    if whole is not None and not is_status_alone:
                        _wake(whole(found))
            if name == "policies" and not is_status_alone:
                _look_again(self._undecided())

        return changed

    def wake_all(self) -> None:
        """Wake everything there is: what happened while nobody led, and what was left behind.

        First what nobody has looked at yet, then what ends soonest.
        """
        _look_again(((self._concerns.settling, SETTLING), (self._concerns.retention, RETENTION)))
        for request in self._caches.requests.values():
            if "observedGeneration" not in request.get("status", {}):
                _wake(self._request(request))
        for review in self._caches.reviews.values():
            if find_condition(review.get("status", {}), "Counted") is None:
                _wake(self._review(review))
        for grant in sorted(self._caches.grants.values(), key=_end_of):
            _look_again((*self._grant(grant), *self._grant_itself(grant)))
        for request in self._caches.requests.values():
            _look_again((*self._request(request), *self._request_itself(request)))
        for policy in self._caches.policies.values():
            _look_again(self._policy(policy))
        _look_again((self._concerns.targets, key_of(target)) for target in self._caches.targets.values())
        for kind in served_routes(self._caches):
            for route in kind.cache.values():
                _look_again(self._route(route, kind.hosts_of(route)))

    def _request(self, found: Object) -> Iterator[Woken]:
        yield self._concerns.requests, key_of(found)
        yield self._concerns.exposure, key_of(found)
        status = found.get("status", {})
        if "grant" not in status and find_condition(status, "Closed") is None:
            yield self._concerns.consults, key_of(found)
        yield from self._kin_of(found)

    def _kin_of(self, found: Object) -> Iterator[Woken]:
        """Wake what a request extends and what extends it; a new one may tell that its requester changed groups."""
        namespace, spec = found["metadata"]["namespace"], found.get("spec", {})
        extended = spec.get("extends", {}).get("name")
        if extended is not None:
            yield self._concerns.requests, (namespace, extended)
        for successor in self._caches.successors_of(found["metadata"]["uid"]):
            yield self._concerns.requests, key_of(successor)
        if found.get("status"):
            return
        requester = spec.get("requester", {})
        username, groups = requester.get("username", ""), requester.get("groups", [])
        if self._caches.has_stated_only(groups, username):
            return
        for other in self._caches.requests_of(username):
            # Most often the very same list: a look at what it holds comes second.
            theirs = other["spec"]["requester"].get("groups", [])
            if theirs != groups and find_condition(other.get("status", {}), "Closed") is None:
                yield self._concerns.requests, key_of(other)

    def _request_itself(self, found: Object) -> Iterator[Woken]:
        """Wake the grant for which it matters whether the request is there, not what its status says."""
        yield self._concerns.grants, found["metadata"]["uid"]

    def _review(self, found: Object) -> Iterator[Woken]:
        """Wake the request that the review is counted for: by its UID, whatever name stands beside it."""
        request = found["spec"].get("request", {})
        key = (found["metadata"]["namespace"], request.get("name", ""))
        yield self._concerns.requests, key
        yield from self._request_of(request.get("uid", ""), named=key)

    def _request_of(self, uid: str, *, named: Key) -> Iterator[Woken]:
        """Wake the request with this UID where it isn't the one that was named."""
        for request in self._caches.requests.where(traits.uid, uid):
            if key_of(request) != named:
                yield self._concerns.requests, key_of(request)

    def _target(self, found: Object) -> Iterator[Woken]:
        for host in traits.spec_host(found):
            for other in self._caches.targets.where(traits.spec_host, host):
                yield self._concerns.targets, key_of(other)
        namespace, name = key_of(found)
        yield self._concerns.targets, (namespace, name)
        for request in self._caches.requests.where(traits.open_for, f"{namespace}/{name}"):
            yield self._concerns.requests, key_of(request)

    def _policy(self, found: Object) -> Iterator[Woken]:
        yield self._concerns.policies, found["metadata"]["name"]

    def _undecided(self) -> Iterator[Woken]:
        for request in self._caches.requests.where(traits.is_open, traits.YES):
            yield self._concerns.requests, key_of(request)

    def _grant(self, found: Object) -> Iterator[Woken]:
        request = found.get("spec", {}).get("request", {})
        key = (request.get("namespace", ""), request.get("name", ""))
        yield self._concerns.requests, key
        yield self._concerns.exposure, key
        yield from self._request_of(found["metadata"]["name"], named=key)

    def _grant_itself(self, found: Object) -> Iterator[Woken]:
        """Wake what hangs on a grant being there, and on its spec, but not on its status."""
        host = found.get("spec", {}).get("host", "")
        yield self._concerns.grants, found["metadata"]["name"]
        yield self._concerns.routes, Host(host)
        # Closed requests that could not be seen hidden as long as this grant kept their host open.
        for request in self._caches.requests.where(traits.host_to_hide, host):
            yield self._concerns.exposure, key_of(request)

    def _service(self, found: Object) -> Iterator[Woken]:
        namespace, name = key_of(found)
        for target in self._caches.targets.where(traits.service, f"{namespace}/{name}"):
            yield self._concerns.targets, key_of(target)

    def _lease(self, found: Object) -> Iterator[Woken]:
        """A gate may have caught up with grants that wait to be probed."""
        if found["metadata"].get("labels", {}).get("jitgress.dev/component") != "gate":
            return
        for grant in self._caches.grants.where(traits.waits_for_look, traits.YES):
            request = grant.get("spec", {}).get("request", {})
            yield self._concerns.exposure, (request.get("namespace", ""), request.get("name", ""))

    def _route(self, found: Object, hosts: Iterable[str]) -> Iterator[Woken]:
        named = set(hosts)
        if is_ours(found, self._settings):
            for host in hosts_meant(found, named):
                yield self._concerns.routes, host
            return
        for name in named:
            for target in self._caches.targets.where(traits.host_or_wildcards, name):
                yield self._concerns.targets, key_of(target)


def _look_again(woken: Iterable[Woken]) -> None:
    for concern, key in woken:
        concern.add_patiently(key)


def _wake(woken: Iterable[Woken]) -> None:
    for concern, key in woken:
        concern.add(key)


def _is_status_alone(old: Object | None, new: Object | None) -> bool:
    """Tell whether nothing of an object but its status (or what nobody here reads of its metadata) changed."""
    if old is None or new is None:
        return False
    before, after = old["metadata"], new["metadata"]
    same = all(before.get(key) == after.get(key) for key in ("uid", "deletionTimestamp"))
    return same and old.get("spec") == new.get("spec")


def _end_of(grant: Object) -> str:
    """Return when a grant ends, as a text in the order of time."""
    return str(grant.get("spec", {}).get("notAfter", ""))
