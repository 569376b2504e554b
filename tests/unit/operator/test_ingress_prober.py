"""A look at a host is a stranger's: real HTTPS, no credential, one answer, and never an exception."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final

import pytest

from jitgress.domain.host import Host, parse_host
from jitgress.domain.scope import parse_path_prefix
from jitgress.operator.exposure.probe import IngressProber, sighting
from jitgress.operator.ports import Probe, Sighting
from tests.builders import (
    NOW,
)
from tests.simulators.clock import HandClock
from tests.simulators.virtual_time import VirtualTimeLoop
from tests.unit.operator.tls_server import TlsServer, an_answer, tls_server, trust_in

HOST: Final = parse_host("orders.example.test")
ANSWERS: Final = {
    "/": an_answer("401 Unauthorized", "Jitgress-Gate: refused"),
    "/stale": an_answer("503 Service Unavailable", "Jitgress-Gate: stale"),
    "/nothing": an_answer("404 Not Found"),
    "/open": an_answer("200 OK", body="orders"),
    "/moved": an_answer("302 Found", "Location: /nothing"),
    "/no-gate": an_answer("502 Bad Gateway"),
    "/garbage": b"who is there?\r\n\r\n",
}


@asynccontextmanager
async def a_prober(ingress_url: str | None, tls: ssl.SSLContext) -> AsyncIterator[IngressProber]:
    prober = IngressProber(HandClock(), ingress_url, tls)
    try:
        yield prober
    finally:
        await prober.close()


async def look(prober: IngressProber, path: str = "/", host: Host = HOST) -> Probe:
    return await prober.probe(host, parse_path_prefix(path))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TlsServer]:
    async with tls_server(tmp_path, HOST, ANSWERS) as running:
        yield running


@pytest.mark.parametrize(
    ("status", "from_gate", "from_others"),
    [
        (200, Sighting.DENIED, Sighting.EXPOSED),
        (204, Sighting.DENIED, Sighting.EXPOSED),
        (301, Sighting.DENIED, Sighting.EXPOSED),
        (400, Sighting.DENIED, Sighting.EXPOSED),
        (401, Sighting.REFUSED, Sighting.EXPOSED),
        (403, Sighting.DENIED, Sighting.EXPOSED),
        (404, Sighting.DENIED, Sighting.HIDDEN),
        (410, Sighting.DENIED, Sighting.EXPOSED),
        (500, Sighting.DENIED, Sighting.EXPOSED),
        (502, Sighting.DENIED, Sighting.UNREACHABLE),
        (503, Sighting.DENIED, Sighting.UNREACHABLE),
        (504, Sighting.DENIED, Sighting.UNREACHABLE),
        (599, Sighting.DENIED, Sighting.EXPOSED),
    ],
)
def test_what_an_answer_means(status: int, from_gate: Sighting, from_others: Sighting) -> None:
    assert sighting(status, is_from_gate=True) is from_gate
    assert sighting(status, is_from_gate=False) is from_others


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", Probe(Sighting.REFUSED, NOW, "401 refused")),
        ("/stale", Probe(Sighting.DENIED, NOW, "503 stale")),
        ("/nothing", Probe(Sighting.HIDDEN, NOW, "404 without the gate")),
        ("/open", Probe(Sighting.EXPOSED, NOW, "200 without the gate")),
        ("/no-gate", Probe(Sighting.UNREACHABLE, NOW, "502 without the gate")),
        ("/garbage", Probe(Sighting.UNREACHABLE, NOW, "RemoteProtocolError")),
        ("/closed", Probe(Sighting.UNREACHABLE, NOW, "RemoteProtocolError")),
    ],
    ids=["refused", "denied", "hidden", "exposed", "no gate", "garbage", "closed"],
)
async def test_a_look_tells_what_answered(server: TlsServer, tmp_path: Path, path: str, expected: Probe) -> None:
    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        assert await look(prober, path) == expected


async def test_a_redirect_is_an_answer_and_is_not_followed(server: TlsServer, tmp_path: Path) -> None:
    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        seen = await look(prober, "/moved")

    assert seen.sighting is Sighting.EXPOSED
    assert [head.split(" ")[1] for head in server.heads] == ["/moved"]


async def test_the_host_is_named_in_tls_and_in_the_request(server: TlsServer, tmp_path: Path) -> None:
    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        await look(prober)

    assert server.named == [HOST]
    assert server.header("Host") == [HOST]


async def test_no_credential_is_sent_even_where_the_machine_has_one(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password wonder\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        await look(prober)

    names = {line.partition(":")[0].lower() for head in server.heads for line in head.split("\r\n")[1:]}
    assert not names & {"authorization", "cookie", "jitgress-authorization", "proxy-authorization"}


async def test_a_proxy_of_the_machine_is_not_asked(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        assert (await look(prober)).sighting is Sighting.REFUSED


async def test_each_look_has_a_connection_of_its_own(server: TlsServer, tmp_path: Path) -> None:
    async with a_prober(server.url, trust_in(tmp_path)) as prober:
        await look(prober)
        await look(prober)

    assert len(server.named) == 2


async def test_a_certificate_for_another_host_is_no_answer(tmp_path: Path) -> None:
    async with (
        tls_server(tmp_path, "other.example.test", ANSWERS) as server,
        a_prober(server.url, trust_in(tmp_path)) as prober,
    ):
        seen = await look(prober)

    assert (seen.sighting, seen.detail) == (Sighting.UNREACHABLE, "ConnectError")
    assert server.heads == []


async def test_a_certificate_of_an_unknown_authority_is_no_answer(server: TlsServer) -> None:
    async with a_prober(server.url, ssl.create_default_context()) as prober:
        assert (await look(prober)).sighting is Sighting.UNREACHABLE


async def test_an_ingress_that_isnt_there_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        async with a_prober(url, ssl.create_default_context()) as prober:
            assert (await look(prober)).sighting is Sighting.UNREACHABLE


def test_an_ingress_that_says_nothing_is_given_up() -> None:
    async def look_at_a_silent_one() -> Probe:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = f"https://127.0.0.1:{silent.getsockname()[1]}"
            async with a_prober(url, ssl.create_default_context()) as prober:
                return await look(prober)

    loop = VirtualTimeLoop()
    try:
        seen = loop.run_until_complete(look_at_a_silent_one())
    finally:
        loop.close()

    assert (seen.sighting, seen.detail) == (Sighting.UNREACHABLE, "ConnectTimeout")


async def test_a_host_that_streams_without_end_is_found_exposed(tmp_path: Path) -> None:
    async with tls_server(tmp_path, HOST, {}):

        async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, EOFError), closing(writer):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                while True:
                    writer.write(b"data: tick\n\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
        listener = await asyncio.start_server(stream, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        prober = IngressProber(HandClock(), url, trust_in(tmp_path))
        try:
            async with asyncio.timeout(5):
                seen = await prober.probe(HOST, parse_path_prefix("/sse"))
        finally:
            await prober.close()
            listener.close()

    assert seen.sighting is Sighting.EXPOSED


async def test_a_cookie_that_one_host_set_is_not_sent_to_the_next(tmp_path: Path) -> None:
    answers = {"/": an_answer("200 OK", "Set-Cookie: session=secret; Path=/")}
    async with tls_server(tmp_path, HOST, answers) as server:
        prober = IngressProber(HandClock(), server.url, trust_in(tmp_path))
        try:
            for _ in range(2):
                await prober.probe(HOST, parse_path_prefix("/"))
        finally:
            await prober.close()

    assert server.header("Cookie") == []
