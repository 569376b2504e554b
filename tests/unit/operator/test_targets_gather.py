"""What a target's readiness hangs on, gathered from the whole cluster."""

from dataclasses import replace
from typing import Any, Final

import pytest

from jitgress.operator.caches import Caches
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.targets.decide import Facts
from jitgress.operator.targets.reconcile import gather
from tests.simulators.objects import a_service_object, a_target_object
from tests.unit.operator.held import an_http_route, an_ingress, some_caches, stored

HOST: Final = "orders.example.test"
EARLY, LATE = "2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"
MINE: Final = stored(a_target_object(), uid="5", created=LATE)
OURS: Final = {"app.kubernetes.io/managed-by": "jitgress"}


def gathered(found: dict[str, Any] = MINE, caches: Caches | None = None) -> Facts:
    return gather(found, caches or some_caches(), OperatorSettings())


def a_rival(name: str = "rival", *, uid: str = "9", created: str = EARLY, host: str = HOST) -> dict[str, Any]:
    return stored(a_target_object(name, host=host), uid=uid, created=created)


def test_the_service_is_taken_from_the_targets_own_namespace() -> None:
    mine, elsewhere = stored(a_service_object()), stored(a_service_object(), namespace="bank")

    assert gathered(caches=some_caches(services=[elsewhere, mine])).service == mine
    assert gathered(caches=some_caches(services=[elsewhere])).service is None


def test_a_target_that_names_no_service_has_none() -> None:
    found = stored(a_target_object())
    del found["spec"]["service"]

    facts = gathered(found, some_caches(services=[stored(a_service_object())]))

    assert (facts.service_name, facts.service) == ("", None)


@pytest.mark.parametrize(
    ("rivals", "elder"),
    [
        ([], None),
        ([a_rival(created=EARLY)], "shop/rival"),
        ([a_rival(created=LATE, uid="4")], "shop/rival"),
        ([a_rival(created=LATE, uid="6")], None),
        ([a_rival(created="2026-01-01T11:00:00Z", uid="1")], None),
        ([a_rival(host="other.example.test")], None),
        ([a_rival("second", uid="2"), a_rival("first", uid="1")], "shop/first"),
        ([a_rival("second", uid="1"), a_rival("first", uid="2", created="2026-01-01T08:59:59Z")], "shop/first"),
    ],
    ids=["alone", "older", "as old, lower UID", "as old, higher UID", "younger", "elsewhere", "by UID", "by time"],
)
def test_a_host_belongs_to_who_named_it_first_and_ties_go_by_uid(
    rivals: list[dict[str, Any]], elder: str | None
) -> None:
    assert gathered(caches=some_caches(targets=[MINE, *rivals])).elder == elder


def test_the_elder_may_be_in_another_namespace() -> None:
    rival = stored(a_target_object("rival", host=HOST), created=EARLY, namespace="bank")

    assert gathered(caches=some_caches(targets=[MINE, rival])).elder == "bank/rival"


@pytest.mark.parametrize(
    ("caches", "foreign"),
    [
        (some_caches(ingresses=[an_ingress(HOST)]), "Ingress shop/own"),
        (some_caches(ingresses=[an_ingress("Orders.Example.TEST", namespace="edge")]), "Ingress edge/own"),
        (some_caches(http_routes=[an_http_route("ORDERS.example.test", namespace="edge")]), "HTTPRoute edge/own"),
        (some_caches(ingresses=[an_ingress("a.example.test", HOST)]), "Ingress shop/own"),
        (some_caches(ingresses=[an_ingress("stock.example.test")]), None),
        (some_caches(ingresses=[an_ingress(HOST, namespace="jitgress-system", labels=OURS)]), None),
        (some_caches(ingresses=[an_ingress(HOST, namespace="shop", labels=OURS)]), "Ingress shop/own"),
        (some_caches(ingresses=[an_ingress(HOST, namespace="jitgress-system")]), "Ingress jitgress-system/own"),
    ],
    ids=[
        "own namespace",
        "another namespace, capitals",
        "an HTTPRoute",
        "second host",
        "another host",
        "ours",
        "labelled as ours elsewhere",
        "beside ours",
    ],
)
def test_somebodys_route_for_the_host_is_found_anywhere(caches: Caches, foreign: str | None) -> None:
    assert gathered(caches=caches).foreign_route == foreign


def test_a_cluster_without_the_gateway_api_has_no_http_routes() -> None:
    bare = replace(some_caches(), http_routes=None)

    assert gathered(caches=bare).foreign_route is None


@pytest.mark.parametrize(
    "change",
    [{"host": "*.example.test"}, {"host": "ORDERS.example.test"}, {"paths": ["/api*"]}, {"methods": []}],
    ids=["wildcard", "capitals", "path", "no method"],
)
def test_a_spec_that_cant_be_understood_takes_no_host(change: dict[str, Any]) -> None:
    found = stored(a_target_object())
    found["spec"] |= change

    facts = gathered(found, some_caches(targets=[a_rival()], ingresses=[an_ingress(HOST)]))

    assert facts.spec_error is not None
    assert (facts.host, facts.elder, facts.foreign_route) == (None, None, None)


@pytest.mark.parametrize(
    "caches",
    [
        some_caches(ingresses=[an_ingress("*.example.test")]),
        some_caches(http_routes=[an_http_route("*.example.test")]),
    ],
    ids=["Ingress", "HTTPRoute"],
)
def test_a_wildcard_route_publishes_the_host_too(caches: Any) -> None:
    assert gather(stored(a_target_object()), caches, OperatorSettings()).foreign_route is not None
