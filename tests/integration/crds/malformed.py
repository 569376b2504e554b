"""Cases of malformed objects: one field of a whole object changed, and what the refusal has to say."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from jitgress.kube.resources import Resource
from tests.integration.crds.api import Api
from tests.integration.crds.whole_objects import WHOLE, with_field, without_field

ABSENT = object()
"""As the value of a case: the field isn't there."""


@dataclass(frozen=True, slots=True)
class Case:
    """`named`: the field as the message calls it, where that isn't `field`. `remedy`: a part of the message."""

    about: str
    field: str
    value: object
    remedy: str
    named: str = ""


def table(cases: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.field}: {case.about}") for case in cases])


def assert_refused(api: Api, resource: Resource, namespace: str, case: Case) -> None:
    """The object as it stands is taken; with the one change it is refused in words."""
    whole = WHOLE[resource]
    changed = without_field(whole, case.field) if case.value is ABSENT else with_field(whole, case.field, case.value)
    taken = api.create(resource, whole, namespace, is_dry=True)
    assert taken.status == 201, taken.message

    answer = api.create(resource, changed, namespace, is_dry=True)

    assert answer.status == 422, answer.message or "it was taken"
    assert f"{case.named or case.field}: " in answer.message
    assert case.remedy in answer.message
