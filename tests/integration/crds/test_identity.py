"""Who asks and who answers is whom the API server authenticated, with all of their groups; nobody is anybody else."""

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.integration.crds.api import Answer, Api, As
from tests.integration.crds.whole_objects import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EVERYBODY,
    MALLORY,
    Object,
    Who,
    a_request,
    a_review,
    with_field,
)

pytestmark = pytest.mark.real

WHOAMI = "leave it to jitgress, or ask: kubectl auth whoami"
MANY = Who("many@example.test", ("dev", *sorted(f"{number:03}-{'g' * 250}" for number in range(254)), EVERYBODY))
ZERO_WIDTH = "\u200b"

both = pytest.mark.parametrize("field", ["requester", "reviewer"])


def said(api: Api, field: str, body: Object, namespace: str) -> Answer:
    """Ask or answer, as `field` says."""
    return api.create(ACCESS_REQUESTS if field == "requester" else ACCESS_REVIEWS, body, namespace, is_dry=True)


def object_of(field: str, who: Who) -> Object:
    return a_request(who=who) if field == "requester" else a_review(who=who)


@both
def test_who_says_who_they_are_is_heard(field: str, callers: As, namespace: str) -> None:
    answer = said(callers(ALICE.username), field, object_of(field, ALICE), namespace)

    assert answer.status == 201, answer.message


@both
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("bob@example.test", id="somebody else"),
        pytest.param("ALICE@example.test", id="upper case"),
        pytest.param("alice@example.test ", id="a space at the end"),
        pytest.param(f"alice@example.test{ZERO_WIDTH}", id="what nobody can see"),
        pytest.param("\u0430lice@example.test", id="a Cyrillic letter"),
        pytest.param("\uff41lice@example.test", id="a wide letter"),
        pytest.param("system:serviceaccount:jitgress-system:jitgress-portal", id="the portal"),
        pytest.param("admin", id="the admin"),
        pytest.param("*", id="everybody"),
    ],
)
def test_nobody_takes_another_name(name: str, field: str, callers: As, namespace: str) -> None:
    body = with_field(object_of(field, ALICE), f"spec.{field}.username", name)

    answer = said(callers(ALICE.username), field, body, namespace)

    assert answer.status == 403
    assert f"spec.{field}.username must be your own user name; {WHOAMI}" in answer.message


@both
@pytest.mark.parametrize(
    "groups",
    [
        pytest.param(["dev", EVERYBODY, "approvers"], id="one more"),
        pytest.param(["approvers"], id="another"),
        pytest.param(["Dev", EVERYBODY], id="upper case"),
        pytest.param(["dev ", EVERYBODY], id="a space at the end"),
        pytest.param(["dev", EVERYBODY, "system:masters"], id="the cluster's masters"),
        pytest.param([EVERYBODY], id="one less"),
        pytest.param(["dev"], id="without the one that everybody is in"),
        pytest.param([], id="none"),
    ],
)
def test_nobody_adds_or_leaves_out_a_group(groups: list[str], field: str, callers: As, namespace: str) -> None:
    """The first policy that matches decides: who could leave out a group would slip past a stricter one."""
    body = with_field(object_of(field, ALICE), f"spec.{field}.groups", groups)

    answer = said(callers(ALICE.username), field, body, namespace)

    assert answer.status == 403
    assert f"spec.{field}.groups must be all of your groups and no other; {WHOAMI}" in answer.message


@both
def test_the_order_of_groups_means_nothing(field: str, callers: As, namespace: str) -> None:
    body = with_field(object_of(field, ALICE), f"spec.{field}.groups", [EVERYBODY, "dev"])

    answer = said(callers(ALICE.username), field, body, namespace)

    assert answer.status == 201, answer.message


@both
def test_as_many_groups_as_the_resource_takes_can_be_compared(field: str, callers: As, namespace: str) -> None:
    """Admission has a budget: an identity of the largest size must stay below it, or its owner could never ask."""
    body = object_of(field, MANY)
    less = with_field(body, f"spec.{field}.groups", list(MANY.groups[1:]))
    caller = callers(Who(MANY.username, (*MANY.groups, "system:masters")))

    whole = said(callers(Who(MANY.username, MANY.groups)), field, body, namespace)

    assert len(MANY.groups) == 256
    assert whole.status == 201, whole.message
    assert said(caller, field, less, namespace).status == 403


@both
def test_not_even_the_admin_speaks_for_somebody_else(field: str, root: Api, namespace: str) -> None:
    answers = [said(root, field, object_of(field, who), namespace).status for who in (ADMIN, ALICE, CAROL)]

    assert answers == [201, 403, 403]


def test_without_a_role_nobody_asks_or_answers(callers: As, namespace: str) -> None:
    mallory = callers(MALLORY.username)

    answers = [said(mallory, field, object_of(field, MALLORY), namespace) for field in ("requester", "reviewer")]

    assert [answer.status for answer in answers] == [403, 403]
    assert all("cannot create resource" in answer.message for answer in answers)


def test_an_approver_answers_and_does_not_ask(callers: As, namespace: str) -> None:
    carol = callers(CAROL.username)

    assert said(carol, "reviewer", a_review(who=CAROL), namespace).status == 201
    assert said(carol, "requester", a_request(who=CAROL), namespace).status == 403


def test_who_is_acted_for_is_who_asks(callers: As, namespace: str) -> None:
    """Impersonation (kubectl --as) is the right to be somebody else, and is then held to that."""
    as_bob = callers(BOB)

    assert said(as_bob, "requester", a_request(who=BOB), namespace).status == 201
    assert said(as_bob, "requester", a_request(who=ADMIN), namespace).status == 403
