"""Messages through Apprise to a real HTTP server on loopback: plain text arrives, secrets stay, nobody waits."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.identity.secret import Secret
from jitgress.notify.apprise_service import AppriseService
from jitgress.notify.message import Message, Moment
from jitgress.notify.service import NotDeliveredError
from tests.builders import seconds
from tests.simulators.listening import listening

# What Apprise loads with its first address imports a module that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MESSAGE = Message(Moment.BREAK_GLASS, "Break-glass: alice opened shop/orders", "Reason: a <b> & c\nTo do: review it")


@dataclass(slots=True)
class Chat:
    """An HTTP server that takes messages as JSON, with `status`, once `is_awake`."""

    status: str = "200 OK"
    port: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    is_awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        await self.is_awake.wait()
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    def url(self) -> Secret[str]:
        return Secret(f"json://alice:s3cret@127.0.0.1:{self.port}/t0ken")


@asynccontextmanager
async def a_chat(status: str = "200 OK", *, is_awake: bool = True) -> AsyncIterator[Chat]:
    chat = Chat(status)
    if is_awake:
        chat.is_awake.set()
    async with listening(chat.serve) as chat.port:
        yield chat


async def test_a_message_arrives_as_it_was_written() -> None:
    async with a_chat() as chat:
        await AppriseService(chat.url(), 1).deliver(MESSAGE)

    (body,) = chat.bodies
    assert (body["title"], body["message"], body["type"]) == (MESSAGE.title, MESSAGE.body, "warning")


async def test_a_service_of_pages_gets_text_that_is_no_markup() -> None:
    async with a_chat() as chat:
        await AppriseService(Secret(f"{chat.url().reveal()}?format=html"), 1).deliver(MESSAGE)

    assert "&lt;b&gt;" in chat.bodies[0]["message"]


async def test_several_messages_arrive_in_order() -> None:
    async with a_chat() as chat:
        service = AppriseService(chat.url(), 1)
        for number in range(5):
            await service.deliver(Message(Moment.DENIED, f"title {number}", "body"))

    assert [(body["title"], body["type"]) for body in chat.bodies] == [(f"title {n}", "info") for n in range(5)]


@pytest.mark.parametrize("status", ["500 Broken", "404 Not Found", "403 Forbidden"])
async def test_a_service_that_refuses_is_a_failure_that_tells_no_secret(
    status: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with a_chat(status) as chat:
            with pytest.raises(NotDeliveredError) as failed:
                await AppriseService(chat.url(), 1).deliver(MESSAGE)

    assert caplog.records == [], "what matters is logged by who calls"
    seen = "".join([failed.value.message, *capfd.readouterr()])
    assert "s3cret" not in seen
    assert "t0ken" not in seen


async def test_a_service_that_isnt_there_is_a_failure() -> None:
    async with a_chat() as chat:
        url = chat.url()
    with pytest.raises(NotDeliveredError):
        await AppriseService(url, 1).deliver(MESSAGE)


async def test_a_service_that_does_not_answer_is_given_up_and_not_bothered_meanwhile() -> None:
    async with a_chat(is_awake=False) as chat:
        service = AppriseService(chat.url(), 1, time_limit=seconds(0.2))
        with pytest.raises(NotDeliveredError, match=r"no answer within 0\.2 s"):
            await service.deliver(MESSAGE)
        with pytest.raises(NotDeliveredError, match="an earlier message is still on its way"):
            await service.deliver(MESSAGE)

        assert len(chat.bodies) == 1


@pytest.mark.parametrize("url", ["", "nonsense", "nonsense://s3cret", "slack://s3cret"], ids=str)
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidValueError) as refused:
        AppriseService(Secret(url), 3)

    seen = "".join([refused.value.message, refused.value.remedy, *capfd.readouterr()])
    assert "address 3 of notify.urls" in refused.value.message
    assert "s3cret" not in seen


def test_a_service_is_called_by_its_place_and_kind() -> None:
    service = AppriseService(Secret("JSONS://alice:s3cret@chat.example.test/t0ken"), 2)

    assert service.name == "2-jsons"
    assert "s3cret" not in repr(vars(service))
