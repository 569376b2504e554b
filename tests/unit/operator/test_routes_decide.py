"""Invariant 6: a route names the exact host of an active grant and only the granted paths, through either API."""

from dataclasses import replace
from typing import Any

import pytest

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import Host, parse_host
from jitgress.operator.hosts import route_name
from jitgress.operator.routes.decide import Sharer, desired_route
from jitgress.operator.settings import GatewayRef, OperatorSettings, RouteKind
from tests.builders import (
    NOW,
    a_grant,
    a_scope,
    a_window,
    after,
    minutes,
    seconds,
)

HOST = parse_host("orders.example.test")
EITHER = pytest.mark.parametrize("kind", list(RouteKind), ids=str)


def a_sharer(*paths: str, uid: str = "1", grant: Grant | None = None) -> Sharer:
    return Sharer(replace(grant or a_grant(scope=a_scope(*paths)), id=GrantId(f"grant-{uid}")), f"object-{uid}")


def route_of(*sharers: Sharer, settings: OperatorSettings | None = None, host: Host = HOST) -> dict[str, Any]:
    route = desired_route(host, sharers, settings or OperatorSettings(), NOW)
    assert route is not None
    return route


def ingress_paths(route: dict[str, Any]) -> list[str]:
    return [path["path"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"]]


@EITHER
def test_a_host_without_a_grant_has_no_route(kind: RouteKind) -> None:
    assert desired_route(HOST, (), OperatorSettings(route_kind=kind), NOW) is None


@EITHER
def test_the_route_goes_at_the_very_end_of_the_last_grant(kind: RouteKind) -> None:
    settings = OperatorSettings(route_kind=kind)
    short = a_sharer("/a", uid="1", grant=a_grant(scope=a_scope("/a"), window=a_window(duration=seconds(10))))
    long = a_sharer("/b", uid="2", grant=a_grant(scope=a_scope("/b"), window=a_window(duration=seconds(20))))

    assert desired_route(HOST, (short, long), settings, after(19.999)) is not None
    assert desired_route(HOST, (short, long), settings, after(20)) is None


def test_an_ingress_names_the_exact_host_alone() -> None:
    spec = route_of(a_sharer("/api"))["spec"]

    assert [rule["host"] for rule in spec["rules"]] == ["orders.example.test"]
    assert spec["tls"] == [{"hosts": ["orders.example.test"]}]
    assert "defaultBackend" not in spec


def test_an_http_route_names_the_exact_host_alone() -> None:
    spec = route_of(a_sharer("/api"), settings=OperatorSettings(route_kind=RouteKind.HTTP_ROUTE))["spec"]

    assert spec["hostnames"] == ["orders.example.test"]


def test_the_paths_of_all_grants_form_a_union_without_what_others_cover() -> None:
    route = route_of(a_sharer("/api", "/b/x", uid="1"), a_sharer("/api/v1", "/apix", uid="2"))

    assert ingress_paths(route) == ["/api", "/apix", "/b/x"]


def test_a_path_below_goes_on_when_the_grant_above_it_ends() -> None:
    above = a_sharer(uid="1", grant=a_grant(scope=a_scope("/api"), window=a_window(duration=seconds(10))))
    below = a_sharer(uid="2", grant=a_grant(scope=a_scope("/api/v1"), window=a_window(duration=minutes(5))))

    route = desired_route(HOST, (above, below), OperatorSettings(), after(10))

    assert route is not None
    assert ingress_paths(route) == ["/api/v1"]


def test_an_ended_grant_owns_nothing_of_the_route() -> None:
    ended = a_sharer(uid="1", grant=a_grant(window=a_window(duration=seconds(10))))
    running = a_sharer(uid="2", grant=a_grant(window=a_window(duration=minutes(5))))

    route = desired_route(HOST, (ended, running), OperatorSettings(), after(10))

    assert route is not None
    assert [owner["uid"] for owner in route["metadata"]["ownerReferences"]] == ["object-2"]


def test_the_route_belongs_to_each_of_its_grants_so_that_it_goes_with_the_last() -> None:
    owners = route_of(a_sharer(uid="2"), a_sharer(uid="1"))["metadata"]["ownerReferences"]

    assert [(owner["kind"], owner["name"], owner["uid"]) for owner in owners] == [
        ("AccessGrant", "grant-1", "object-1"),
        ("AccessGrant", "grant-2", "object-2"),
    ]
    assert not any(owner.get("controller") for owner in owners)


def test_the_order_of_the_grants_changes_nothing() -> None:
    first, second = a_sharer("/a", uid="1"), a_sharer("/b", uid="2")

    assert route_of(first, second) == route_of(second, first)


@EITHER
def test_gitops_tools_leave_the_route_alone(kind: RouteKind) -> None:
    metadata = route_of(a_sharer(), settings=OperatorSettings(route_kind=kind))["metadata"]

    assert metadata["annotations"] == {
        "argocd.argoproj.io/sync-options": "Prune=false",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
        "jitgress.dev/host": "orders.example.test",
    }
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "jitgress"


@EITHER
def test_everything_goes_to_the_gate_in_the_operators_own_namespace(kind: RouteKind) -> None:
    settings = OperatorSettings(route_kind=kind, namespace="access", gate_service="gate", gate_port=9000)
    route = route_of(a_sharer("/a", "/b"), settings=settings)

    assert route["metadata"]["namespace"] == "access"
    if kind is RouteKind.INGRESS:
        backends = [path["backend"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"]]
        assert backends == [{"service": {"name": "gate", "port": {"number": 9000}}}] * 2
    else:
        assert [rule["backendRefs"] for rule in route["spec"]["rules"]] == [[{"name": "gate", "port": 9000}]]


@EITHER
def test_paths_match_by_whole_segments(kind: RouteKind) -> None:
    route = route_of(a_sharer("/api"), settings=OperatorSettings(route_kind=kind))

    if kind is RouteKind.INGRESS:
        kinds = [path["pathType"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"]]
        assert kinds == ["Prefix"]
    else:
        matches = [match for rule in route["spec"]["rules"] for match in rule["matches"]]
        assert matches == [{"path": {"type": "PathPrefix", "value": "/api"}}]


def test_no_rule_of_an_http_route_has_more_than_64_matches() -> None:
    paths = [f"/p{number:03d}" for number in range(100)]
    route = route_of(a_sharer(*paths), settings=OperatorSettings(route_kind=RouteKind.HTTP_ROUTE))

    rules = route["spec"]["rules"]

    assert [len(rule["matches"]) for rule in rules] == [64, 36]
    assert [match["path"]["value"] for rule in rules for match in rule["matches"]] == paths


def test_an_ingress_class_is_named_only_when_one_is_chosen() -> None:
    assert "ingressClassName" not in route_of(a_sharer())["spec"]
    assert route_of(a_sharer(), settings=OperatorSettings(ingress_class="edge"))["spec"]["ingressClassName"] == "edge"


@pytest.mark.parametrize(
    ("gateway", "parents"),
    [
        (None, None),
        (GatewayRef("infra", "edge"), [{"name": "edge", "namespace": "infra"}]),
        (GatewayRef("infra", "edge", "https"), [{"name": "edge", "namespace": "infra", "sectionName": "https"}]),
    ],
    ids=["none", "whole", "section"],
)
def test_an_http_route_attaches_to_the_chosen_gateway(
    gateway: GatewayRef | None, parents: list[dict[str, str]] | None
) -> None:
    settings = OperatorSettings(route_kind=RouteKind.HTTP_ROUTE, gateway=gateway)

    assert route_of(a_sharer(), settings=settings)["spec"].get("parentRefs") == parents


def test_hosts_that_read_alike_in_a_name_have_different_names() -> None:
    names = {route_name(parse_host(host)) for host in ("a-b.example.test", "a.b.example.test", "a.b-example.test")}

    assert len(names) == 3
    assert all(name.startswith("jitgress-a-b-example-test-") for name in names)


def test_an_http_route_of_five_grants_with_32_paths_each_is_one_that_the_api_takes() -> None:
    sharers = [
        Sharer(a_grant(scope=a_scope(*(f"/g{grant}/p{path}" for path in range(32)))), f"object-{grant}")
        for grant in range(5)
    ]

    route = desired_route(HOST, sharers, OperatorSettings(route_kind=RouteKind.HTTP_ROUTE), NOW)

    assert route is not None
    assert sum(len(rule["matches"]) for rule in route["spec"]["rules"]) <= 128
