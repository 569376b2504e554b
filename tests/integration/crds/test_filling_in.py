"""Who asks or answers need not say who they are: where the cluster can, it is filled in, and never replaced."""

from typing import Final

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS, Resource
from tests.integration.crds.api import Api, As
from tests.integration.crds.rights import bind
from tests.integration.crds.whole_objects import (
    ALICE,
    BOB,
    OLGA,
    PORTAL,
    Object,
    Who,
    a_request,
    a_review,
    with_field,
    without_field,
)

pytestmark = pytest.mark.real

PAULA: Final = Who(
    "paula@example.test",
    ("dev", "approvers", "system:authenticated"),
    (("jitgress.dev/amr", ("pwd", "otp")), ("example.test/team", ("orders",))),
)
ONE_NAMED_TWICE: Final = Who("tom@example.test", ("dev", "approvers", "dev", "system:authenticated"))
ASKS: Final = (ACCESS_REQUESTS, "requester")
ANSWERS: Final = (ACCESS_REVIEWS, "reviewer")

both = pytest.mark.parametrize(("resource", "field"), [ASKS, ANSWERS], ids=["requester", "reviewer"])


def object_of(field: str, who: Who) -> Object:
    return a_request(who=who) if field == "requester" else a_review(who=who)


@both
@pytest.mark.parametrize(
    "left_out",
    [(), ("username",), ("groups",), ("claims",), ("username", "groups"), ("username", "groups", "claims")],
    ids=lambda names: "+".join(names) or "nothing",
)
def test_what_is_missing_of_an_identity_is_filled_in(
    left_out: tuple[str, ...], resource: Resource, field: str, callers: As, namespace: str
) -> None:
    body = object_of(field, PAULA)
    for name in left_out:
        body = without_field(body, f"spec.{field}.{name}")

    answer = callers(PAULA).create(resource, body, namespace, is_dry=True)

    assert answer.status == 201, answer.message
    assert answer.body["spec"][field] == PAULA.as_identity()


@both
def test_nobody_has_to_say_who_they_are_at_all(resource: Resource, field: str, callers: As, namespace: str) -> None:
    body = without_field(object_of(field, PAULA), f"spec.{field}")
    paula = callers(PAULA)

    created = paula.made(resource, body, namespace)
    spec = {**body["spec"], **({"request": {"name": "a", "uid": "b"}} if resource == ACCESS_REVIEWS else {})}
    generated = {**body, "metadata": {"generateName": "mine-"}, "spec": spec}

    assert created["spec"][field] == PAULA.as_identity()
    assert paula.made(resource, generated, namespace)["spec"][field] == PAULA.as_identity()


@both
def test_who_has_no_claims_gets_none(resource: Resource, field: str, callers: As, root: Api, namespace: str) -> None:
    bind(root, namespace, "jitgress-requester", OLGA)
    body = without_field(object_of(field, ALICE), f"spec.{field}")

    made = callers(OLGA).made(resource, body, namespace)

    assert made["spec"][field] == OLGA.as_identity()


@both
def test_a_group_that_the_sign_in_names_twice_is_filled_in_once(
    resource: Resource, field: str, callers: As, namespace: str
) -> None:
    body = without_field(object_of(field, ALICE), f"spec.{field}")

    answer = callers(ONE_NAMED_TWICE).create(resource, body, namespace, is_dry=True)

    assert answer.status == 201, answer.message
    assert answer.body["spec"][field]["groups"] == ["dev", "approvers", "system:authenticated"]


@both
@pytest.mark.parametrize("part", ["username", "groups", "claims"])
def test_what_is_stated_stands_and_is_refused_if_it_is_not_so(
    part: str, resource: Resource, field: str, callers: As, namespace: str
) -> None:
    """To put it right in silence would let somebody believe that they had asked as somebody else."""
    wrong = {"username": BOB.username, "groups": ["dev"], "claims": {"jitgress.dev/amr": ["mfa"]}}
    body = with_field(object_of(field, PAULA), f"spec.{field}", {part: wrong[part]})

    answer = callers(PAULA).create(resource, body, namespace, is_dry=True)

    assert answer.status == 403
    assert f"spec.{field}.{part} must be" in answer.message


@both
@pytest.mark.parametrize(
    "stated",
    [
        pytest.param("paula", id="a text"),
        pytest.param(["paula"], id="a list"),
        pytest.param({"username": 7}, id="a number as the name"),
        pytest.param({"groups": "dev"}, id="a text as groups"),
        pytest.param({"claims": ["mfa"]}, id="a list as claims"),
    ],
)
def test_what_has_no_form_is_refused_in_words(
    stated: object, resource: Resource, field: str, callers: As, namespace: str
) -> None:
    body = with_field(object_of(field, PAULA), f"spec.{field}", stated)

    answer = callers(PAULA).create(resource, body, namespace, is_dry=True)

    assert answer.status == 422
    assert f"spec.{field}" in answer.message
    assert "must be of type" in answer.message


def test_nothing_is_filled_in_for_the_portal(callers: As, namespace: str, root: Api) -> None:
    """It speaks for people: were its own name filled in, a mistake there would be a request of the portal."""
    account = Who(PORTAL, ("dev", "system:authenticated"))
    body = without_field(a_request(who=ALICE), "spec.requester")

    answer = callers(account).create(ACCESS_REQUESTS, body, namespace, is_dry=True)

    assert root.create(ACCESS_REQUESTS, body, namespace, is_dry=True).status == 201
    assert answer.status == 422
    assert "spec.requester: Required value" in answer.message


def test_a_request_can_be_applied_again(root: Api, namespace: str) -> None:
    """A tool that applies what it has said before finds nothing changed, though more stands there."""
    body = without_field(a_request(who=ALICE), "spec.requester")

    answers = [root.apply(ACCESS_REQUESTS, body, namespace) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 200], [answer.message for answer in answers]
    assert answers[1].body["metadata"]["resourceVersion"] == answers[0].body["metadata"]["resourceVersion"]
