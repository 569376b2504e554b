"""What is put into a cluster, by what the cluster serves; and what is waited for."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import pytest

from jitgress.crds.filling import fillings
from jitgress.crds.manifests import all_manifests
from jitgress.kube.client import Object
from jitgress.kube.errors import InvalidObjectError, KubeError, NotFoundError
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS, NAMESPACES, Resource
from jitgress.local.cluster import put, resource_of
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.virtual_time import VirtualTimeLoop

POLICIES: Final = resource_of(fillings()[0])
BINDINGS: Final = resource_of(fillings()[1])
A_POLICY: Final = {"apiVersion": "jitgress.dev/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "a"}, "spec": {}}


def in_no_time(work: Coroutine[Any, Any, None]) -> float:
    """Run until done, and return how long it would have taken."""
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(work)
        return loop.time()
    finally:
        loop.close()


def a_server(before_call: Callable[[Call], None] = lambda _: None, absent: Iterable[Resource] = ()) -> SimulatedApi:
    server = SimulatedApi(HandClock(), before_call)
    server.absent |= set(absent)
    return server


def stored(server: SimulatedApi) -> set[tuple[str, str]]:
    return {(found["kind"], found["metadata"]["name"]) for found in server.versions.objects.values()}


def names(bodies: Iterable[Object]) -> set[tuple[str, str]]:
    return {(body["kind"], body["metadata"]["name"]) for body in bodies}


class Slow:
    """An API server that says nothing of `resource` but these refusals, at first."""

    def __init__(self, resource: Resource, *refusals: KubeError) -> None:
        self._resource = resource
        self.left = list(refusals)

    def __call__(self, call: Call) -> None:
        if call.resource == self._resource and call.verb in {"create", "apply"} and self.left:
            raise self.left.pop(0)


def test_an_older_cluster_gets_everything_but_what_fills_in() -> None:
    server = a_server(absent=(POLICIES, BINDINGS))

    took = in_no_time(put(server, all_manifests()))

    assert stored(server) == names(all_manifests()) - names(fillings())
    assert took == 0


def test_a_newer_cluster_gets_everything() -> None:
    server = a_server(Slow(ACCESS_REQUESTS, InvalidObjectError("spec.target: Required value")))

    in_no_time(put(server, all_manifests()))

    assert stored(server) == names(all_manifests())


def test_what_fills_in_is_waited_for() -> None:
    """It takes force later; meanwhile the API server knows of no requester, and then takes nothing for a while."""
    not_yet = InvalidObjectError("[spec.target: Required value, spec.requester: Required value]")
    slow = Slow(
        ACCESS_REQUESTS,
        not_yet,
        not_yet,
        KubeError("Resource kind not found", status=503),
        InvalidObjectError("spec.target: Required value"),
    )

    took = in_no_time(put(a_server(slow), fillings()))

    assert slow.left == []
    assert took == pytest.approx(0.3)


def test_what_never_fills_in_is_said() -> None:
    never = [InvalidObjectError("spec.requester: Required value")] * 1000

    with pytest.raises(InvalidObjectError, match=r"spec\.requester"):
        in_no_time(put(a_server(Slow(ACCESS_REQUESTS, *never)), fillings()))


def test_nothing_is_waited_for_where_nothing_fills_in() -> None:
    slow = Slow(ACCESS_REQUESTS, InvalidObjectError("spec.requester: Required value"))

    in_no_time(put(a_server(slow), [A_POLICY]))

    assert len(slow.left) == 1


def test_what_is_not_served_yet_is_tried_again() -> None:
    server = a_server(Slow(ACCESS_POLICIES, NotFoundError("no such resource"), KubeError("try again", status=503)))

    in_no_time(put(server, [A_POLICY]))

    assert stored(server) == {("AccessPolicy", "a")}


def test_what_is_not_served_at_all_is_said_and_nothing_after_it_is_put() -> None:
    server = a_server(absent=(ACCESS_POLICIES,))
    after = {"apiVersion": "v1", "kind": NAMESPACES.kind, "metadata": {"name": "after"}}

    with pytest.raises(NotFoundError):
        in_no_time(put(server, [A_POLICY, after]))

    assert stored(server) == set()
