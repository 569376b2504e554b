"""What counts as drift: anything that we want and that isn't there, as we want it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from jitgress.domain.host import Host, parse_host
from jitgress.operator.hosts import hosts_meant, hosts_of_ingress, route_name
from jitgress.operator.routes.decide import Sharer, desired_route, is_in_place, is_stray
from jitgress.operator.settings import OperatorSettings, RouteKind
from tests.builders import (
    NOW,
    a_grant,
    a_scope,
)
from tests.unit.operator.held import an_ingress

HOST = parse_host("orders.example.test")
Body = dict[str, Any]


def wanted() -> Body:
    route = desired_route(HOST, [Sharer(a_grant(scope=a_scope("/a", "/b")), "object-1")], OperatorSettings(), NOW)
    assert route is not None
    return route


def as_stored(route: Body) -> Body:
    """Return the route as the API server and the ingress controller leave it."""
    found = copy.deepcopy(route)
    found["metadata"] |= {"uid": "1", "resourceVersion": "7", "generation": 1}
    found["metadata"]["annotations"]["somebody/else"] = "x"
    found["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    return found


def add_a_host(spec: Body) -> None:
    spec["rules"].append({"host": "other.example.test"})


def widen_a_path(spec: Body) -> None:
    spec["rules"][0]["http"]["paths"][0]["path"] = "/"


def add_a_path(spec: Body) -> None:
    paths = spec["rules"][0]["http"]["paths"]
    paths.append({**paths[0], "path": "/admin"})


def lose_a_path(spec: Body) -> None:
    del spec["rules"][0]["http"]["paths"][0]


def match_exactly(spec: Body) -> None:
    spec["rules"][0]["http"]["paths"][0]["pathType"] = "Exact"


def go_past_the_gate(spec: Body) -> None:
    spec["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "orders"


def rename_the_host(spec: Body) -> None:
    spec["rules"][0]["host"] = "*.example.test"


def switch_tls_off(spec: Body) -> None:
    del spec["tls"]


def lose_the_rules(spec: Body) -> None:
    spec["rules"] = None


CHANGES: tuple[Callable[[Body], None], ...] = (
    add_a_host,
    widen_a_path,
    add_a_path,
    lose_a_path,
    match_exactly,
    go_past_the_gate,
    rename_the_host,
    switch_tls_off,
    lose_the_rules,
)


def test_a_route_that_isnt_there_is_not_in_place() -> None:
    assert not is_in_place(wanted(), None)


def test_what_the_server_and_controllers_add_is_no_drift() -> None:
    assert is_in_place(wanted(), as_stored(wanted()))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_spec_is_drift(change: Callable[[Body], None]) -> None:
    found = as_stored(wanted())

    change(found["spec"])

    assert not is_in_place(wanted(), found)


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("labels", "app.kubernetes.io/managed-by"),
        ("annotations", "argocd.argoproj.io/sync-options"),
        ("annotations", "jitgress.dev/host"),
    ],
)
def test_a_lost_label_or_annotation_of_ours_is_drift(part: str, key: str) -> None:
    found = as_stored(wanted())

    del found["metadata"][part][key]

    assert not is_in_place(wanted(), found)


def test_another_owner_is_drift_since_it_would_keep_the_route_alive() -> None:
    found = as_stored(wanted())

    found["metadata"]["ownerReferences"].append({"kind": "ConfigMap", "name": "x", "uid": "2"})

    assert not is_in_place(wanted(), found)


def stray(route: Body) -> bool:
    return is_stray(route, hosts_meant(route, hosts_of_ingress(route)))


def test_a_route_under_the_name_of_its_host_is_no_stray() -> None:
    assert not stray(an_ingress("orders.example.test", name=route_name(HOST)))


def test_a_route_of_ours_under_another_name_is_a_stray() -> None:
    assert stray(an_ingress("orders.example.test", name="jitgress-copy"))


def test_a_route_whose_hosts_were_all_changed_is_still_that_of_its_annotated_host() -> None:
    renamed = an_ingress(
        "other.example.test", name=route_name(HOST), annotations={"jitgress.dev/host": "orders.example.test"}
    )

    assert not stray(renamed)


def test_a_route_that_is_about_no_host_is_a_stray() -> None:
    assert stray(an_ingress(name=route_name(HOST)))
    assert is_stray(an_ingress(name=route_name(HOST)), ())
    assert not is_stray(an_ingress(name=route_name(Host(""))), [Host("")])


def a_default_backend(spec: dict[str, Any]) -> None:
    spec["defaultBackend"] = {"service": {"name": "orders", "port": {"number": 80}}}


def a_mirror(spec: dict[str, Any]) -> None:
    spec["rules"][0]["filters"] = [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "spy"}}}]


def another_namespace(spec: dict[str, Any]) -> None:
    spec["rules"][0]["backendRefs"][0]["namespace"] = "evil"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (RouteKind.INGRESS, a_default_backend),
        (RouteKind.HTTP_ROUTE, a_mirror),
        (RouteKind.HTTP_ROUTE, another_namespace),
    ],
    ids=["default backend", "mirror", "another namespace"],
)
def test_what_leads_past_the_gate_is_drift(kind: RouteKind, change: Callable[[dict[str, Any]], None]) -> None:
    settings = OperatorSettings(route_kind=kind)
    wanted, found = (desired_route(HOST, [Sharer(a_grant(), "object-1")], settings, NOW) for _ in range(2))
    assert wanted is not None
    assert found is not None

    change(found["spec"])

    assert not is_in_place(wanted, found)
