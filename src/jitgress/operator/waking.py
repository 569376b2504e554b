"""Which keys a change in the cluster wakes. Waking one too many is harmless; one too few leaves something undone."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from jitgress.domain.host import Host
from jitgress.kube.controller import Controller
from jitgress.kube.reflector import Subscriber
from jitgress.operator.caches import Caches, Key, Object, key_of
from jitgress.operator.conditions import find_condition
from jitgress.operator.hosts import hosts_meant, hosts_of_http_route, hosts_of_ingress, is_named, is_ours, served_routes
from jitgress.operator.settings import OperatorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerns:
    """The controllers of the operator."""

    requests: Controller[Key]
    targets: Controller[Key]
    grants: Controller[str]
    routes: Controller[Host]
    exposure: Controller[Key]

    def runs(self) -> tuple[Callable[[], Coroutine[object, object, None]], ...]:
        """Return what has to run."""
        return self.requests.run, self.targets.run, self.grants.run, self.routes.run, self.exposure.run


class Waker:
    """Turns changed objects into keys. Knows which concern looks at what, and no rule beyond that."""

    def __init__(self, concerns: Concerns, caches: Caches, settings: OperatorSettings) -> None:
        self._concerns = concerns
        self._caches = caches
        self._settings = settings
        self._wakers: dict[str, Callable[[Object], None]] = {
            "requests": self._request,
            "reviews": self._review,
            "targets": self._target,
            "policies": self._policy,
            "grants": self._grant,
            "services": self._service,
            "leases": self._lease,
            "ingresses": lambda route: self._route(route, hosts_of_ingress(route)),
            "http_routes": lambda route: self._route(route, hosts_of_http_route(route)),
        }

    def subscriber(self, name: str) -> Subscriber:
        """Return what the reflector of the resource `name` should call."""
        wake = self._wakers[name]

        def changed(old: Object | None, new: Object | None) -> None:
            for found in (old, new):
                if found is not None:
                    wake(found)

        return changed

    def wake_all(self) -> None:
        """Wake everything there is: what happened while nobody led, and what was left behind."""
        for target in self._caches.targets.values():
            self._concerns.targets.add(key_of(target))
        for request in self._caches.requests.values():
            self._request(request)
        for grant in self._caches.grants.values():
            self._grant(grant)
        for _, cache, hosts_of in served_routes(self._caches):
            for route in cache.values():
                self._route(route, hosts_of(route))

    def _request(self, found: Object) -> None:
        self._concerns.requests.add(key_of(found))
        self._concerns.exposure.add(key_of(found))
        self._concerns.grants.add(found["metadata"]["uid"])

    def _review(self, found: Object) -> None:
        """Wake the request that the review is counted for: by its UID, whatever name stands beside it."""
        request = found["spec"].get("request", {})
        key = (found["metadata"]["namespace"], request.get("name", ""))
        self._concerns.requests.add(key)
        self._request_of(request.get("uid", ""), named=key)

    def _request_of(self, uid: str, *, named: Key) -> None:
        """Wake the request with this UID where it isn't the one that was named: then only a search finds it."""
        found = self._caches.requests.get(*named)
        if found is not None and found["metadata"]["uid"] == uid:
            return
        for request in self._caches.requests.values():
            if request["metadata"]["uid"] == uid:
                self._concerns.requests.add(key_of(request))

    def _target(self, found: Object) -> None:
        host = found.get("spec", {}).get("host")
        for other in self._caches.targets.values():
            if other.get("spec", {}).get("host") == host:
                self._concerns.targets.add(key_of(other))
        namespace, name = key_of(found)
        self._concerns.targets.add((namespace, name))
        for request in self._open_requests():
            if request["metadata"]["namespace"] == namespace and request["spec"].get("target") == name:
                self._concerns.requests.add(key_of(request))

    def _policy(self, _: Object) -> None:
        for request in self._open_requests():
            self._concerns.requests.add(key_of(request))

    def _grant(self, found: Object) -> None:
        spec = found.get("spec", {})
        request = spec.get("request", {})
        key = (request.get("namespace", ""), request.get("name", ""))
        self._concerns.grants.add(found["metadata"]["name"])
        self._concerns.requests.add(key)
        self._concerns.exposure.add(key)
        self._request_of(found["metadata"]["name"], named=key)
        self._concerns.routes.add(Host(spec.get("host", "")))
        self._sharers_of(found)

    def _sharers_of(self, grant: Object) -> None:
        """Wake the closed requests that could not be seen hidden as long as this grant kept their host open."""
        host = grant.get("spec", {}).get("host", "")
        for request in self._caches.requests.values():
            status = request.get("status", {})
            is_seen = "grant" not in status or "hiddenAt" in status
            if not is_seen and find_condition(status, "Closed") is not None and _host_of(request) == host:
                self._concerns.exposure.add(key_of(request))

    def _service(self, found: Object) -> None:
        namespace, name = key_of(found)
        for target in self._caches.targets.values():
            service = target.get("spec", {}).get("service", {}).get("name")
            if target["metadata"]["namespace"] == namespace and service == name:
                self._concerns.targets.add(key_of(target))

    def _lease(self, found: Object) -> None:
        """A gate may have caught up with grants that wait to be probed."""
        if found["metadata"].get("labels", {}).get("jitgress.dev/component") != "gate":
            return
        for grant in self._caches.grants.values():
            if find_condition(grant.get("status", {}), "Probed") is None:
                request = grant.get("spec", {}).get("request", {})
                self._concerns.exposure.add((request.get("namespace", ""), request.get("name", "")))

    def _route(self, found: Object, hosts: Iterable[str]) -> None:
        named = set(hosts)
        if is_ours(found, self._settings):
            for host in hosts_meant(found, named):
                self._concerns.routes.add(host)
            return
        for target in self._caches.targets.values():
            if is_named(target.get("spec", {}).get("host", ""), named):
                self._concerns.targets.add(key_of(target))

    def _open_requests(self) -> list[Object]:
        return [
            request
            for request in self._caches.requests.values()
            if find_condition(request.get("status", {}), "Closed") is None
        ]


def _host_of(request: Object) -> str:
    """Return the host of a request that was opened, from the address that its status tells."""
    return urlsplit(str(request.get("status", {}).get("url", ""))).hostname or ""
