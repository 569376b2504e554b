"""Server-side apply: what is ours, what is others', and what is nobody's any more; real and simulated alike."""

from collections.abc import Iterable

import pytest

from jitgress.kube.client import Object
from jitgress.kube.errors import ConflictError
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_TARGETS, CONFIG_MAPS, INGRESSES, LEASES
from tests.integration.kube.contract import Cluster, a_condition, a_target_spec, an_ingress_spec, version


def with_data(found: Object, **data: str) -> Object:
    return {**found, "data": {**found.get("data", {}), **data}}


def an_owner(name: str) -> dict[str, str]:
    uid = f"00000000-0000-4000-8000-{sum(name.encode()):012d}"
    return {"apiVersion": ACCESS_GRANTS.api_version, "kind": ACCESS_GRANTS.kind, "name": name, "uid": uid}


def owners(found: Object) -> list[str]:
    return sorted(each["name"] for each in found["metadata"].get("ownerReferences", ()))


async def test_what_is_not_there_is_made(cluster: Cluster) -> None:
    applied = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    assert await cluster.get(CONFIG_MAPS) == applied
    assert applied["data"] == {"a": "1"}


async def test_the_same_again_changes_nothing(cluster: Cluster) -> None:
    body = cluster.a(INGRESSES, spec=an_ingress_spec(), metadata={"labels": {"a": "b"}})
    first = await cluster.api.apply(INGRESSES, body)
    again = await cluster.api.apply(INGRESSES, body)
    assert version(again) == version(first)
    assert again["metadata"]["generation"] == 1


async def test_what_we_say_no_more_goes_and_what_others_say_stays(cluster: Cluster) -> None:
    ours = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1", "b": "2"}))
    await cluster.api.replace(CONFIG_MAPS, with_data(ours, theirs="3"))
    applied = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"b": "2"}))
    assert applied["data"] == {"b": "2", "theirs": "3"}


async def test_labels_and_annotations_are_shared_with_others(cluster: Cluster) -> None:
    ours = await cluster.api.apply(
        INGRESSES, cluster.a(INGRESSES, spec=an_ingress_spec(), metadata={"labels": {"ours": "1", "old": "2"}})
    )
    metadata = {**ours["metadata"], "labels": {**ours["metadata"]["labels"], "theirs": "3"}}
    await cluster.api.replace(INGRESSES, {**ours, "metadata": metadata})
    applied = await cluster.api.apply(
        INGRESSES, cluster.a(INGRESSES, spec=an_ingress_spec(), metadata={"labels": {"ours": "1"}})
    )
    assert applied["metadata"]["labels"] == {"ours": "1", "theirs": "3"}


async def test_what_others_changed_is_taken_back_by_force(cluster: Cluster) -> None:
    body = cluster.a(CONFIG_MAPS, data={"a": "1"})
    ours = await cluster.api.apply(CONFIG_MAPS, body)
    await cluster.api.replace(CONFIG_MAPS, with_data(ours, a="theirs"))
    applied = await cluster.api.apply(CONFIG_MAPS, body, force=True)
    assert applied["data"] == {"a": "1"}


async def test_what_others_changed_is_a_conflict_without_force(cluster: Cluster) -> None:
    body = cluster.a(CONFIG_MAPS, data={"a": "1"})
    ours = await cluster.api.apply(CONFIG_MAPS, body)
    theirs = await cluster.api.replace(CONFIG_MAPS, with_data(ours, a="theirs"))
    with pytest.raises(ConflictError):
        await cluster.api.apply(CONFIG_MAPS, body, force=False)
    assert await cluster.get(CONFIG_MAPS) == theirs


async def test_a_change_of_our_own_is_no_conflict(cluster: Cluster) -> None:
    await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    applied = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "2", "b": "3"}), force=False)
    assert applied["data"] == {"a": "2", "b": "3"}


async def test_what_others_said_before_us_is_a_conflict_only_where_we_differ(cluster: Cluster) -> None:
    await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1", "b": "2"}))
    agreed = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}), force=False)
    with pytest.raises(ConflictError):
        await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1", "b": "3"}), force=False)
    assert agreed["data"] == {"a": "1", "b": "2"}


async def test_what_others_said_before_us_stays_when_we_say_it_no_more(cluster: Cluster) -> None:
    await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1", "b": "2"}))
    applied = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"b": "2"}))
    assert applied["data"] == {"a": "1", "b": "2"}


async def test_what_we_shared_with_others_can_be_changed_only_by_force(cluster: Cluster) -> None:
    await cluster.api.create(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "1"}))
    with pytest.raises(ConflictError):
        await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "2"}), force=False)
    await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"a": "2"}), force=True)
    applied = await cluster.api.apply(CONFIG_MAPS, cluster.a(CONFIG_MAPS, data={"b": "3"}))
    assert applied["data"] == {"b": "3"}


async def test_what_others_took_away_comes_back(cluster: Cluster) -> None:
    body = cluster.a(CONFIG_MAPS, data={"a": "1", "b": "2"})
    ours = await cluster.api.apply(CONFIG_MAPS, body)
    await cluster.api.replace(CONFIG_MAPS, {**ours, "data": {"b": "2"}})
    applied = await cluster.api.apply(CONFIG_MAPS, body, force=False)
    assert applied["data"] == {"a": "1", "b": "2"}


async def test_a_list_without_keys_is_ours_as_a_whole(cluster: Cluster) -> None:
    ours = await cluster.api.apply(INGRESSES, cluster.a(INGRESSES, spec=an_ingress_spec()))
    rules = an_ingress_spec("theirs.example.test")["rules"]
    await cluster.api.replace(INGRESSES, {**ours, "spec": {"rules": [*ours["spec"]["rules"], *rules]}})
    applied = await cluster.api.apply(INGRESSES, cluster.a(INGRESSES, spec=an_ingress_spec()))
    assert applied["spec"] == an_ingress_spec()


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (["a"], ["a"], ["a", "theirs"]),
        (["a"], ["b"], ["b", "theirs"]),
        (["a", "b"], ["b"], ["b", "theirs"]),
        (["a"], [], ["theirs"]),
    ],
    ids=["the same", "another", "one less", "none"],
)
async def test_owners_are_merged_with_those_that_others_named(
    cluster: Cluster, before: Iterable[str], after: Iterable[str], left: list[str]
) -> None:
    def body(names: Iterable[str]) -> Object:
        return cluster.a(CONFIG_MAPS, metadata={"ownerReferences": [an_owner(name) for name in names]})

    ours = await cluster.api.apply(CONFIG_MAPS, body(before))
    theirs = [*ours["metadata"]["ownerReferences"], an_owner("theirs")]
    await cluster.api.replace(CONFIG_MAPS, {**ours, "metadata": {**ours["metadata"], "ownerReferences": theirs}})
    assert owners(await cluster.api.apply(CONFIG_MAPS, body(after))) == left


async def test_a_gates_lease_keeps_what_is_said_and_loses_what_is_not(cluster: Cluster) -> None:
    said = {"labels": {"jitgress.dev/component": "gate"}, "annotations": {"jitgress.dev/at": "5"}}
    await cluster.api.apply(LEASES, cluster.a(LEASES, metadata=said, spec={"holderIdentity": "1"}))
    less = {"labels": said["labels"]}
    applied = await cluster.api.apply(LEASES, cluster.a(LEASES, metadata=less, spec={"leaseDurationSeconds": 9}))
    assert applied["spec"] == {"leaseDurationSeconds": 9}
    assert applied["metadata"]["labels"] == said["labels"]
    assert "annotations" not in applied["metadata"]


async def test_a_status_is_applied_whole(cluster: Cluster) -> None:
    created = await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    first = {"observedGeneration": 1, "address": "127.0.0.1:1", "conditions": [a_condition("Ready")]}
    await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, first)
    second = {"observedGeneration": 1, "conditions": [a_condition("Ready", "False"), a_condition("Other")]}
    applied = await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, second)
    assert applied["status"] == second
    assert applied["spec"] == created["spec"]


async def test_a_condition_that_we_say_no_more_goes(cluster: Cluster) -> None:
    await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    both = {"conditions": [a_condition("Ready"), a_condition("Other")]}
    await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, both)
    applied = await cluster.api.apply_status(
        ACCESS_TARGETS, "one", cluster.namespace, {"conditions": [a_condition("Other")]}
    )
    assert applied["status"] == {"conditions": [a_condition("Other")]}


async def test_the_same_status_again_changes_nothing(cluster: Cluster) -> None:
    await cluster.api.create(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    status = {"conditions": [a_condition("Ready")]}
    first = await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, status)
    again = await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, status)
    assert version(again) == version(first)


async def test_the_object_and_its_status_are_applied_apart(cluster: Cluster) -> None:
    await cluster.api.apply(
        ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec(), metadata={"labels": {"a": "b"}})
    )
    await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, {"address": "127.0.0.1:1"})
    applied = await cluster.api.apply(ACCESS_TARGETS, cluster.a(ACCESS_TARGETS, spec=a_target_spec()))
    assert "labels" not in applied["metadata"]
    assert applied["status"] == {"address": "127.0.0.1:1"}
