"""What objects are looked up by; one that lacks a field has no such trait, and never breaks a watch."""

from typing import Any

import pytest

from jitgress.operator import traits
from jitgress.operator.traits import TRAITS, YES, covering
from tests.simulators.objects import a_request_object, a_target_object
from tests.unit.operator.held import an_http_route, an_ingress, stored

BARE: dict[str, Any] = {"metadata": {"namespace": "shop", "name": "one", "uid": "one-1"}, "spec": {}}


def a_found_request(**status: Any) -> dict[str, Any]:
    return stored(a_request_object(), uid="request-1", status=status)


@pytest.mark.parametrize("cache", TRAITS)
def test_every_trait_takes_an_object_without_anything(cache: str) -> None:
    for trait in TRAITS[cache]:
        assert set(trait(BARE)) <= {"one-1", YES, ""}


def test_a_host_is_covered_by_itself_and_by_each_wildcard_above_it() -> None:
    assert covering("a.b.test") == ["a.b.test", "*.b.test", "*.test"]


def test_a_target_is_found_by_each_name_under_which_a_route_would_publish_it() -> None:
    target = stored(a_target_object(host="orders.example.test"))

    assert list(traits.host_or_wildcards(target)) == ["orders.example.test", "*.example.test", "*.test"]


def test_an_identity_is_a_person_and_their_groups_in_any_order() -> None:
    def asked_by(username: str, groups: Any) -> set[str]:
        return set(traits.identity({**BARE, "spec": {"requester": {"username": username, "groups": groups}}}))

    assert asked_by("alice", ["dev", "ops"]) == asked_by("alice", ["ops", "dev", "ops"])
    assert asked_by("alice", ["dev", "ops"]) == {traits.identity_of("alice", frozenset({"ops", "dev"}))}
    apart = [asked_by(*each) for each in [("alice", ["dev"]), ("bob", ["dev"]), ("alice", []), ("alice", ["d", "ev"])]]
    assert len(set.union(*apart)) == len(apart)


@pytest.mark.parametrize("groups", [None, 7, "dev", {"dev": 1}, [["dev"], None]], ids=repr)
def test_groups_that_are_none_make_an_identity_as_well(groups: Any) -> None:
    request = {**BARE, "spec": {"requester": {"username": "alice", "groups": groups}}}

    assert set(traits.identity(request)) == {traits.identity_of("alice", groups)}


def test_a_request_is_open_until_its_status_says_that_it_is_closed() -> None:
    closed = [{"type": "Closed", "status": "True"}]

    assert list(traits.open_for(a_found_request())) == ["shop/orders"]
    assert list(traits.open_for(a_found_request(conditions=closed))) == []


@pytest.mark.parametrize(
    ("status", "hosts"),
    [
        ({"grant": "g", "url": "https://a.example.test:8443"}, []),
        ({"grant": "g", "url": "https://a.example.test:8443", "conditions": [{"type": "Closed"}]}, ["a.example.test"]),
        ({"grant": "g", "url": "https://a.test", "hiddenAt": "x", "conditions": [{"type": "Closed"}]}, []),
        ({"conditions": [{"type": "Closed"}]}, []),
    ],
    ids=["open", "to be hidden", "seen hidden", "never opened"],
)
def test_a_host_is_to_be_hidden_from_the_end_until_it_was_seen(status: dict[str, Any], hosts: list[str]) -> None:
    assert list(traits.host_to_hide(a_found_request(**status))) == hosts


def test_a_route_is_about_the_hosts_that_it_names_and_the_annotated_one() -> None:
    annotations = {"jitgress.dev/host": "b.example.test"}

    assert set(traits.meant_by_ingress(an_ingress("A.example.test", annotations=annotations))) == {
        "a.example.test",
        "b.example.test",
    }
    assert set(traits.meant_by_http_route(an_http_route("a.example.test"))) == {"a.example.test", ""}
