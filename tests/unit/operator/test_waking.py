"""Which keys a change wakes: one too many is harmless, one too few leaves something undone."""

from collections.abc import Iterable
from typing import Any, Final

import pytest

from jitgress.crds.grants import grant_object
from jitgress.domain.subject import Subject
from jitgress.operator.caches import Caches, Object
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.waking import Waker
from tests.builders import (
    BOB,
    NOW,
    a_grant,
    a_request,
    a_target,
)
from tests.simulators.ingress import gate_lease
from tests.simulators.objects import a_policy_object, a_request_object, a_review_object, a_service_object
from tests.simulators.objects import a_target_object as a_target_as_sent
from tests.unit.operator.held import an_http_route, an_ingress, some_caches, stored
from tests.unit.operator.woken import Woken

OURS: Final = {"app.kubernetes.io/managed-by": "jitgress"}
CLOSED: Final = {"conditions": [{"type": "Closed", "status": "True"}]}
PROBED: Final = {"conditions": [{"type": "Probed", "status": "True"}]}


def a_stored_request(name: str = "alice-orders", **change: Any) -> dict[str, Any]:
    status = change.pop("status", None)
    return stored(a_request_object(name, **change), uid=f"uid-of-{name}", status=status)


def a_stored_target(name: str = "orders", **change: Any) -> dict[str, Any]:
    return stored(a_target_as_sent(name, **change))


def a_stored_grant(name: str = "alice-orders", *, status: dict[str, Any] | None = None) -> dict[str, Any]:
    grant = a_grant(request=a_request(name=name, uid=f"uid-of-{name}"), target=a_target())
    return stored(grant_object(grant, "jitgress-system"), status=status)


def woken_by(name: str, old: Object | None, new: Object | None, caches: Caches | None = None) -> dict[str, set[str]]:
    woken = Woken()
    Waker(woken.concerns, caches or some_caches(), OperatorSettings()).subscriber(name)(old, new)
    return woken.told()


def test_a_request_wakes_its_own_life_its_looks_its_grant_and_who_is_consulted() -> None:
    assert woken_by("requests", None, a_stored_request()) == {
        "requests": {"shop/alice-orders"},
        "exposure": {"shop/alice-orders"},
        "grants": {"uid-of-alice-orders"},
        "consults": {"shop/alice-orders"},
    }


@pytest.mark.parametrize("status", [CLOSED, {"grant": "uid-of-alice-orders"}], ids=["over", "opened"])
def test_nobody_is_consulted_about_a_request_that_is_over_or_was_opened(status: dict[str, Any]) -> None:
    assert "consults" not in woken_by("requests", None, a_stored_request(status=status))


def test_a_request_that_was_made_again_under_its_name_wakes_the_grant_of_the_earlier_one() -> None:
    again = a_stored_request()
    again["metadata"]["uid"] = "another"

    assert woken_by("requests", a_stored_request(), again)["grants"] == {"uid-of-alice-orders", "another"}


def test_a_review_wakes_its_request() -> None:
    review = stored(a_review_object(a_stored_request()))

    assert woken_by("reviews", None, review) == {"requests": {"shop/alice-orders"}}


def test_a_policy_wakes_every_request_that_isnt_closed() -> None:
    requests = [a_stored_request("one"), a_stored_request("two"), a_stored_request("over", status=CLOSED)]

    assert woken_by("policies", stored(a_policy_object()), None, some_caches(requests=requests)) == {
        "requests": {"shop/one", "shop/two"},
        "policies": {"standard"},
    }


def test_a_target_wakes_itself_and_the_open_requests_for_it() -> None:
    requests = [
        a_stored_request("one"),
        a_stored_request("other", target="stock"),
        a_stored_request("over", status=CLOSED),
    ]

    assert woken_by("targets", None, a_stored_target(), some_caches(requests=requests)) == {
        "targets": {"shop/orders"},
        "requests": {"shop/one"},
    }


def test_a_target_that_goes_wakes_those_that_wait_for_its_host() -> None:
    waiting = a_stored_target("younger", host="orders.example.test")

    assert woken_by("targets", a_stored_target(), None, some_caches(targets=[waiting])) == {
        "targets": {"shop/orders", "shop/younger"}
    }


def test_a_target_that_moves_wakes_those_at_its_old_and_its_new_host() -> None:
    caches = some_caches(
        targets=[a_stored_target("left", host="a.example.test"), a_stored_target("met", host="b.example.test")]
    )
    before, after = a_stored_target(host="a.example.test"), a_stored_target(host="b.example.test")

    assert woken_by("targets", before, after, caches) == {"targets": {"shop/orders", "shop/left", "shop/met"}}


def test_a_service_wakes_the_targets_that_name_it_in_its_own_namespace() -> None:
    elsewhere = stored(a_target_as_sent("orders"), namespace="bank")
    caches = some_caches(targets=[a_stored_target(), a_stored_target("stock"), elsewhere])

    assert woken_by("services", None, stored(a_service_object()), caches) == {"targets": {"shop/orders"}}


def test_a_grant_wakes_its_removal_its_request_its_looks_and_its_host() -> None:
    assert woken_by("grants", a_stored_grant(), None) == {
        "grants": {"uid-of-alice-orders"},
        "requests": {"shop/alice-orders"},
        "exposure": {"shop/alice-orders"},
        "routes": {"orders.example.test"},
    }


def test_a_gate_that_caught_up_wakes_the_looks_of_grants_that_wait_for_one() -> None:
    grants = [a_stored_grant("waiting"), a_stored_grant("seen", status=PROBED)]

    assert woken_by("leases", None, gate_lease("9", NOW), some_caches(grants=grants)) == {"exposure": {"shop/waiting"}}


def test_a_lease_of_another_component_wakes_nobody() -> None:
    lease = gate_lease("9", NOW)
    lease["metadata"]["labels"] = {}

    assert woken_by("leases", None, lease, some_caches(grants=[a_stored_grant("waiting")])) == {}


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("ingresses", an_ingress("Orders.example.test", namespace="edge")),
        ("http_routes", an_http_route("Orders.example.test", namespace="edge")),
    ],
    ids=["Ingress", "HTTPRoute"],
)
def test_somebodys_route_wakes_the_targets_of_its_hosts(name: str, route: dict[str, Any]) -> None:
    caches = some_caches(targets=[a_stored_target(), a_stored_target("stock")])

    assert woken_by(name, None, route, caches) == {"targets": {"shop/orders"}}
    assert woken_by(name, route, None, caches) == {"targets": {"shop/orders"}}


@pytest.mark.parametrize(
    ("name", "make"),
    [("ingresses", an_ingress), ("http_routes", an_http_route)],
    ids=["Ingress", "HTTPRoute"],
)
def test_a_route_of_ours_wakes_its_hosts_the_named_and_the_annotated(name: str, make: Any) -> None:
    annotations = {"jitgress.dev/host": "orders.example.test"}
    route = make("bent.example.test", namespace="jitgress-system", labels=OURS, annotations=annotations)

    assert woken_by(name, None, route) == {"routes": {"bent.example.test", "orders.example.test"}}


def test_a_route_whose_label_somebody_took_wakes_its_host_and_its_target() -> None:
    ours = an_ingress("orders.example.test", namespace="jitgress-system", labels=OURS)
    bare = an_ingress("orders.example.test", namespace="jitgress-system")

    told = woken_by("ingresses", ours, bare, some_caches(targets=[a_stored_target()]))

    assert "orders.example.test" in told["routes"]
    assert told["targets"] == {"shop/orders"}


def everything() -> dict[str, Iterable[Object]]:
    return {
        "requests": [a_stored_request("one"), a_stored_request("over", status=CLOSED)],
        "targets": [a_stored_target()],
        "grants": [a_stored_grant("left-behind")],
        "ingresses": [an_ingress("a.example.test", namespace="jitgress-system", labels=OURS)],
        "http_routes": [an_http_route("b.example.test", namespace="jitgress-system", labels=OURS)],
    }


def test_a_new_leader_looks_at_everything_also_at_what_is_over_and_what_was_left_behind() -> None:
    woken = Woken()

    Waker(woken.concerns, some_caches(**everything()), OperatorSettings()).wake_all()

    assert woken.told() == {
        "requests": {"shop/one", "shop/over", "shop/left-behind"},
        "exposure": {"shop/one", "shop/over", "shop/left-behind"},
        "grants": {"uid-of-one", "uid-of-over", "uid-of-left-behind"},
        "consults": {"shop/one"},
        "settling": {"everything"},
        "retention": {"everything"},
        "targets": {"shop/orders"},
        "routes": {"orders.example.test", "a.example.test", "b.example.test", ""},
    }


def test_a_review_wakes_the_request_that_it_is_counted_for() -> None:
    request = stored(a_request_object(), uid="request-1")
    review = stored(a_review_object(request, "Revoke"))
    review["spec"]["request"]["name"] = "alice-ordres"
    woken = Woken()

    Waker(woken.concerns, some_caches(requests=[request]), OperatorSettings()).subscriber("reviews")(None, review)

    assert ("shop", "alice-orders") in woken.requests.woken


def test_a_grant_wakes_the_request_whose_name_it_occupies() -> None:
    request = stored(a_request_object(), uid="request-1")
    planted = stored(grant_object(a_grant(), "jitgress-system"))
    planted["spec"]["request"] |= {"name": "another"}
    woken = Woken()

    Waker(woken.concerns, some_caches(requests=[request]), OperatorSettings()).subscriber("grants")(planted, None)

    assert ("shop", "alice-orders") in woken.requests.woken


def asked_as(*groups: str, name: str, status: dict[str, Any] | None = None) -> dict[str, Any]:
    return a_stored_request(name, requester=Subject("alice", frozenset(groups)), status=status)


def test_a_request_that_states_other_groups_wakes_those_that_are_open_of_the_same_person() -> None:
    before = [
        asked_as("dev", name="pending"),
        asked_as("dev", name="active", status={"grant": "one"}),
        asked_as("dev", name="over", status=CLOSED),
        a_stored_request("bobs", requester=BOB),
    ]
    new = asked_as("ops", name="new")

    woken = woken_by("requests", None, new, some_caches(requests=[*before, new]))

    assert woken["requests"] == {"shop/new", "shop/pending", "shop/active"}


def test_a_request_that_states_the_same_groups_wakes_no_other() -> None:
    new = asked_as("dev", "ops", name="new")
    caches = some_caches(requests=[asked_as("dev", "ops", name="pending"), new])

    assert woken_by("requests", None, new, caches)["requests"] == {"shop/new"}


def test_a_request_that_went_wakes_those_that_state_other_groups_than_it_did() -> None:
    caches = some_caches(requests=[asked_as("dev", name="pending")])

    assert woken_by("requests", asked_as("ops", name="gone"), None, caches)["requests"] == {"shop/gone", "shop/pending"}
