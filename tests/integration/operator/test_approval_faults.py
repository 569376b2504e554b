"""What an external approval system may do wrong, over real HTTP on loopback: it decides nothing, and raises nothing."""

import asyncio
import gzip
import socket
import ssl
from pathlib import Path

import pytest

from jitgress.domain.answer import AnswerVerdict
from jitgress.operator.consults.consultant import Decided, Trouble, Unheard
from jitgress.operator.consults.reply import MAX_BODY_BYTES
from tests.integration.operator.approval_server import (
    APPROVES,
    an_answer,
    asked,
    asking,
    serving,
)
from tests.simulators.clock import HandClock
from tests.simulators.listening import listening
from tests.unit.operator.questions import a_question


@pytest.mark.parametrize(
    "answer",
    [
        an_answer("302 Found", "Location: /elsewhere", body=APPROVES),
        an_answer("307 Temporary Redirect", "Location: /elsewhere", body=APPROVES),
        an_answer("201 Created", body=APPROVES),
        an_answer("202 Accepted", body=APPROVES),
        an_answer("401 Unauthorized", body=APPROVES),
        an_answer("500 Internal Server Error", body=APPROVES),
    ],
    ids=["302", "307", "201", "202", "401", "500"],
)
async def test_no_other_status_than_200_decides_and_no_redirect_is_followed(tmp_path: Path, answer: bytes) -> None:
    async with asked(tmp_path, answer) as (server, reply):
        assert reply == Unheard(Trouble.STATUS, f"status {answer.split()[1].decode()}")
        assert len(server.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        an_answer("200 OK", body=b"<html>approve</html>"),
        an_answer("200 OK", body=b'{"decision": "perhaps"}'),
        an_answer("200 OK"),
        an_answer("200 OK", body=APPROVES + b" " * MAX_BODY_BYTES),
    ],
    ids=["no JSON", "no decision", "nothing", "too much"],
)
async def test_an_answer_that_cannot_be_understood_decides_nothing(tmp_path: Path, answer: bytes) -> None:
    async with asked(tmp_path, answer) as (_, reply):
        assert isinstance(reply, Unheard)
        assert reply.trouble is Trouble.NOT_UNDERSTOOD
        assert "perhaps" not in reply.detail, "what was received isn't repeated"


async def test_an_answer_that_is_compressed_although_nobody_asked_for_it_is_told_as_such(tmp_path: Path) -> None:
    answer = an_answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(APPROVES))

    async with asked(tmp_path, answer) as (_, reply):
        assert reply == Unheard(Trouble.NOT_UNDERSTOOD, "it is compressed")


async def test_the_longest_answer_that_is_read_is_understood(tmp_path: Path) -> None:
    padding = b" " * (MAX_BODY_BYTES - len(APPROVES))

    async with asked(tmp_path, an_answer("200 OK", body=APPROVES + padding)) as (_, reply):
        assert reply == Decided(AnswerVerdict.APPROVE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n" + APPROVES[:10],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n17\r\n" + APPROVES + b"\r\n",
    ],
    ids=["closed", "garbage", "cut off", "never ended"],
)
async def test_a_connection_that_breaks_decides_nothing(tmp_path: Path, answer: bytes) -> None:
    async with asked(tmp_path, answer) as (_, reply):
        assert isinstance(reply, Unheard)
        assert reply.trouble is Trouble.UNREACHABLE


async def test_a_system_that_isnt_there_decides_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        async with asking(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}/", HandClock()) as consultant:
            assert await consultant.ask(a_question()) == Unheard(Trouble.UNREACHABLE, "ConnectError")


@pytest.mark.parametrize("drip", [b"", b" "], ids=["silent", "dripping"])
async def test_a_system_that_never_comes_to_an_end_is_given_up(tmp_path: Path, drip: bytes) -> None:
    async def answer_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
        while not reader.at_eof():
            writer.write(drip)
            await asyncio.sleep(0.01)

    async with (
        listening(answer_for_ever) as port,
        asking(tmp_path, f"http://127.0.0.1:{port}/", HandClock(), timeout_s=0.3) as consultant,
    ):
        assert await consultant.ask(a_question()) == Unheard(Trouble.TIMED_OUT, "no answer within 0.3 s")


async def test_over_tls_the_system_must_show_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    async with serving(lambda _: an_answer("200 OK", body=APPROVES), tmp_path) as server:
        ours = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        async with asking(tmp_path, server.url, HandClock(), tls=ours) as consultant:
            assert await consultant.ask(a_question()) == Decided(AnswerVerdict.APPROVE)
        async with asking(tmp_path, server.url, HandClock()) as consultant:
            assert await consultant.ask(a_question()) == Unheard(Trouble.UNREACHABLE, "ConnectError")

    assert len(server.received) == 1, "nothing is told to who isn't trusted"


async def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path) -> None:
    async with serving(lambda _: an_answer("200 OK", body=APPROVES), tmp_path) as server:
        ours = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        url = server.url.replace("127.0.0.1", "localhost")
        async with asking(tmp_path, url, HandClock(), tls=ours) as consultant:
            assert await consultant.ask(a_question()) == Unheard(Trouble.UNREACHABLE, "ConnectError")

    assert server.received == []


@pytest.mark.parametrize("content", [None, b"", b"mine", b"\xff\xfe"], ids=["gone", "empty", "no secret", "no text"])
async def test_without_its_secret_nothing_is_sent(tmp_path: Path, content: bytes | None) -> None:
    async with (
        serving(lambda _: an_answer("200 OK", body=APPROVES)) as server,
        asking(tmp_path, server.url, HandClock()) as consultant,
    ):
        (tmp_path / "secret").unlink()
        if content is not None:
            (tmp_path / "secret").write_bytes(content)

        reply = await consultant.ask(a_question())

    assert isinstance(reply, Unheard)
    assert reply.trouble is Trouble.SECRET
    assert server.received == []
