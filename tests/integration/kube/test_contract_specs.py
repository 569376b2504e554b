"""Specs that never change, statuses that are written apart, generations that count; real and simulated alike."""

import pytest

from jitgress.kube.errors import InvalidObjectError
from jitgress.kube.resources import (
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    CONFIG_MAPS,
    INGRESSES,
    LEASES,
    Resource,
)
from tests.integration.kube.contract import (
    Cluster,
    a_request_spec,
    a_review_spec,
    a_target_spec,
    an_ingress_spec,
    version,
)


@pytest.mark.parametrize(
    ("resource", "spec", "changed"),
    [
        (ACCESS_REQUESTS, a_request_spec(), a_request_spec("another reason")),
        (ACCESS_REVIEWS, a_review_spec(), a_review_spec("another comment")),
    ],
    ids=["request", "review"],
)
async def test_what_was_said_once_is_never_changed(
    cluster: Cluster, resource: Resource, spec: object, changed: object
) -> None:
    said = await cluster.api.create(resource, cluster.a(resource, spec=spec))
    with pytest.raises(InvalidObjectError):
        await cluster.api.replace(resource, {**said, "spec": changed})
    with pytest.raises(InvalidObjectError):
        await cluster.api.apply(resource, cluster.a(resource, spec=changed))
    assert await cluster.get(resource) == said


async def test_labels_of_what_never_changes_can_be_changed(cluster: Cluster) -> None:
    said = await cluster.api.create(ACCESS_REQUESTS, cluster.a(ACCESS_REQUESTS, spec=a_request_spec()))
    labelled = {**said, "metadata": {**said["metadata"], "labels": {"a": "b"}}}
    assert (await cluster.api.replace(ACCESS_REQUESTS, labelled))["metadata"]["labels"] == {"a": "b"}


async def test_a_status_is_not_written_with_the_object(cluster: Cluster) -> None:
    body = cluster.a(ACCESS_TARGETS, spec=a_target_spec(), status={"address": "127.0.0.1:1"})
    created = await cluster.api.create(ACCESS_TARGETS, body)
    known = await cluster.api.apply_status(ACCESS_TARGETS, "one", cluster.namespace, {"address": "127.0.0.1:2"})
    replaced = await cluster.api.replace(ACCESS_TARGETS, {**known, "status": {"address": "127.0.0.1:3"}})
    applied = await cluster.api.apply(ACCESS_TARGETS, body)
    assert "status" not in created
    assert [each["status"] for each in (known, replaced, applied)] == [{"address": "127.0.0.1:2"}] * 3


async def test_a_policys_status_is_written_apart_from_its_spec(cluster: Cluster) -> None:
    group = [{"kind": "Group", "name": "nobody"}]
    spec = {
        "priority": 1,
        "subjects": group,
        "targets": {"namespaces": [cluster.namespace]},
        "maxDurationSeconds": 60,
        "approval": {"required": 1, "approvers": group, "timeoutSeconds": 60},
    }
    name = cluster.namespace
    status = {"observedGeneration": 1}
    created = await cluster.api.create(ACCESS_POLICIES, cluster.a(ACCESS_POLICIES, name, spec=spec, status=status))
    told = await cluster.api.apply_status(ACCESS_POLICIES, name, None, status)
    await cluster.api.delete(ACCESS_POLICIES, name)

    assert "namespace" not in created["metadata"]
    assert "status" not in created
    assert told["status"] == status
    assert told["metadata"]["generation"] == created["metadata"]["generation"]


@pytest.mark.parametrize(
    ("resource", "spec", "other"),
    [
        (ACCESS_TARGETS, a_target_spec(), a_target_spec("other.example.test")),
        (INGRESSES, an_ingress_spec(), an_ingress_spec("other.example.test")),
    ],
    ids=["target", "ingress"],
)
async def test_the_generation_counts_what_is_wanted_and_nothing_else(
    cluster: Cluster, resource: Resource, spec: object, other: object
) -> None:
    created = await cluster.api.create(resource, cluster.a(resource, spec=spec))
    labelled = await cluster.api.replace(
        resource, {**created, "metadata": {**created["metadata"], "labels": {"a": "b"}}}
    )
    status = (
        {"address": "127.0.0.1:1"} if resource is ACCESS_TARGETS else {"loadBalancer": {"ingress": [{"ip": "::1"}]}}
    )
    observed = await cluster.api.apply_status(resource, "one", cluster.namespace, status)
    wanted = await cluster.api.replace(resource, {**observed, "spec": other})
    steps = (created, labelled, observed, wanted)
    assert [each["metadata"]["generation"] for each in steps] == [1, 1, 1, 2]
    assert sorted({version(each) for each in steps}) == [version(each) for each in steps]


@pytest.mark.parametrize("resource", [CONFIG_MAPS, LEASES], ids=["config map", "lease"])
async def test_these_have_no_generation(cluster: Cluster, resource: Resource) -> None:
    assert "generation" not in (await cluster.api.create(resource, cluster.a(resource)))["metadata"]
