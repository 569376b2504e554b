"""Which hosts a route names, and whose it is."""

from collections.abc import Mapping
from typing import Any

import pytest

from jitgress.domain.host import parse_host
from jitgress.operator.hosts import hosts_meant, hosts_of_http_route, hosts_of_ingress, is_named, is_ours, route_name
from jitgress.operator.settings import OperatorSettings
from tests.unit.operator.held import an_http_route, an_ingress

OURS = {"app.kubernetes.io/managed-by": "jitgress"}


@pytest.mark.parametrize(
    ("namespace", "labels", "expected"),
    [
        ("jitgress-system", OURS, True),
        ("shop", OURS, False),
        ("jitgress-system", {}, False),
        ("jitgress-system", {"app.kubernetes.io/managed-by": "Helm"}, False),
    ],
    ids=["ours", "elsewhere", "unlabelled", "of another tool"],
)
def test_a_route_is_ours_by_its_namespace_and_its_label(
    namespace: str, labels: dict[str, str], *, expected: bool
) -> None:
    assert is_ours(an_ingress("a.example.test", namespace=namespace, labels=labels), OperatorSettings()) is expected


def test_a_route_without_any_labels_is_not_ours() -> None:
    assert not is_ours(an_ingress("a.example.test", namespace="jitgress-system"), OperatorSettings())


def test_hosts_are_compared_in_lower_case() -> None:
    assert set(hosts_of_ingress(an_ingress("Orders.Example.TEST", "b.example.test"))) == {
        "orders.example.test",
        "b.example.test",
    }
    assert set(hosts_of_http_route(an_http_route("Orders.Example.TEST"))) == {"orders.example.test"}


@pytest.mark.parametrize("spec", [{}, {"rules": None}, {"rules": []}, {"rules": [{"http": {}}]}], ids=str)
def test_an_ingress_without_a_host_names_none(spec: Mapping[str, Any]) -> None:
    assert not set(hosts_of_ingress({**an_ingress(), "spec": spec}))


@pytest.mark.parametrize("spec", [{}, {"hostnames": None}, {"hostnames": []}], ids=str)
def test_an_http_route_without_a_host_names_none(spec: Mapping[str, Any]) -> None:
    assert not set(hosts_of_http_route({**an_http_route(), "spec": spec}))


def test_a_route_of_ours_is_about_its_annotated_host_too() -> None:
    route = an_ingress("other.example.test", annotations={"jitgress.dev/host": "orders.example.test"})

    assert hosts_meant(route, hosts_of_ingress(route)) == {"other.example.test", "orders.example.test"}


def test_a_route_that_lost_all_hosts_is_about_the_empty_one() -> None:
    assert hosts_meant(an_ingress(), ()) == {""}


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"orders.example.test"}, True),
        ({"*.example.test"}, True),
        ({"*.test"}, True),  # an HTTPRoute's wildcard stands for any number of labels
        ({"*"}, False),
        ({"*.orders.example.test"}, False),
        ({"*ders.example.test"}, False),
        ({"example.test", "stock.example.test"}, False),
        (set(), False),
    ],
    ids=["itself", "one label", "two labels", "a star alone", "below it", "a part of a label", "others", "none"],
)
def test_a_host_is_named_by_itself_or_by_a_wildcard_above_it(named: set[str], *, expected: bool) -> None:
    assert is_named("orders.example.test", named) is expected


def test_a_route_of_ours_stays_ours_without_its_label() -> None:
    """Or else the operator would take it for somebody's who publishes the host, and close what it opened itself."""
    name = route_name(parse_host("a.example.test"))

    assert is_ours(an_ingress("a.example.test", name=name, namespace="jitgress-system"), OperatorSettings())
    assert not is_ours(an_ingress("a.example.test", name=name, namespace="shop"), OperatorSettings())
    assert not is_ours(an_ingress("b.example.test", name=name, namespace="jitgress-system"), OperatorSettings())
