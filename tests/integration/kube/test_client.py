"""What the client promises, by the real API server."""

import pytest

from jitgress.kube.client import KubeClient
from jitgress.kube.errors import AlreadyExistsError, ConflictError, NotFoundError
from jitgress.kube.resources import CONFIG_MAPS

pytestmark = pytest.mark.real


def a_config_map(namespace: str, name: str = "one", **data: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


async def test_what_was_created_is_there_once(admin: KubeClient, namespace: str) -> None:
    await admin.create(CONFIG_MAPS, a_config_map(namespace, a="1"), namespace)
    with pytest.raises(AlreadyExistsError):
        await admin.create(CONFIG_MAPS, a_config_map(namespace, a="2"), namespace)
    assert (await admin.get(CONFIG_MAPS, "one", namespace))["data"] == {"a": "1"}


async def test_an_old_version_replaces_nothing(admin: KubeClient, namespace: str) -> None:
    first = await admin.create(CONFIG_MAPS, a_config_map(namespace, a="1"), namespace)
    await admin.replace(CONFIG_MAPS, {**first, "data": {"a": "2"}})
    with pytest.raises(ConflictError):
        await admin.replace(CONFIG_MAPS, {**first, "data": {"a": "3"}})
    assert (await admin.get(CONFIG_MAPS, "one", namespace))["data"] == {"a": "2"}


async def test_only_the_object_that_was_meant_is_deleted(admin: KubeClient, namespace: str) -> None:
    first = await admin.create(CONFIG_MAPS, a_config_map(namespace), namespace)
    await admin.delete(CONFIG_MAPS, "one", namespace, uid=first["metadata"]["uid"])
    await admin.create(CONFIG_MAPS, a_config_map(namespace), namespace)
    with pytest.raises(ConflictError):
        await admin.delete(CONFIG_MAPS, "one", namespace, uid=first["metadata"]["uid"])
    await admin.delete(CONFIG_MAPS, "one", namespace)
    with pytest.raises(NotFoundError):
        await admin.delete(CONFIG_MAPS, "one", namespace)
