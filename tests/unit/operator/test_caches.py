"""What the operator reads of the cluster: an object that can't be understood never permits anything."""

from dataclasses import replace

from jitgress.domain.decide import decide
from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import PolicyList
from jitgress.domain.ruling import Denied
from jitgress.operator.caches import key_of
from tests.builders import ALICE, NOW, a_request, a_situation, a_target
from tests.simulators.objects import a_policy_object, a_target_object
from tests.unit.operator.held import holding, some_caches, stored


def test_a_target_is_read_as_a_value() -> None:
    target = some_caches(targets=[stored(a_target_object())]).target(("shop", "orders"))

    assert target is not None
    assert target.host == "orders.example.test"


def test_an_absent_target_is_none() -> None:
    assert some_caches().target(("shop", "orders")) is None


def test_a_target_that_cant_be_understood_counts_as_absent() -> None:
    found = stored(a_target_object())
    found["spec"]["newRestriction"] = True

    assert some_caches(targets=[found]).target(("shop", "orders")) is None


def test_a_policy_that_cant_be_understood_keeps_its_place_and_denies() -> None:
    strange = stored(a_policy_object("strange", priority=1))
    strange["spec"]["newRestriction"] = True
    policies = some_caches(policies=[stored(a_policy_object(priority=2)), strange]).every_policy()

    ruling = decide(a_target(), PolicyList(policies), a_request(), (), situation=a_situation(), now=NOW).ruling

    assert sorted((policy.priority, policy.name) for policy in policies) == [(1, "strange"), (2, "standard")]
    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.POLICY_DEFECTIVE


def test_policies_are_read_once_until_a_spec_changes() -> None:
    one, two = stored(a_policy_object("one")), stored(a_policy_object("two"))
    held = holding([one, two])
    caches = replace(some_caches(), policies=held)
    index, (first, _) = caches.policies_index(), caches.every_policy()

    held.put({**two, "status": {"observedGeneration": 1}})
    assert caches.policies_index() is index

    held.put({**two, "spec": {**two["spec"], "priority": 7}})
    assert caches.policies_index() is not index
    assert caches.every_policy()[0] is first
    assert caches.every_policy()[1].priority == 7


def test_a_policy_that_goes_is_forgotten() -> None:
    held = holding([stored(a_policy_object("one"))])
    caches = replace(some_caches(), policies=held)
    assert caches.policies_index().deciding(ALICE, a_target()) is not None

    held.objects.clear()

    assert caches.policies_index().deciding(ALICE, a_target()) is None


def test_a_policy_without_a_readable_priority_comes_first() -> None:
    strange = stored(a_policy_object("strange"))
    strange["spec"]["priority"] = "high"

    assert [policy.priority for policy in some_caches(policies=[strange]).every_policy()] == [0]


def test_a_cluster_scoped_object_has_no_namespace_in_its_key() -> None:
    assert key_of(stored(a_policy_object())) == ("", "standard")
    assert key_of(stored(a_target_object())) == ("shop", "orders")
