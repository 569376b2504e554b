"""Whatever object changes: everything whose decision could differ is woken.

The oracle is a plain scan: what a concern can see of the cluster, for each key, before and after the change.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.crds.grants import grant_object
from jitgress.operator.caches import Key, Object, key_of
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.waking import Waker
from tests.builders import NOW, a_grant, a_request, a_target
from tests.simulators.ingress import gate_lease
from tests.simulators.objects import (
    a_policy_object,
    a_request_object,
    a_review_object,
    a_service_object,
    a_target_object,
)
from tests.unit.operator.held import HeldCache, an_http_route, an_ingress, some_caches, stored
from tests.unit.operator.woken import Woken

SYSTEM: Final = "jitgress-system"
World = dict[str, HeldCache]
NAMESPACES: Final = st.sampled_from(["shop", "shop", "bank"])
NAMES: Final = st.sampled_from(["one", "two"])
SERVICES: Final = st.sampled_from(["orders", "stock"])
HOSTS: Final = st.sampled_from(["a.example.test", "b.example.test"])
INCARNATIONS: Final = st.sampled_from(["1", "1", "2"])
VERSIONS: Final = st.sampled_from(["7", "8"])
LABELS: Final = st.sampled_from([{}, {"app.kubernetes.io/managed-by": "jitgress"}])
ANNOTATIONS: Final = st.sampled_from([{}, {"jitgress.dev/host": "a.example.test"}])


def a_status(kind: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True"}]}


@st.composite
def requests(draw: st.DrawFn) -> Object:
    namespace, name = draw(NAMESPACES), draw(NAMES)
    found = stored(
        a_request_object(name, target=draw(SERVICES)),
        uid=f"{namespace}-{name}-{draw(INCARNATIONS)}",
        status=draw(st.sampled_from([{}, a_status("Active"), a_status("Closed")])),
    )
    return moved(found, namespace, draw(VERSIONS))


def moved(found: dict[str, Any], namespace: str, version: str) -> dict[str, Any]:
    return {**found, "metadata": {**found["metadata"], "namespace": namespace, "resourceVersion": version}}


@st.composite
def reviews(draw: st.DrawFn) -> Object:
    request = draw(requests())
    found = stored(a_review_object(dict(request), draw(st.sampled_from(["Approve", "Revoke"]))))
    return moved(found, draw(st.just(request["metadata"]["namespace"]) | NAMESPACES), draw(VERSIONS))


@st.composite
def targets(draw: st.DrawFn) -> Object:
    found = stored(a_target_object(draw(SERVICES), host=draw(HOSTS)))
    return moved(found, draw(NAMESPACES), draw(VERSIONS))


@st.composite
def policies(draw: st.DrawFn) -> Object:
    return stored(a_policy_object(draw(NAMES), required=draw(st.integers(0, 2))))


@st.composite
def grants(draw: st.DrawFn) -> Object:
    metadata = draw(requests())["metadata"]
    request = a_request(name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
    grant = a_grant(request=request, target=a_target(host=draw(HOSTS)))
    found = stored(grant_object(grant, SYSTEM), status=draw(st.sampled_from([{}, a_status("Probed")])))
    return moved(found, SYSTEM, draw(VERSIONS))


@st.composite
def services(draw: st.DrawFn) -> Object:
    return moved(stored(a_service_object(draw(SERVICES))), draw(NAMESPACES), draw(VERSIONS))


@st.composite
def leases(draw: st.DrawFn) -> Object:
    return stored(gate_lease(draw(VERSIONS), NOW, draw(NAMES)))


@st.composite
def routes(draw: st.DrawFn, *, is_ingress: bool) -> Object:
    make = an_ingress if is_ingress else an_http_route
    return make(
        *draw(st.sets(HOSTS | st.just("A.example.test"), max_size=2)),
        name=draw(NAMES),
        namespace=draw(st.sampled_from(["shop", SYSTEM])),
        labels=draw(LABELS),
        annotations=draw(ANNOTATIONS),
    )


KINDS: Final[Mapping[str, st.SearchStrategy[Object]]] = {
    "requests": requests(),
    "reviews": reviews(),
    "targets": targets(),
    "policies": policies(),
    "grants": grants(),
    "services": services(),
    "leases": leases(),
    "ingresses": routes(is_ingress=True),
    "http_routes": routes(is_ingress=False),
}
WORLDS: Final = st.fixed_dictionaries({name: st.lists(objects, max_size=3) for name, objects in KINDS.items()})


def of_namespace(cache: HeldCache, namespace: str) -> list[Object]:
    return [each for each in cache.values() if each["metadata"]["namespace"] == namespace]


def itself(found: Object) -> Object:
    """Return an object without its status, and without the version that a change of its status gives it."""
    metadata = {key: value for key, value in found["metadata"].items() if key != "resourceVersion"}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def in_order(found: Iterable[Object]) -> list[Object]:
    """Return objects in an order that doesn't depend on when each came."""
    return sorted(found, key=key_of)


def seen_by_requests(world: World) -> dict[Key, object]:
    """Return what the decision about each request that isn't over is made from."""
    seen: dict[Key, object] = {}
    for key, request in world["requests"].objects.items():
        if request.get("status") == a_status("Closed"):
            continue
        uid, namespace = request["metadata"]["uid"], key[0]
        answers = [each for each in of_namespace(world["reviews"], namespace) if each["spec"]["request"]["uid"] == uid]
        target = world["targets"].objects.get((namespace, request["spec"]["target"]))
        grant = world["grants"].objects.get((SYSTEM, uid))
        seen[key] = (request, answers, target, grant, in_order(map(itself, world["policies"].values())))
    return seen


def hosts_of(route: Object) -> set[str]:
    spec = route["spec"]
    named = spec["hostnames"] if route["kind"] == "HTTPRoute" else [rule["host"] for rule in spec["rules"]]
    return {host.lower() for host in named}


def is_ours(route: Object) -> bool:
    return bool(route["metadata"]["namespace"] == SYSTEM and route["metadata"]["labels"])


def seen_by_targets(world: World) -> dict[Key, object]:
    """Return what each target's readiness hangs on."""
    every_route = [*world["ingresses"].values(), *world["http_routes"].values()]
    seen: dict[Key, object] = {}
    for key, target in world["targets"].objects.items():
        host, name = target["spec"]["host"], target["spec"]["service"]["name"]
        rivals = [each for each in world["targets"].values() if each["spec"]["host"] == host]
        foreign = [each for each in every_route if not is_ours(each) and host in hosts_of(each)]
        seen[key] = (target, world["services"].objects.get((key[0], name)), rivals, foreign)
    return seen


def seen_by_hosts(world: World) -> dict[str, object]:
    """Return what the route of each host hangs on: its grants, and what is ours and about it."""
    every_route = [*world["ingresses"].values(), *world["http_routes"].values()]
    ours = [
        (hosts_of(each) | {each["metadata"]["annotations"].get("jitgress.dev/host", "")}, each)
        for each in every_route
        if is_ours(each)
    ]
    hosts = {each["spec"]["host"] for each in world["grants"].values()}.union(*(meant for meant, _ in ours))
    return {
        host: (
            in_order(itself(each) for each in world["grants"].values() if each["spec"]["host"] == host),
            [each for meant, each in ours if host in meant],
        )
        for host in hosts
    }


def seen_by_grants(world: World) -> dict[str, object]:
    """Return what each grant's right to be there hangs on, beside the ledger."""
    by_uid = {each["metadata"]["uid"]: key for key, each in world["requests"].objects.items()}
    return {name: (itself(found), by_uid.get(name)) for (_, name), found in world["grants"].objects.items()}


def seen_by_looks(world: World) -> dict[Key, object]:
    """Return what each look hangs on: the request, its grant, and the gates while that waits to be seen."""
    seen: dict[Key, object] = {}
    for key, request in world["requests"].objects.items():
        grant = world["grants"].objects.get((SYSTEM, request["metadata"]["uid"]))
        is_waiting = grant is not None and grant.get("status") != a_status("Probed")
        seen[key] = (request, grant, list(world["leases"].values()) if is_waiting else None)
    return seen


def seen_by_consults(world: World) -> dict[Key, object]:
    """Return the requests that somebody outside may have to be asked about."""
    return {
        key: request
        for key, request in world["requests"].objects.items()
        if request.get("status") != a_status("Closed")
    }


LOOKS: Final[tuple[Callable[[World], Mapping[Any, object]], ...]] = (
    seen_by_requests,
    seen_by_targets,
    seen_by_hosts,
    seen_by_grants,
    seen_by_looks,
    seen_by_consults,
)


@st.composite
def changes(draw: st.DrawFn, kind: str, there: list[Object]) -> tuple[Object | None, Object | None]:
    """Draw one object of the cluster before and after: made, changed or removed."""
    if not there or draw(st.integers(0, 2)) == 0:
        made = draw(KINDS[kind])
        return next((each for each in there if key_of(each) == key_of(made)), None), made
    old = draw(st.sampled_from(there))
    return old, draw(st.none() | KINDS[kind].filter(lambda each: key_of(each) == key_of(old)))


def differing(before: Mapping[Any, object], after: Mapping[Any, object]) -> set[Any]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(WORLDS, st.data())
def test_whatever_changes_everything_that_could_be_decided_otherwise_is_woken(
    kind: str, objects: dict[str, list[Object]], data: st.DataObject
) -> None:
    caches = some_caches(**objects)
    world: World = {name: getattr(caches, name) for name in KINDS}
    old, new = data.draw(changes(kind, list(world[kind].values())))
    before = [look(world) for look in LOOKS]

    if old is not None:
        del world[kind].objects[key_of(old)]
    if new is not None:
        world[kind].put(new)
    woken = Woken()
    Waker(woken.concerns, caches, OperatorSettings()).subscriber(kind)(old, new)

    requests, targets, hosts, grants, looks, consults = (
        differing(seen, look(world)) for seen, look in zip(before, LOOKS, strict=True)
    )
    assert requests <= woken.requests.woken
    assert targets <= woken.targets.woken
    assert hosts <= woken.routes.woken
    assert grants <= woken.grants.woken
    assert looks <= woken.exposure.woken
    assert consults <= woken.consults.woken
