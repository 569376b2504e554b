"""What the operator reads of the cluster: an object that can't be understood never permits anything."""

from jitgress.domain.decide import decide
from jitgress.domain.denial import DenialCode
from jitgress.domain.ruling import Denied
from jitgress.operator.caches import key_of
from tests.builders import NOW, a_request, a_target
from tests.simulators.objects import a_policy_object, a_target_object
from tests.unit.operator.held import some_caches, stored


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

    ruling = decide(a_target(), policies, a_request(), (), NOW).ruling

    assert sorted((policy.priority, policy.name) for policy in policies) == [(1, "strange"), (2, "standard")]
    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.POLICY_DEFECTIVE


def test_a_policy_without_a_readable_priority_comes_first() -> None:
    strange = stored(a_policy_object("strange"))
    strange["spec"]["priority"] = "high"

    assert [policy.priority for policy in some_caches(policies=[strange]).every_policy()] == [0]


def test_a_cluster_scoped_object_has_no_namespace_in_its_key() -> None:
    assert key_of(stored(a_policy_object())) == ("", "standard")
    assert key_of(stored(a_target_object())) == ("shop", "orders")
