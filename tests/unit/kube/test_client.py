"""What goes over the wire, and what each answer means. A proxy, a cut or an expired token may come in between."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from lightkube.core.exceptions import ConfigError

from jitgress.kube.client import KubeClient, KubeconfigError
from jitgress.kube.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidObjectError,
    KubeError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from jitgress.kube.resources import ACCESS_GRANTS, CONFIG_MAPS

ITEM = {"metadata": {"name": "one", "namespace": "shop", "uid": "u", "resourceVersion": "7"}}


class ApiServer:
    """Answers everything alike, and keeps what it was asked."""

    def __init__(self, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.asked: list[httpx2.Request] = []
        self._answer = answer

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return self._answer(request)

    def client(self) -> KubeClient:
        return KubeClient(httpx2.AsyncClient(transport=httpx2.MockTransport(self), base_url="https://api.example"))


def answering(status: int = 200, body: Any = None, *, raw: bytes | None = None) -> ApiServer:
    content = json.dumps(body).encode() if raw is None else raw
    return ApiServer(lambda _: httpx2.Response(status, content=content))


def failing(error: Exception) -> ApiServer:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    return ApiServer(fail)


def a_status(code: int, reason: str, message: str = "because") -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (401, "Unauthorized", UnauthorizedError),
        (403, "Forbidden", ForbiddenError),
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (410, "Gone", GoneError),
        (410, "Expired", GoneError),
        (422, "Invalid", InvalidObjectError),
        (429, "TooManyRequests", KubeError),
        (500, "InternalError", KubeError),
        (503, "ServiceUnavailable", KubeError),
    ],
)
async def test_a_status_means_an_error_with_the_servers_words(status: int, reason: str, kind: type[KubeError]) -> None:
    client = answering(status, a_status(status, reason, "the server's words")).client()
    with pytest.raises(KubeError) as caught:
        await client.get(CONFIG_MAPS, "one", "shop")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.message) == (status, "the server's words")
    assert caught.value.remedy


@pytest.mark.parametrize("raw", [b"", b"<html>502</html>", b"null", b"[1]", b'"text"', b"\xff\xfe"], ids=repr)
async def test_an_error_without_a_status_of_kubernetes_keeps_its_number(raw: bytes) -> None:
    with pytest.raises(KubeError) as caught:
        await answering(502, raw=raw).client().get(CONFIG_MAPS, "one", "shop")
    assert caught.value.status == 502
    assert "502" in caught.value.message


@pytest.mark.parametrize("raw", [b"", b"<html>Sign in</html>", b"null", b"[]", b'{"kind": "Conf', b"\xff"], ids=repr)
async def test_an_answer_that_isnt_kubernetes_counts_as_none(raw: bytes) -> None:
    client = answering(raw=raw).client()
    with pytest.raises(UnreachableError):
        await client.get(CONFIG_MAPS, "one", "shop")
    with pytest.raises(UnreachableError):
        await client.list_page(CONFIG_MAPS, None, limit=1, next_page=None)


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"metadata": {}}, {"items": []}], ids=str)
async def test_a_list_without_a_version_counts_as_none(body: dict[str, Any]) -> None:
    with pytest.raises(UnreachableError):
        await answering(body=body).client().list_page(CONFIG_MAPS, None, limit=1, next_page=None)


@pytest.mark.parametrize(
    "error",
    [
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        httpx2.ReadTimeout("silent"),
        httpx2.RemoteProtocolError("broke off"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_no_answer_is_told_as_unreachable_without_the_details_of_the_connection(error: Exception) -> None:
    with pytest.raises(UnreachableError) as caught:
        await failing(error).client().find(CONFIG_MAPS, "one", "shop")
    assert type(error).__name__ in caught.value.message
    assert caught.value.status is None


async def test_nothing_to_sign_in_with_is_an_error_that_is_tried_again() -> None:
    with pytest.raises(UnauthorizedError):
        await failing(ConfigError("Token file /token not found")).client().get(CONFIG_MAPS, "one", "shop")


async def test_what_isnt_there_is_found_as_none() -> None:
    assert await answering(404, a_status(404, "NotFound")).client().find(CONFIG_MAPS, "one", "shop") is None


async def test_only_absence_is_none() -> None:
    with pytest.raises(ForbiddenError):
        await answering(403, a_status(403, "Forbidden")).client().find(CONFIG_MAPS, "one", "shop")


async def test_a_page_says_what_its_items_are_and_how_to_go_on() -> None:
    server = answering(body={"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [ITEM]})
    page = await server.client().list_page(CONFIG_MAPS, "shop", limit=1, next_page="before", name="one")
    assert (page.resource_version, page.next) == ("9", "more")
    assert page.items == [{"apiVersion": "v1", "kind": "ConfigMap", **ITEM}]
    assert dict(server.asked[0].url.params) == {
        "limit": "1",
        "continue": "before",
        "fieldSelector": "metadata.name=one",
    }


@pytest.mark.parametrize("items", [{}, {"items": None}, {"items": []}], ids=str)
async def test_an_empty_collection_is_an_empty_last_page(items: dict[str, Any]) -> None:
    body = {"metadata": {"resourceVersion": "9", "continue": ""}, **items}
    page = await answering(body=body).client().list_page(CONFIG_MAPS, None, limit=500, next_page=None)
    assert (list(page.items), page.next) == ([], None)


async def test_a_brief_list_asks_for_metadata_alone() -> None:
    server = answering(body={"metadata": {"resourceVersion": "9"}})
    await server.client().list_page(CONFIG_MAPS, None, limit=1, next_page=None, is_brief=True)
    assert "as=PartialObjectMetadataList" in server.asked[0].headers["Accept"]


async def test_an_object_is_applied_as_us_and_only_by_force_over_others() -> None:
    server = answering(body=ITEM)
    await server.client().apply(CONFIG_MAPS, ITEM)
    await server.client().apply(CONFIG_MAPS, ITEM, force=False)
    assert [request.url.params["force"] for request in server.asked] == ["true", "false"]
    assert {request.url.params["fieldManager"] for request in server.asked} == {"jitgress"}
    assert {request.headers["Content-Type"] for request in server.asked} == {"application/apply-patch+yaml"}


async def test_a_status_is_applied_to_the_subresource_of_the_named_object() -> None:
    server = answering(body=ITEM)
    await server.client().apply_status(ACCESS_GRANTS, "one", "jitgress-system", {"ready": True})
    (request,) = server.asked
    assert request.url.path.endswith("/namespaces/jitgress-system/accessgrants/one/status")
    assert json.loads(request.content)["metadata"] == {"name": "one", "namespace": "jitgress-system"}


@pytest.mark.parametrize(("uid", "sent"), [(None, None), ("u", {"preconditions": {"uid": "u"}})], ids=["any", "one"])
async def test_a_deletion_names_the_uid_that_was_meant(uid: str | None, sent: dict[str, Any] | None) -> None:
    server = answering(body=a_status(200, ""))
    await server.client().delete(CONFIG_MAPS, "one", "shop", uid=uid)
    content = server.asked[0].content
    assert (json.loads(content) if content else None) == sent


async def test_an_object_is_created_where_it_says_it_belongs() -> None:
    server = answering(201, ITEM)
    await server.client().create(CONFIG_MAPS, ITEM)
    assert server.asked[0].url.path == "/api/v1/namespaces/shop/configmaps"


def test_a_kubeconfig_that_isnt_there_is_told_with_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(KubeconfigError) as caught:
        KubeClient.connect(tmp_path / "absent")
    assert "--kubeconfig" in caught.value.remedy
