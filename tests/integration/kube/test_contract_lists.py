"""Lists in pages: complete, of one moment, and as narrow as asked; real and simulated alike."""

from collections.abc import Sequence
from typing import Any

import pytest

from jitgress.kube.client import Object, Page
from jitgress.kube.resources import ACCESS_TARGETS, CONFIG_MAPS, Resource
from tests.integration.kube.contract import Cluster, a_target_spec, version

NAMES = ["a", "b", "c", "d", "e"]
SPECS: dict[Resource, dict[str, Any]] = {CONFIG_MAPS: {"data": {"x": "1"}}, ACCESS_TARGETS: {"spec": a_target_spec()}}


@pytest.fixture(params=list(SPECS), ids=["config map", "target"])
def resource(request: pytest.FixtureRequest) -> Resource:
    assert isinstance(request.param, Resource)
    return request.param


async def create(cluster: Cluster, resource: Resource, names: Sequence[str]) -> list[Object]:
    return [await cluster.api.create(resource, cluster.a(resource, name, **SPECS[resource])) for name in names]


def names_on(page: Page) -> list[str]:
    return [each["metadata"]["name"] for each in page.items]


async def test_an_empty_list_has_a_version_and_no_more_pages(cluster: Cluster, resource: Resource) -> None:
    page = await cluster.api.list_page(resource, cluster.namespace, limit=2, next_page=None)
    assert (list(page.items), page.next) == ([], None)
    assert int(page.resource_version) > 0


async def test_a_list_holds_the_objects_as_they_are_read(cluster: Cluster, resource: Resource) -> None:
    created = await create(cluster, resource, NAMES[:2])
    page = await cluster.api.list_page(resource, cluster.namespace, limit=500, next_page=None)
    assert list(page.items) == created
    assert int(page.resource_version) >= version(created[-1])


async def test_pages_hold_every_object_once_in_the_order_of_their_names(cluster: Cluster, resource: Resource) -> None:
    await create(cluster, resource, ["c", "a", "e", "b", "d"])
    seen: list[list[str]] = []
    next_page: str | None = None
    while not seen or next_page is not None:
        page = await cluster.api.list_page(resource, cluster.namespace, limit=2, next_page=next_page)
        seen.append(names_on(page))
        next_page = page.next
    assert seen == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_last_page_that_is_full_is_the_last(cluster: Cluster, resource: Resource) -> None:
    await create(cluster, resource, NAMES[:4])
    first = await cluster.api.list_page(resource, cluster.namespace, limit=2, next_page=None)
    second = await cluster.api.list_page(resource, cluster.namespace, limit=2, next_page=first.next)
    assert (names_on(second), second.next) == (["c", "d"], None)


async def test_all_pages_tell_of_one_moment(cluster: Cluster, resource: Resource) -> None:
    _, _, changed, deleted, _ = await create(cluster, resource, NAMES)
    first = await cluster.api.list_page(resource, cluster.namespace, limit=2, next_page=None)
    labels = {"labels": {"new": "1"}}
    await cluster.api.replace(resource, {**changed, "metadata": {**changed["metadata"], **labels}})
    await cluster.api.delete(resource, deleted["metadata"]["name"], cluster.namespace)
    await create(cluster, resource, ["f"])
    second = await cluster.api.list_page(resource, cluster.namespace, limit=9, next_page=first.next)
    assert second.resource_version == first.resource_version
    assert list(second.items)[:2] == [changed, deleted]
    assert names_on(second) == ["c", "d", "e"]


async def test_a_list_after_a_change_is_newer_than_it(cluster: Cluster, resource: Resource) -> None:
    for name in NAMES:
        (created,) = await create(cluster, resource, [name])
        page = await cluster.api.list_page(resource, cluster.namespace, limit=500, next_page=None)
        assert int(page.resource_version) >= version(created)
        assert names_on(page)[-1] == name


async def test_a_brief_list_has_names_and_versions_alone(cluster: Cluster, resource: Resource) -> None:
    (created,) = await create(cluster, resource, ["a"])
    page = await cluster.api.list_page(resource, cluster.namespace, limit=500, next_page=None, is_brief=True)
    (brief,) = page.items
    assert brief.keys() == {"apiVersion", "kind", "metadata"}
    assert (brief["metadata"]["uid"], version(brief)) == (created["metadata"]["uid"], version(created))


async def test_a_list_of_one_name_holds_that_one(cluster: Cluster, resource: Resource) -> None:
    await create(cluster, resource, ["a", "ab", "b"])
    page = await cluster.api.list_page(resource, cluster.namespace, limit=500, next_page=None, name="a")
    absent = await cluster.api.list_page(resource, cluster.namespace, limit=500, next_page=None, name="z")
    assert (names_on(page), names_on(absent)) == (["a"], [])


async def test_a_list_of_all_namespaces_holds_them_in_order(cluster: Cluster, resource: Resource) -> None:
    for namespace in (cluster.elsewhere, cluster.namespace):
        await cluster.api.create(resource, cluster.a(resource, namespace=namespace, **SPECS[resource]))
    page = await cluster.api.list_page(resource, None, limit=5000, next_page=None)
    places = [each["metadata"]["namespace"] for each in page.items]
    assert [each for each in places if each in {cluster.namespace, cluster.elsewhere}] == [
        cluster.namespace,
        cluster.elsewhere,
    ]
