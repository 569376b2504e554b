"""Whether every live gate has a grant: a gate that is silent is not waited for, and none at all is not enough."""

from typing import Any

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.operator.exposure.gates import all_have
from tests.builders import NOW, after, seconds
from tests.simulators.ingress import gate_lease

STALENESS = seconds(30)


def a_lease(programmed: str = "100", *, age_s: float = 0, name: str = "1") -> dict[str, Any]:
    return gate_lease(programmed, after(-age_s), name)


def have(resource_version: str, *leases: dict[str, Any]) -> bool:
    return all_have(resource_version, leases, STALENESS, NOW)


def without(part: str, key: str) -> dict[str, Any]:
    lease = a_lease()
    del lease[part][key]
    return lease


def test_no_gate_has_nothing() -> None:
    assert not have("1")


@pytest.mark.parametrize(("programmed", "expected"), [("99", False), ("100", True), ("101", True), ("1000", True)])
def test_a_gate_has_what_is_not_newer_than_its_programme(programmed: str, *, expected: bool) -> None:
    assert have("100", a_lease(programmed)) is expected


def test_one_live_gate_behind_is_waited_for() -> None:
    assert not have("100", a_lease("100", name="1"), a_lease("99", name="2"))


def test_a_stale_gate_denies_everything_and_is_not_waited_for() -> None:
    assert have("100", a_lease("100", name="1"), a_lease("99", age_s=30, name="2"))


@pytest.mark.parametrize(("age_s", "expected"), [(29.999, True), (30, False), (3600, False)])
def test_a_gate_is_live_until_its_staleness_is_over(age_s: float, *, expected: bool) -> None:
    assert have("100", a_lease(age_s=age_s)) is expected


@pytest.mark.parametrize(
    "lease",
    [
        without("spec", "renewTime"),
        without("metadata", "labels"),
        {**a_lease(), "spec": {"renewTime": "yesterday"}},
        {**a_lease(), "spec": {"renewTime": None}},
        {**a_lease(), "spec": {"renewTime": "2026-01-01 10:00:00"}},
        {"metadata": {"labels": {"jitgress.dev/component": "gate"}}},
        {},
    ],
    ids=["no time", "no label", "no such time", "null", "no zone", "no spec", "empty"],
)
def test_a_lease_that_says_no_time_is_no_live_gate(lease: dict[str, Any]) -> None:
    assert not have("100", lease)
    assert have("100", lease, a_lease())


@pytest.mark.parametrize("programmed", ["", "abc", "-1", "1e9", "\uff11\uff10\uff10", "100 "])
def test_a_live_gate_that_says_no_revision_has_nothing(programmed: str) -> None:
    assert not have("1", a_lease(programmed))


def test_a_live_gate_that_never_was_programmed_has_nothing() -> None:
    assert not have("1", without("metadata", "annotations"))


def test_the_operators_own_lease_is_no_gate() -> None:
    lease = a_lease()
    lease["metadata"]["labels"]["jitgress.dev/component"] = "operator"

    assert not have("100", lease)


@pytest.mark.parametrize("resource_version", ["", "abc", "1.5", "\uff11"])
def test_revisions_that_cant_be_compared_are_an_error_that_says_what_is_needed(resource_version: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a number") as raised:
        have(resource_version, a_lease())
    assert "Kubernetes 1.35" in raised.value.remedy
