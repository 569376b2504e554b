"""A cluster without MutatingAdmissionPolicies: nothing is filled in, and everything is checked all the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from jitgress.crds.filling import fillings
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_TARGETS, Resource
from jitgress.local.cluster import resource_of
from tests.integration.control_plane import ControlPlane
from tests.integration.crds.api import Api, As
from tests.integration.crds.guarding import wait_until
from tests.integration.crds.whole_objects import (
    ADMIN,
    DAVE,
    SYSTEM,
    WHOLE,
    Object,
    Who,
    a_request,
    a_review,
    a_target,
    with_field,
    without_field,
)

pytestmark = pytest.mark.real

ANNOTATION: Final = "jitgress.dev/changed-by"
PLACE: Final = "metadata.annotations"
ALTERED: Final = {ACCESS_TARGETS: {"paths": ["/health"]}, ACCESS_POLICIES: {"priority": 7}}
PAULA: Final = Who(
    "paula@example.test", ("dev", "approvers", "system:authenticated"), (("jitgress.dev/amr", ("pwd", "otp")),)
)
both = pytest.mark.parametrize("field", ["requester", "reviewer"])
declared = pytest.mark.parametrize("resource", [ACCESS_TARGETS, ACCESS_POLICIES], ids=lambda resource: resource.kind)


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """Callers of an API server of its own, which fills nothing in."""
    plane = ControlPlane(tmp_path_factory.mktemp("older"))
    with ExitStack() as open_clients:
        open_clients.callback(plane.stop)
        plane.start()
        admin = open_clients.enter_context(Api(plane))
        for body in fillings():
            assert admin.delete(resource_of(body), body).status == 200
        # which of them the API server forgets first isn't said
        wait_until(
            lambda: ANNOTATION not in annotations(admin.create(ACCESS_TARGETS, a_target(), SYSTEM, is_dry=True).body)
        )
        nobody = without_field(a_request(who=ADMIN), "spec.requester")
        wait_until(lambda: admin.create(ACCESS_REQUESTS, nobody, SYSTEM, is_dry=True).status == 422)
        wait_until(lambda: admin.create(ACCESS_REQUESTS, a_request(who=PAULA), SYSTEM, is_dry=True).status == 403)

        def caller(who: Who | str) -> Api:
            api = Api(plane, who) if isinstance(who, str) else Api(plane, acting_as=who)
            return open_clients.enter_context(api)

        yield caller


@pytest.fixture
def root(callers: As) -> Api:
    return callers("admin")


def annotations(found: Object) -> dict[str, str]:
    some: dict[str, str] = found["metadata"].get("annotations", {})
    return some


def spoken(field: str) -> tuple[Resource, Object]:
    if field == "requester":
        return ACCESS_REQUESTS, a_request(who=PAULA)
    return ACCESS_REVIEWS, a_review(who=PAULA)


@both
def test_who_states_all_that_they_are_is_heard(field: str, callers: As) -> None:
    resource, body = spoken(field)

    answer = callers(PAULA).create(resource, body, "default", is_dry=True)

    assert answer.status == 201, answer.message


@both
def test_who_does_not_say_who_they_are_is_told_to(field: str, callers: As) -> None:
    resource, body = spoken(field)

    answer = callers(PAULA).create(resource, without_field(body, f"spec.{field}"), "default", is_dry=True)

    assert answer.status == 422
    assert f"spec.{field}: Required value" in answer.message


@both
@pytest.mark.parametrize("part", ["groups", "claims"])
def test_what_is_left_out_is_refused(part: str, field: str, callers: As) -> None:
    """Who could leave out a group would slip past a stricter policy."""
    resource, body = spoken(field)

    answer = callers(PAULA).create(resource, without_field(body, f"spec.{field}.{part}"), "default", is_dry=True)

    assert answer.status == 403
    assert f"spec.{field}.{part} must be all " in answer.message


@declared
def test_an_object_need_not_say_who_changed_it(resource: Resource, root: Api) -> None:
    answer = root.create(resource, WHOLE[resource], "default", is_dry=True)

    assert answer.status == 201, answer.message
    assert ANNOTATION not in annotations(answer.body)


@declared
def test_who_says_that_they_made_an_object_did(resource: Resource, root: Api) -> None:
    for name, status in ((ADMIN.username, 201), (DAVE.username, 403), ("", 403)):
        answer = root.create(resource, with_field(WHOLE[resource], PLACE, {ANNOTATION: name}), "default", is_dry=True)

        assert answer.status == status, answer.message


@declared
def test_who_changes_an_object_does_not_leave_another_name_there(resource: Resource, root: Api, callers: As) -> None:
    body = with_field(WHOLE[resource], PLACE, {ANNOTATION: ADMIN.username})
    found = root.made(resource, body, "default")
    dave, spec = callers(DAVE.username), {"spec": ALTERED[resource]}
    changes: tuple[tuple[dict[str, Any], int], ...] = (
        (spec, 403),
        ({**spec, "metadata": {"annotations": {ANNOTATION: "alice@example.test"}}}, 403),
        ({"metadata": {"annotations": {ANNOTATION: DAVE.username}}}, 403),
        ({"metadata": {"annotations": {"a": "b"}}}, 200),
        ({**spec, "metadata": {"annotations": {ANNOTATION: DAVE.username}}}, 200),
        ({"metadata": {"annotations": {ANNOTATION: None}}}, 200),
    )

    answers = [dave.merge(resource, found, change) for change, _ in changes]
    root.delete(resource, found)

    assert [answer.status for answer in answers] == [status for _, status in changes]
    assert f"metadata.annotations: {ANNOTATION} must be who made the last change" in answers[0].message
