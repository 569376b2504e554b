"""A target and a policy say who changed them last, and it is so, whoever tries to say something else."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_TARGETS, Resource
from tests.integration.crds.api import Api, As
from tests.integration.crds.whole_objects import ADMIN, ALICE, DAVE, OPERATOR, WHOLE, Object, with_field

pytestmark = pytest.mark.real

ANNOTATION: Final = "jitgress.dev/changed-by"
ALTERED: Final[dict[Resource, dict[str, Any]]] = {
    ACCESS_TARGETS: {"paths": ["/health"]},
    ACCESS_POLICIES: {"priority": 7},
}
Store = Callable[[Resource], dict[str, Any]]

both = pytest.mark.parametrize("resource", [ACCESS_TARGETS, ACCESS_POLICIES], ids=lambda resource: resource.kind)


@pytest.fixture
def dave(callers: As) -> Api:
    return callers(DAVE.username)


@pytest.fixture
def store(dave: Api, root: Api, namespace: str) -> Iterator[Store]:
    """Has dave store an object; policies are in nobody's way afterwards."""
    made: list[tuple[Resource, dict[str, Any]]] = []

    def stored(resource: Resource) -> dict[str, Any]:
        found = dave.made(resource, named(resource, namespace), namespace)
        made.append((resource, found))
        return found

    yield stored
    for resource, found in made:
        root.delete(resource, found)


def named(resource: Resource, namespace: str) -> Object:
    return with_field(WHOLE[resource], "metadata.name", f"changed-{namespace}")


def changer(found: dict[str, Any]) -> str | None:
    name: str | None = found["metadata"].get("annotations", {}).get(ANNOTATION)
    return name


@both
def test_who_makes_an_object_stands_there(resource: Resource, store: Store) -> None:
    assert changer(store(resource)) == DAVE.username


@both
def test_who_changes_the_spec_stands_there(resource: Resource, store: Store, root: Api) -> None:
    found = store(resource)

    answer = root.merge(resource, found, {"spec": ALTERED[resource]})

    assert answer.status == 200, answer.message
    assert changer(answer.body) == ADMIN.username


@both
def test_who_changes_the_labels_stands_there(resource: Resource, store: Store, root: Api) -> None:
    """A target's labels choose its policies."""
    answer = root.merge(resource, store(resource), {"metadata": {"labels": {"tier": "internal"}}})

    assert changer(answer.body) == ADMIN.username


@both
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"annotations": {"a": "b"}}, id="an annotation"),
        pytest.param({"finalizers": ["a.test/b"]}, id="a finalizer"),
        pytest.param({}, id="nothing"),
    ],
)
def test_who_changes_neither_does_not(resource: Resource, change: object, store: Store, root: Api) -> None:
    found = store(resource)

    answer = root.merge(resource, found, {"metadata": change})
    root.merge(resource, found, {"metadata": {"finalizers": None}})

    assert answer.status == 200, answer.message
    assert changer(answer.body) == DAVE.username


@both
@pytest.mark.parametrize("name", [ALICE.username, ADMIN.username, "", None], ids=["another", "own", "nobody", "away"])
def test_nobody_puts_another_name_there(resource: Resource, name: str | None, store: Store, root: Api) -> None:
    """What a tool copied may be stale, so it is put right and not refused."""
    answer = root.merge(resource, store(resource), {"metadata": {"annotations": {ANNOTATION: name}}})

    assert answer.status == 200, answer.message
    assert changer(answer.body) == DAVE.username


@both
def test_a_copy_of_an_object_with_its_annotation_can_be_applied_by_others(
    resource: Resource, dave: Api, root: Api, namespace: str
) -> None:
    """Somebody kept `kubectl get -o yaml` in Git, annotation and all."""
    found = dave.apply(resource, named(resource, namespace), namespace).body
    kept = with_field(named(resource, namespace), "metadata.annotations", found["metadata"]["annotations"])
    later = {**kept, "spec": kept["spec"] | ALTERED[resource]}

    unchanged = root.apply(resource, kept, namespace)
    changed = root.apply(resource, later, namespace)
    again = root.apply(resource, later, namespace)
    root.delete(resource, found)

    assert [answer.status for answer in (unchanged, changed, again)] == [200, 200, 200], changed.message
    assert [changer(answer.body) for answer in (unchanged, changed, again)] == [
        DAVE.username,
        ADMIN.username,
        ADMIN.username,
    ]
    assert again.body["metadata"]["resourceVersion"] == changed.body["metadata"]["resourceVersion"]


@both
def test_an_object_can_be_made_of_a_copy(resource: Resource, dave: Api, root: Api, namespace: str) -> None:
    body = with_field(named(resource, namespace), "metadata.annotations", {ANNOTATION: ALICE.username, "a": "b"})

    made = dave.made(resource, body, namespace)
    root.delete(resource, made)

    assert made["metadata"]["annotations"] == {ANNOTATION: DAVE.username, "a": "b"}


def test_what_the_operator_finds_out_changes_nothing(store: Store, callers: As) -> None:
    found = store(ACCESS_TARGETS)

    answer = callers(OPERATOR).merge(ACCESS_TARGETS, found, {"status": {"conditions": []}}, "status")

    assert answer.status == 200, answer.message
    assert changer(answer.body) == DAVE.username
