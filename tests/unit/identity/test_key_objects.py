"""The keys' Secret and ConfigMap as they go over the wire, with the real client and a small API server behind it."""

import json
from typing import Any

import httpx2
import pytest

from jitgress.identity.errors import KeysUnreadableError
from jitgress.identity.keeper import DocumentConflictError, DocumentKind
from jitgress.identity.key_objects import KeyObjects
from jitgress.kube.client import KubeClient
from jitgress.kube.errors import ForbiddenError

ROOT = "/api/v1/namespaces/jitgress-system"


class ApiServer:
    """Keeps objects by path, with resourceVersions and the answers that Kubernetes gives."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.is_forbidden = False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if self.is_forbidden:
            return self._status(403, "Forbidden")
        if request.method == "GET":
            return (
                httpx2.Response(200, json=self.objects[path]) if path in self.objects else self._status(404, "NotFound")
            )
        body = json.loads(request.content)
        version = body["metadata"].pop("resourceVersion", None)
        if request.method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                return self._status(409, "AlreadyExists")
        elif path not in self.objects:
            return self._status(404, "NotFound")
        elif self.objects[path]["metadata"]["resourceVersion"] != version:
            return self._status(409, "Conflict")
        body["metadata"]["resourceVersion"] = str(int(version or "0") + 1)
        self.objects[path] = body
        return httpx2.Response(200, json=body)

    @staticmethod
    def _status(code: int, reason: str) -> httpx2.Response:
        return httpx2.Response(code, json={"kind": "Status", "code": code, "reason": reason, "message": reason})


@pytest.fixture
def api_server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def objects(api_server: ApiServer) -> KeyObjects:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(api_server), base_url="https://api.example")
    return KeyObjects(KubeClient(http), "jitgress-system")


@pytest.mark.parametrize("kind", DocumentKind)
async def test_what_was_written_reads_back_and_versions_are_kept(objects: KeyObjects, kind: DocumentKind) -> None:
    assert await objects.read(kind, "keys") is None
    await objects.create(kind, "keys", {"jwks.json": "{}"})
    first = await objects.read(kind, "keys")
    assert first is not None
    assert first.data == {"jwks.json": "{}"}
    await objects.replace(kind, "keys", {"jwks.json": "[]"}, first.version)
    with pytest.raises(DocumentConflictError):
        await objects.replace(kind, "keys", {"jwks.json": "late"}, first.version)
    with pytest.raises(DocumentConflictError):
        await objects.create(kind, "keys", {})
    second = await objects.read(kind, "keys")
    assert second is not None
    assert second.data == {"jwks.json": "[]"}


async def test_the_private_half_goes_into_a_secret_and_the_objects_are_ours(
    objects: KeyObjects, api_server: ApiServer
) -> None:
    await objects.create(DocumentKind.SECRET, "keys", {"jwks.json": "{}"})
    stored = api_server.objects[f"{ROOT}/secrets/keys"]
    assert (stored["kind"], stored["data"]) == ("Secret", {"jwks.json": "e30="})
    assert stored["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "jitgress"}


async def test_an_object_deleted_in_between_is_a_conflict(objects: KeyObjects) -> None:
    with pytest.raises(DocumentConflictError):
        await objects.replace(DocumentKind.SECRET, "keys", {}, "1")


@pytest.mark.parametrize("value", ["%%%", "/w=="])
async def test_a_secret_that_holds_no_text_is_unreadable_and_not_quoted(
    objects: KeyObjects, api_server: ApiServer, value: str
) -> None:
    await objects.create(DocumentKind.SECRET, "keys", {"jwks.json": "x"})
    api_server.objects[f"{ROOT}/secrets/keys"]["data"]["jwks.json"] = value
    with pytest.raises(KeysUnreadableError) as caught:
        await objects.read(DocumentKind.SECRET, "keys")
    assert caught.value.__context__ is None


async def test_other_refusals_are_told_as_they_are(objects: KeyObjects, api_server: ApiServer) -> None:
    api_server.is_forbidden = True
    with pytest.raises(ForbiddenError):
        await objects.read(DocumentKind.SECRET, "keys")
