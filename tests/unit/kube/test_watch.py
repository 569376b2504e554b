"""A watch over HTTP: lines of JSON that may be cut anywhere, and a reflector that must outlive them all."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from jitgress.kube.client import KubeClient
from jitgress.kube.errors import ForbiddenError, GoneError, KubeError, UnauthorizedError, UnreachableError
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import CONFIG_MAPS
from tests.simulators.virtual_time import VirtualClock


def an_object(version: int, value: str = "") -> dict[str, Any]:
    metadata = {"name": "one", "namespace": "shop", "uid": "u", "resourceVersion": str(version)}
    return {"metadata": metadata, "data": {"value": value}}


def a_line(kind: str, found: dict[str, Any]) -> bytes:
    """Return an event as the API server sends it: everything above U+001F stands for itself."""
    return json.dumps({"type": kind, "object": found}, ensure_ascii=False).encode() + b"\n"


class Chunks(httpx2.AsyncByteStream):
    """What arrives, piece by piece; then nothing any more, or an error."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self._chunks = chunks
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._error is not None:
            raise self._error


def client_of(*answers: httpx2.Response) -> KubeClient:
    """Return a client whose requests get `answers`, one after the other."""
    left = list(answers)
    transport = httpx2.MockTransport(lambda _: left.pop(0))
    return KubeClient(httpx2.AsyncClient(transport=transport, base_url="https://api.example"))


async def events_of(*chunks: bytes, error: Exception | None = None) -> list[Any]:
    client = client_of(httpx2.Response(200, stream=Chunks(*chunks, error=error)))
    return [event async for event in client.watch(CONFIG_MAPS, "shop", resource_version="1", timeout_s=300)]


async def test_events_are_whole_wherever_the_network_cuts_them() -> None:
    text = a_line("ADDED", an_object(2, "ä")) + a_line("DELETED", an_object(3, "ö"))
    expected = await events_of(text)
    for size in range(1, 20):
        assert await events_of(*(text[at : at + size] for at in range(0, len(text), size))) == expected
    assert [event["type"] for event in expected] == ["ADDED", "DELETED"]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x7f", "\r\n", "\x1e"], ids=ascii)
async def test_no_character_in_somebodys_text_ends_an_event(separator: str) -> None:
    (event,) = await events_of(a_line("ADDED", an_object(2, f"a{separator}b")))
    assert event["object"]["data"]["value"] == f"a{separator}b"


@pytest.mark.parametrize(
    "garbage",
    [
        a_line("MODIFIED", an_object(3))[:-20],
        b"<html>502 Bad Gateway</html>\n",
        b"\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"type": "ADDED"}\n',
        b'{"type": "ADDED", "object": null}\n',
        b'{"type": "ADDED", "object": {}}\n',
        b'{"type": "BOOKMARK", "object": {"metadata": null}}\n',
    ],
    ids=ascii,
)
async def test_what_is_no_event_is_an_error_after_the_events_before_it(garbage: bytes) -> None:
    client = client_of(httpx2.Response(200, stream=Chunks(a_line("ADDED", an_object(2)), garbage)))
    events = client.watch(CONFIG_MAPS, "shop", resource_version="1", timeout_s=300)
    assert (await anext(events))["type"] == "ADDED"
    with pytest.raises(UnreachableError):
        await anext(events)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [(410, "Expired", GoneError), (410, "Gone", GoneError), (403, "Forbidden", ForbiddenError), (500, "", KubeError)],
)
async def test_an_error_in_the_stream_is_raised(code: int, reason: str, kind: type[KubeError]) -> None:
    with pytest.raises(kind, match="too old"):
        await events_of(a_line("ERROR", {"code": code, "reason": reason, "message": "too old"}))


async def test_an_error_without_anything_in_it_is_an_error_nevertheless() -> None:
    with pytest.raises(KubeError):
        await events_of(a_line("ERROR", {}))


@pytest.mark.parametrize(("status", "kind"), [(410, GoneError), (401, UnauthorizedError), (503, KubeError)])
async def test_a_watch_can_be_refused(status: int, kind: type[KubeError]) -> None:
    client = client_of(httpx2.Response(status, json={"kind": "Status", "code": status, "message": "no"}))
    with pytest.raises(kind):
        await anext(client.watch(CONFIG_MAPS, "shop", resource_version="1", timeout_s=300))


@pytest.mark.parametrize(
    "error",
    [httpx2.ReadTimeout("silent"), httpx2.ReadError("reset"), httpx2.RemoteProtocolError("incomplete chunk")],
    ids=lambda error: type(error).__name__,
)
async def test_a_watch_that_breaks_off_is_an_error(error: Exception) -> None:
    with pytest.raises(UnreachableError):
        await events_of(a_line("ADDED", an_object(2)), error=error)


async def test_a_watch_says_from_where_and_how_long_and_waits_little_longer() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200)

    client = KubeClient(httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://api.example"))
    for timeout_s in (10, 300):
        async for _ in client.watch(CONFIG_MAPS, "shop", resource_version="7", timeout_s=timeout_s, name="one"):
            pytest.fail("nothing was sent")
    assert dict(asked[0].url.params) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "10",
        "fieldSelector": "metadata.name=one",
    }
    assert [request.extensions["timeout"]["read"] for request in asked] == [15, 90]


@pytest.mark.parametrize(
    "garbage",
    [b"{", b"<html>\n", b"null\n", b'{"type": "ADDED", "object": {}}\n', a_line("ADDED", an_object(9))[:-9]],
    ids=ascii,
)
async def test_garbage_doesnt_end_a_reflector(clock: VirtualClock, garbage: bytes) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        is_broken = clock.monotonic() < 60
        if "watch" not in request.url.params:
            found = {"metadata": {"resourceVersion": "2"}, "items": [an_object(2, "listed")]}
            is_first = clock.monotonic() < 30
            return (
                httpx2.Response(200, json=found) if is_first or not is_broken else httpx2.Response(200, text="<html>")
            )
        if is_broken:
            return httpx2.Response(200, stream=Chunks(garbage))
        return httpx2.Response(200, stream=Chunks(a_line("MODIFIED", an_object(3, "watched"))))

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://api.example")
    reflector = Reflector(KubeClient(http), CONFIG_MAPS, clock, namespace="shop")
    following = asyncio.create_task(reflector.run())
    await asyncio.sleep(90)
    assert not following.done()
    following.cancel()
    assert [found["data"]["value"] for found in reflector.values()] == ["watched"]
