"""The stack's people, as they use it: the command line, and requests, WebSockets and downloads through the ingress."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from jitgress.domain.errors import JitgressError
from jitgress.local.layout import Layout

T = TypeVar("T")
_TICK_S = 0.05


class VisitError(JitgressError):
    """A command or a request did not do what it should."""

    code = "visit"


@dataclass(frozen=True, slots=True)
class Cut:
    """When a stream ended (seconds since the epoch), and how much came through it before."""

    at: float
    received_bytes: int


class Visitor:
    """Uses one stack by what its env.json tells."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        env = json.loads(layout.env_file.read_text())
        self._url = httpx2.URL(env["ingress_url"])
        self._tls = ssl.create_default_context(cafile=env["ca_file"])

    def run(self, person: str, *arguments: str) -> str:
        """Run a command as somebody; return what it printed. Raises `VisitError` unless it exits with 0."""
        done = self._run(person, arguments)
        if done.returncode != 0:
            raise VisitError(
                f"jitgress {' '.join(arguments)} ({person}): exit {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout

    def code(self, person: str, *arguments: str) -> int:
        """Run a command as somebody; return its exit code."""
        return self._run(person, arguments).returncode

    def ask(self, person: str, target: str, seconds: int, *scope: str) -> str:
        """Make a request; return it as namespace/name."""
        words = ("request", target, "--for", f"{seconds}s", "--reason", "the demo", *scope, "-o", "json")
        metadata = json.loads(self.run(person, *words))["metadata"]
        return f"{metadata['namespace']}/{metadata['name']}"

    def show(self, request: str) -> dict[str, Any]:
        """Return a request as it stands."""
        found: dict[str, Any] = json.loads(self.run("alice", "show", request, "-o", "json"))
        return found

    def state(self, request: str) -> str:
        """Return a request's state in one word."""
        conditions = self.show(request).get("status", {}).get("conditions", ())
        return next((str(each["reason"]) for each in conditions if each["type"] == "Active"), "")

    def window_end(self, request: str) -> float:
        """Return the end of a request's window, as seconds since the epoch."""
        return datetime.fromisoformat(self.show(request)["status"]["window"]["notAfter"]).timestamp()

    def wait_for_state(self, request: str, state: str, patience_s: float) -> None:
        """Wait until a request is in `state`."""
        self.wait(lambda: self.state(request), lambda seen: seen == state, patience_s)

    def wait(self, look: Callable[[], T], is_enough: Callable[[T], bool], patience_s: float) -> T:
        """Look until it is enough. Raises `VisitError` with what was last seen."""
        deadline = time.monotonic() + patience_s
        while not is_enough(seen := look()):
            if time.monotonic() > deadline:
                raise VisitError(f"waited {patience_s:.0f} s, last seen: {seen}")
            time.sleep(_TICK_S)
        return seen

    def status(self, host: str, path: str, token: str | None, method: str = "GET") -> int:
        """Send one request to a host through the ingress; return the status of the answer."""
        with httpx2.Client(verify=self._tls, trust_env=False, timeout=10) as client:
            answer = client.request(
                method, self._url.join(path), headers=_headers(host, token), extensions={"sni_hostname": host}
            )
            return answer.status_code

    def websocket_until_cut(self, host: str, path: str, token: str) -> Cut:
        """Open a WebSocket and read until it ends."""
        received = 0
        plain = socket.create_connection((self._url.host, self._url.port or 443))
        with connect(
            f"wss://{host}{path}",
            sock=plain,
            ssl=self._tls,
            server_hostname=host,
            additional_headers=_headers(None, token),
            ping_interval=None,
        ) as connection:
            with suppress(ConnectionClosed):
                while True:
                    received += len(connection.recv())
            return Cut(time.time(), received)

    def download_until_cut(self, host: str, path: str, token: str) -> Cut:
        """Begin a download and read until it ends."""
        received, last = 0, time.time()
        with (
            httpx2.Client(verify=self._tls, trust_env=False, timeout=60) as client,
            client.stream(
                "GET", self._url.join(path), headers=_headers(host, token), extensions={"sni_hostname": host}
            ) as answer,
            suppress(httpx2.HTTPError),
        ):
            for chunk in answer.iter_raw():
                received, last = received + len(chunk), time.time()
        return Cut(last, received)

    def _run(self, person: str, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jitgress", "--as-local", person, *arguments],
            env={**os.environ, "JITGRESS_LOCAL_DIR": str(self._layout.folder), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _headers(host: str | None, token: str | None) -> dict[str, str]:
    return ({"Host": host} if host else {}) | ({"Jitgress-Authorization": f"Bearer {token}"} if token else {})
