"""The guard sees an Ingress that leads to a target's Service around the gate: it warns, or refuses where told to.

`test_guard_routes.py` is about the routes of the Gateway API.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from jitgress.crds.guard import guards
from jitgress.kube.resources import ACCESS_TARGETS, INGRESSES, NAMESPACES
from jitgress.local.cluster import resource_of
from tests.integration.crds.api import Api
from tests.integration.crds.guarding import AROUND, LABEL, label, refused, unremarked, wait_until, warned
from tests.integration.crds.routes import ELSEWHERE, an_ingress
from tests.integration.crds.whole_objects import SYSTEM, Object, a_target, with_field

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("target")]

OTHERS: Final = "other.test"
TO_BOTH: Final = an_ingress(paths=("billing", "orders"))

leading = pytest.mark.parametrize(
    "route",
    [
        pytest.param(an_ingress(paths=(ELSEWHERE, "orders"), host=OTHERS), id="by a path"),
        pytest.param(an_ingress(paths=("orders",)), id="by a path, on every host"),
        pytest.param(an_ingress(paths=(), default="orders"), id="by default"),
        pytest.param(an_ingress(default="orders", host=OTHERS), id="by default beside a rule"),
    ],
)
naming = pytest.mark.parametrize(
    "route",
    [
        pytest.param(an_ingress(host="orders.example.com"), id="exactly"),
        pytest.param(an_ingress(paths=(), host="orders.example.com", default=ELSEWHERE), id="without paths"),
        pytest.param(an_ingress(host="*.example.com"), id="by a wildcard"),
        pytest.param(an_ingress(host="*.com"), id="by a wider wildcard"),
    ],
)
harmless = pytest.mark.parametrize(
    "route",
    [
        pytest.param(an_ingress(host=OTHERS), id="elsewhere"),
        pytest.param(an_ingress(paths=("orders-public",), host="aorders.example.com"), id="names that resemble"),
        pytest.param(an_ingress(host="*.orders.example.com"), id="a wildcard below the host"),
        pytest.param(an_ingress(paths=(), default=ELSEWHERE), id="by default"),
        pytest.param(an_ingress(), id="on every host"),
    ],
)


@pytest.fixture
def blind_guard(root: Api, namespace: str) -> Iterator[str]:
    """The guard of Ingress objects once more, for one namespace: it looks for targets of a kind that isn't there."""
    here = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}
    made: list[Object] = []
    for body in guards():
        policy = body["spec"].get("policyName", body["metadata"]["name"])
        if policy.startswith("jitgress-guard-ingresses"):
            blind = with_field(body, "metadata.name", f"{policy}-{namespace}")
            if "policyName" in body["spec"]:
                blind = with_field(blind, "spec.policyName", f"{policy}-{namespace}")
            else:
                blind["spec"]["paramKind"]["kind"] = "AccessNothing"
                blind["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"].append(here)
            made.append(root.made(resource_of(blind), blind, ""))
    yield f"jitgress-guard-ingresses-refuse-{namespace}"
    for found in made:
        root.delete(resource_of(found), found)


@leading
def test_who_leads_to_a_targets_service_is_warned(route: Object, nina: Api, namespace: str) -> None:
    answer = nina.create(INGRESSES, route, namespace, is_dry=True)

    assert answer.status == 201, answer.message
    assert f"spec leads to the Service orders of AccessTarget {namespace}/orders, around its gate" in answer.warning
    assert f"ask with jitgress request {namespace}/orders" in answer.warning
    assert answer.warning.count("AccessTarget") == 1


@naming
def test_who_names_a_targets_host_is_warned(route: Object, nina: Api, namespace: str) -> None:
    answer = nina.create(INGRESSES, route, namespace, is_dry=True)

    assert answer.status == 201, answer.message
    assert f"spec names the host orders.example.com of AccessTarget {namespace}/orders, around its" in answer.warning
    assert answer.warning.count("AccessTarget") == 1


@harmless
def test_what_has_nothing_to_do_with_a_target_is_not_remarked_on(route: Object, nina: Api, namespace: str) -> None:
    answer = nina.create(INGRESSES, route, namespace, is_dry=True)

    assert (answer.status, answer.warning) == (201, "")


@leading
def test_a_namespace_that_refuses_has_no_way_around_the_gate(
    route: Object, nina: Api, root: Api, namespace: str
) -> None:
    label(root, namespace, "refuse", until=refused)

    answer = nina.create(INGRESSES, route, namespace, is_dry=True)

    assert answer.status == 403
    assert f"spec leads to the Service orders of AccessTarget {namespace}/orders, around its gate" in answer.message
    assert f"or have the namespace labelled {LABEL}=ignore" in answer.message
    assert answer.warning == ""


def test_a_namespace_that_refuses_has_nobody_name_a_targets_host(nina: Api, root: Api, namespace: str) -> None:
    label(root, namespace, "refuse", until=refused)

    answers = [
        nina.create(INGRESSES, an_ingress(host=host), namespace, is_dry=True)
        for host in ("orders.example.com", "*.example.com", OTHERS)
    ]

    assert [answer.status for answer in answers] == [403, 403, 201]


def test_a_namespace_that_ignores_hears_nothing(nina: Api, root: Api, namespace: str) -> None:
    label(root, namespace, "ignore", until=unremarked)

    answer = nina.create(INGRESSES, an_ingress(paths=("orders",), host="orders.example.com"), namespace)

    assert (answer.status, answer.warning) == (201, "")


def test_a_label_that_nobody_knows_refuses(nina: Api, root: Api, namespace: str) -> None:
    """Whoever wrote `Refuse` or `deny` meant something by it."""
    label(root, namespace, "Refuse", until=refused)

    assert nina.create(INGRESSES, AROUND, namespace, is_dry=True).status == 403


def test_who_has_the_run_of_a_namespace_does_not_relabel_it(nina: Api, namespace: str) -> None:
    answer = nina.merge(NAMESPACES, {"metadata": {"name": namespace}}, {"metadata": {"labels": {LABEL: "ignore"}}})

    assert answer.status == 403


def test_a_change_towards_a_target_is_refused_like_a_new_route(nina: Api, root: Api, namespace: str) -> None:
    label(root, namespace, "refuse", until=refused)
    made = nina.made(INGRESSES, an_ingress(), namespace)

    answers = [
        nina.merge(INGRESSES, made, {"spec": an_ingress(paths=("orders",))["spec"]}),
        nina.replace(INGRESSES, with_field(made, "spec", AROUND["spec"])),
        nina.merge(INGRESSES, made, {"spec": an_ingress(host=OTHERS)["spec"]}),
    ]

    assert [answer.status for answer in answers] == [403, 403, 200]


def test_what_was_there_before_can_still_be_labelled_and_deleted(nina: Api, root: Api, namespace: str) -> None:
    """Else a controller's finalizer would keep it for ever."""
    made = nina.made(INGRESSES, with_field(AROUND, "metadata.finalizers", ["a.test/b"]), namespace)
    label(root, namespace, "refuse", until=refused)

    answers = [
        nina.merge(INGRESSES, made, {"metadata": {"labels": {"a": "b"}}}),
        nina.delete(INGRESSES, made),
        nina.merge(INGRESSES, made, {"metadata": {"finalizers": None}}),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert nina.get(INGRESSES.path(namespace, "mine")).status == 404


def test_not_even_the_admin_goes_around_the_gate_where_it_is_refused(root: Api, namespace: str) -> None:
    label(root, namespace, "refuse", until=refused)

    assert root.create(INGRESSES, AROUND, namespace, is_dry=True).status == 403


def test_each_of_several_targets_is_named(nina: Api, root: Api, namespace: str) -> None:
    second = with_field(with_field(a_target("billing"), "spec.service.name", "billing"), "spec.host", "billing.example")
    root.made(ACCESS_TARGETS, second, namespace)
    wait_until(lambda: "billing" in root.create(INGRESSES, TO_BOTH, namespace, is_dry=True).warning)

    warning = nina.create(INGRESSES, TO_BOTH, namespace, is_dry=True).warning

    assert f"AccessTarget {namespace}/orders" in warning
    assert f"AccessTarget {namespace}/billing" in warning


def test_no_route_is_too_long_to_be_looked_through(nina: Api, root: Api, namespace: str) -> None:
    """Admission has a budget: a route that exceeds it must be refused, never pass unseen."""
    label(root, namespace, "refuse", until=refused)
    long = an_ingress(paths=(ELSEWHERE,) * 5000, host=OTHERS)
    hidden = an_ingress(paths=(*(ELSEWHERE,) * 5000, "orders"), host=OTHERS)

    assert nina.create(INGRESSES, long, namespace, is_dry=True).status == 201
    assert nina.create(INGRESSES, hidden, namespace, is_dry=True).status == 403


def test_a_guard_that_cannot_look_stops_nobody_but_where_it_refuses(
    blind_guard: str, nina: Api, root: Api, namespace: str
) -> None:
    """As when the definition of AccessTargets is removed before the guard is: that must not end a cluster's ingress."""
    route = an_ingress(host=OTHERS)

    label(root, namespace, "refuse", until=lambda answer: answer.status in {403, 422})
    wait_until(lambda: blind_guard in nina.create(INGRESSES, route, namespace, is_dry=True).message)
    refusing = nina.create(INGRESSES, route, namespace, is_dry=True)
    label(root, namespace, None, until=warned)
    warning = nina.create(INGRESSES, route, namespace, is_dry=True)

    assert (warning.status, warning.warning) == (201, "")
    assert refusing.status == 422
    assert "failed to configure policy" in refusing.message


def test_other_namespaces_targets_are_not_seen(root: Api) -> None:
    """The operator sees a host that another route names, and says so at the target; admission can't."""
    answer = root.create(INGRESSES, AROUND, "kube-public", is_dry=True)

    assert (answer.status, answer.warning) == (201, "")


def test_the_operators_own_routes_are_not_remarked_on(root: Api, operator: Api, namespace: str) -> None:
    in_system = with_field(a_target(f"orders-{namespace}"), "spec.host", "orders.example.com")
    misplaced = root.create_right_there(ACCESS_TARGETS, in_system, SYSTEM).body
    route = an_ingress(paths=("orders",), host="orders.example.com")

    answer = operator.create(INGRESSES, route, SYSTEM, is_dry=True)
    root.delete(ACCESS_TARGETS, misplaced)

    assert (answer.status, answer.warning) == (201, "")
