"""Whether a target can be opened, check by check, and their order."""

from dataclasses import replace
from typing import Any

import pytest

from jitgress.domain.host import parse_host
from jitgress.domain.target import NotReady, Ready
from jitgress.operator.targets.decide import Facts, readiness


def a_service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    return {"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.7", "ports": ports} | spec}


def some_facts() -> Facts:
    return Facts(
        name="orders",
        host=parse_host("orders.example.test"),
        spec_error=None,
        service_name="orders",
        port=80,
        service=a_service(),
        elder=None,
        foreign_route=None,
    )


@pytest.mark.parametrize("port", [80, "http"])
def test_a_port_is_found_by_number_and_by_name(port: int | str) -> None:
    assert readiness(replace(some_facts(), port=port)) == Ready("10.0.0.7:80")


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert readiness(replace(some_facts(), service=a_service(clusterIP="fd00::7"))) == Ready("[fd00::7]:80")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spec_error": "host is a wildcard"}, "InvalidSpec"),
        ({"service": None}, "ServiceNotFound"),
        ({"service": a_service(type="ExternalName", externalName="evil.example")}, "ExternalName"),
        ({"service": a_service(clusterIP="None")}, "NoClusterIP"),
        ({"service": a_service(clusterIP="")}, "NoClusterIP"),
        ({"port": 81}, "PortNotFound"),
        ({"port": 53}, "PortNotFound"),
        ({"service": a_service(ports=[{"port": 80, "appProtocol": "https"}])}, "UnsupportedProtocol"),
        ({"service": a_service(ports=[{"port": 80, "appProtocol": "kubernetes.io/h2c"}])}, "UnsupportedProtocol"),
        ({"elder": "shop/first"}, "HostTaken"),
        ({"foreign_route": "Ingress shop/own"}, "HostExposed"),
    ],
)
def test_each_objection_names_its_reason(change: dict[str, Any], reason: str) -> None:
    answer = readiness(replace(some_facts(), **change))

    assert isinstance(answer, NotReady)
    assert answer.reason == reason
    assert answer.message


def test_the_first_objection_stands() -> None:
    answer = readiness(replace(some_facts(), service=None, elder="shop/first", foreign_route="Ingress a/b"))

    assert isinstance(answer, NotReady)
    assert answer.reason == "ServiceNotFound"
