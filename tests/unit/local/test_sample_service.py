"""The sample service over a real loopback socket: it answers with what it received, streams, and logs each request."""

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from jitgress.local.control_plane.server import wait_for
from jitgress.local.objects import SAMPLES
from jitgress.local.parts import sample_command
from jitgress.local.ports import free_port
from jitgress.local.processes import Processes


@dataclass(frozen=True)
class Running:
    """A running sample service."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self, path: str) -> list[dict[str, Any]]:
        """Return what was logged about a path; each test has its own."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["path"] == path]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sample")
    running = Running(free_port(0), folder / "requests.jsonl")
    processes = Processes(folder / "processes", folder / "logs")

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", running.port)) == 0

    process = processes.start("sample", sample_command(SAMPLES[0], f"127.0.0.1:{running.port}", running.log))
    try:
        wait_for("the sample service", answers, processes, ["sample"])
        yield running
    finally:
        processes.stop(process)


@pytest.fixture
def client(service: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.url, trust_env=False, timeout=10) as some:
        yield some


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_request_is_answered_with_what_arrived(service: Running, client: httpx2.Client, method: str) -> None:
    path = f"/echo/{method.lower()}"

    answer = client.request(method, f"{path}?a=1&a=2", headers={"X-Mine": "yes"}, content=b"12345").json()

    assert (answer["service"], answer["method"], answer["path"], answer["query"]) == ("orders", method, path, "a=1&a=2")
    assert answer["body_bytes"] == 5
    assert ["x-mine", "yes"] in answer["headers"]
    assert [line["method"] for line in service.logged(path)] == [method]


def test_a_head_request_is_logged_and_has_no_body(service: Running, client: httpx2.Client) -> None:
    answer = client.head("/head")

    assert (answer.status_code, answer.content) == (200, b"")
    assert [line["method"] for line in service.logged("/head")] == ["HEAD"]


def test_a_header_that_is_sent_twice_is_told_twice(service: Running, client: httpx2.Client) -> None:
    client.get("/twice", headers=[("X-Mine", "one"), ("X-Mine", "two")])

    headers = service.logged("/twice")[0]["headers"]

    assert [value for name, value in headers if name == "x-mine"] == ["one", "two"]


@pytest.mark.parametrize("size", [0, 1, 4096, 10_000])
def test_a_download_has_exactly_the_bytes_that_were_asked_for(client: httpx2.Client, size: int) -> None:
    answer = client.get("/download", params={"bytes": size, "rate": 10**9})

    assert len(answer.content) == size
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_an_upload_is_counted_without_being_kept(client: httpx2.Client) -> None:
    chunks = (b"x" * 1000 for _ in range(20))

    assert client.post("/upload", content=chunks).json() == {"received_bytes": 20_000}


def test_events_come_while_the_stream_goes_on(client: httpx2.Client) -> None:
    with client.stream("GET", "/sse") as answer:
        lines = answer.iter_lines()
        ticks = [line for line, _ in zip((line for line in lines if line), range(2), strict=False)]

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert ticks == ["data: tick", "data: tick"]


def test_a_websocket_ticks_and_sends_back_what_it_gets(service: Running) -> None:
    with connect(f"ws://127.0.0.1:{service.port}/ws", proxy=None) as websocket:
        websocket.send("hello")
        received = {str(websocket.recv(10)) for _ in range(3)}

    assert received == {"tick", "hello"}
    assert service.logged("/ws")


def test_a_service_ends_when_it_is_told_to_though_streams_are_open(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "processes", tmp_path / "logs")
    running = Running(free_port(0), tmp_path / "requests.jsonl")
    process = processes.start("sample", sample_command(SAMPLES[0], f"127.0.0.1:{running.port}", running.log))
    try:
        with socket.socket() as stream:
            wait_for(
                "the sample service",
                lambda: stream.connect_ex(("127.0.0.1", running.port)) == 0,
                processes,
                ["sample"],
            )
            stream.sendall(b"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stream.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        processes.stop(process)

    assert "Traceback" not in processes.last_words("sample")


def test_its_command_says_what_it_needs() -> None:
    command = sample_command(SAMPLES[0], "127.0.0.1:1", Path("unused"))

    done = subprocess.run([*command[:3], "--help"], capture_output=True, text=True, check=True)

    assert "--log" in done.stdout
