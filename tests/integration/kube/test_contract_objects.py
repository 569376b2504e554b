"""Creating, reading, replacing and deleting objects: what the real API server does, the simulated one does alike."""

import pytest

from jitgress.kube.errors import AlreadyExistsError, ConflictError, InvalidObjectError, KubeError, NotFoundError
from jitgress.kube.resources import (
    ACCESS_TARGETS,
    CONFIG_MAPS,
    LEASES,
    SECRETS,
    Resource,
)
from tests.integration.kube.contract import (
    UNSERVED,
    Cluster,
    a_target_spec,
    version,
)

NO_UID = "00000000-0000-4000-8000-00000000000f"


async def test_what_was_created_is_what_is_read(cluster: Cluster) -> None:
    created = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    assert await cluster.get(CONFIG_MAPS) == created
    assert await cluster.api.find(CONFIG_MAPS, "one", cluster.namespace) == created


async def test_the_server_says_who_an_object_is_and_since_when(cluster: Cluster) -> None:
    created = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, metadata={"uid": NO_UID, "generation": 7}))
    metadata = created["metadata"]
    assert (created["apiVersion"], created["kind"]) == ("v1", "ConfigMap")
    assert metadata["uid"] != NO_UID
    assert metadata["creationTimestamp"].endswith("Z")
    assert version(created) > 0


async def test_nothing_is_created_over_another_object(cluster: Cluster) -> None:
    first = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    with pytest.raises(AlreadyExistsError):
        await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "2"}))
    assert await cluster.get(CONFIG_MAPS) == first


async def test_the_same_name_is_another_object_in_another_namespace_or_of_another_kind(cluster: Cluster) -> None:
    made = [
        await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS)),
        await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, namespace=cluster.elsewhere)),
        await cluster.api.create(SECRETS, cluster.a(SECRETS)),
    ]
    assert len({each["metadata"]["uid"] for each in made}) == len(made)


async def test_the_server_finds_a_name_that_begins_as_asked(cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    names = [
        (await cluster.api.create(CONFIG_MAPS, body, cluster.namespace))["metadata"]["name"] for _ in ("one", "two")
    ]
    assert [name.startswith("made-") for name in names] == [True, True]
    assert sorted(names) == await cluster.names(CONFIG_MAPS)
    assert len(set(names)) == len(names)


async def test_an_object_without_a_name_is_refused(cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    with pytest.raises(InvalidObjectError):
        await cluster.api.create(CONFIG_MAPS, body, cluster.namespace)


async def test_an_object_is_not_created_at_a_version(cluster: Cluster) -> None:
    with pytest.raises(KubeError) as refused:
        await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, metadata={"resourceVersion": "5"}))
    assert refused.value.status == 500
    assert await cluster.names(CONFIG_MAPS) == []


async def test_what_is_not_there_is_not_found(cluster: Cluster) -> None:
    target = await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, "other", spec=a_target_spec()))
    for attempt in (
        cluster.api.get(ACCESS_TARGETS, "one", cluster.namespace),
        cluster.api.get(ACCESS_TARGETS, "other", cluster.elsewhere),
        cluster.api.delete(ACCESS_TARGETS, "one", cluster.namespace),
        cluster.api.replace(ACCESS_TARGETS, {**target, "metadata": {**target["metadata"], "name": "one"}}),
        cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, {}),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    assert await cluster.api.find(ACCESS_TARGETS, "one", cluster.namespace) is None


async def test_a_resource_that_is_not_served_is_not_found(cluster: Cluster) -> None:
    for attempt in (
        cluster.api.list_page(UNSERVED, None, limit=1, next_page=None),
        cluster.api.get(UNSERVED, "one", cluster.namespace),
        cluster.api.create(UNSERVED, cluster.a(UNSERVED)),
        cluster.api.apply(UNSERVED, cluster.a(UNSERVED)),
        anext(cluster.api.watch(UNSERVED, None, resource_version="1", timeout_s=1)),
    ):
        with pytest.raises(NotFoundError):
            await attempt


async def test_an_object_with_a_namespace_is_not_found_without_one(cluster: Cluster) -> None:
    body = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS))
    nowhere = {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "namespace"}}
    for attempt in (
        cluster.api.get(CONFIG_MAPS, "one"),
        cluster.api.delete(CONFIG_MAPS, "one"),
        cluster.api.replace(CONFIG_MAPS, nowhere),
        cluster.api.apply(CONFIG_MAPS, nowhere),
    ):
        with pytest.raises(NotFoundError):
            await attempt


async def test_an_object_with_a_namespace_is_not_created_without_one(cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    with pytest.raises(KubeError) as refused:
        await cluster.api.create(CONFIG_MAPS, body)
    assert refused.value.status == 405


async def test_an_old_version_replaces_nothing(cluster: Cluster) -> None:
    first = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    second = await cluster.api.replace(CONFIG_MAPS, {**first, "data": {"a": "2"}})
    with pytest.raises(ConflictError):
        await cluster.api.replace(CONFIG_MAPS, {**first, "data": {"a": "3"}})
    assert await cluster.get(CONFIG_MAPS) == second
    assert second["data"] == {"a": "2"}
    assert version(second) > version(first)


async def test_a_replacement_leaves_nothing_of_the_old_content(cluster: Cluster) -> None:
    first = await cluster.api.create(
        CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1", "b": "2"}, metadata={"labels": {"x": "y"}})
    )
    metadata = {key: value for key, value in first["metadata"].items() if key not in {"labels", "creationTimestamp"}}
    second = await cluster.api.replace(CONFIG_MAPS, {**first, "data": {"b": "2"}, "metadata": metadata})
    assert second["data"] == {"b": "2"}
    assert "labels" not in second["metadata"]
    assert [second["metadata"][each] for each in ("uid", "creationTimestamp")] == [
        first["metadata"][each] for each in ("uid", "creationTimestamp")
    ]


async def test_replacing_an_object_with_itself_changes_nothing(cluster: Cluster) -> None:
    first = await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    again = await cluster.api.replace(ACCESS_TARGETS, first)
    assert version(again) == version(first)


@pytest.mark.parametrize(
    ("resource", "spec"),
    [(ACCESS_TARGETS, a_target_spec()), (LEASES, {"holderIdentity": "a"})],
    ids=["target", "lease"],
)
async def test_these_are_only_replaced_at_a_version(cluster: Cluster, resource: Resource, spec: object) -> None:
    body = cluster.a(resource, spec=spec)
    await cluster.api.create(resource, body)
    with pytest.raises(InvalidObjectError):
        await cluster.api.replace(resource, body)


@pytest.mark.parametrize("resource", [CONFIG_MAPS, SECRETS], ids=["config map", "secret"])
async def test_these_are_replaced_without_a_version_as_well(cluster: Cluster, resource: Resource) -> None:
    await cluster.api.create(resource, cluster.a(resource, data={"a": "MQ=="}))
    await cluster.api.replace(resource, cluster.a(resource, data={"a": "Mg=="}))
    assert (await cluster.get(resource))["data"] == {"a": "Mg=="}


async def test_an_object_of_the_same_name_is_not_replaced(cluster: Cluster) -> None:
    first = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS))
    with pytest.raises(ConflictError):
        await cluster.api.replace(CONFIG_MAPS, {**first, "metadata": {**first["metadata"], "uid": NO_UID}})


async def test_a_lease_that_was_deleted_does_not_come_back_by_its_renewal(cluster: Cluster) -> None:
    held = await cluster.api.create(LEASES, cluster.a(LEASES, spec={"holderIdentity": "a"}))
    await cluster.api.delete(LEASES, "one", cluster.namespace)
    with pytest.raises(ConflictError):
        await cluster.api.replace(LEASES, held)
    assert await cluster.names(LEASES) == []


async def test_a_lease_is_made_by_a_replacement_that_names_no_earlier_one(cluster: Cluster) -> None:
    await cluster.api.replace(LEASES, cluster.a(LEASES, spec={"holderIdentity": "a"}))
    assert (await cluster.get(LEASES))["spec"] == {"holderIdentity": "a"}


async def test_only_the_very_object_is_deleted(cluster: Cluster) -> None:
    first = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS))
    await cluster.api.delete(CONFIG_MAPS, "one", cluster.namespace, uid=first["metadata"]["uid"])
    second = await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS))
    with pytest.raises(ConflictError):
        await cluster.api.delete(CONFIG_MAPS, "one", cluster.namespace, uid=first["metadata"]["uid"])
    assert await cluster.get(CONFIG_MAPS) == second


async def test_a_deleted_object_is_gone_at_once(cluster: Cluster) -> None:
    await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS))
    await cluster.api.delete(CONFIG_MAPS, "one", cluster.namespace)
    assert await cluster.names(CONFIG_MAPS) == []


async def test_a_finalizer_holds_a_deleted_object_until_it_is_taken_away(cluster: Cluster) -> None:
    body = cluster.a(ACCESS_TARGETS, spec=a_target_spec(), metadata={"finalizers": ["example.test/hold"]})
    created = await cluster.api.create(ACCESS_TARGETS, body)
    await cluster.api.delete(ACCESS_TARGETS, "one", cluster.namespace)
    held = await cluster.get(ACCESS_TARGETS)
    await cluster.api.replace(ACCESS_TARGETS, {**held, "metadata": {**held["metadata"], "finalizers": []}})
    assert "deletionTimestamp" not in created["metadata"]
    assert "deletionTimestamp" in held["metadata"]
    assert held["metadata"]["generation"] == created["metadata"]["generation"] + 1
    assert await cluster.names(ACCESS_TARGETS) == []
