"""A real API server with its etcd, for tests of what talks to one."""

import asyncio
import base64
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import yaml

from jitgress.crds.manifests import all_manifests
from jitgress.kube.client import KubeClient
from jitgress.local.certificates import Authority
from jitgress.local.cluster import put
from jitgress.local.control_plane.build import programs
from jitgress.local.control_plane.server import (
    Addresses,
    start_apiserver,
    start_etcd,
    wait_until_ready,
    write_files,
)
from jitgress.local.layout import Layout
from jitgress.local.objects import bindings
from jitgress.local.people import everybody
from jitgress.local.processes import Processes


class ControlPlane:
    """An API server on free ports, with our definitions, roles and admission policies, and the local stack's people."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.addresses = Addresses(apiserver=_free_port(), etcd=_free_port(), etcd_peer=_free_port(), network=120)
        self.processes = Processes(self.layout.records, self.layout.logs)
        self.people = everybody()
        self._programs = programs(print)
        authority = Authority(datetime.now(UTC))
        write_files(self.layout, self.addresses, authority, self.people)

    def start(self) -> None:
        """Start both and put in what every test needs."""
        start_etcd(self.layout, self.addresses, self._programs, self.processes)
        self.start_apiserver()
        asyncio.run(self._fill())

    def start_apiserver(self) -> None:
        start_apiserver(self.layout, self.addresses, self._programs, self.processes)
        wait_until_ready(self.layout, self.addresses, self.processes)

    def client(self, username: str = "admin") -> KubeClient:
        """Return a client that signs in as `alice@example.test`, `admin`, or a service account by its full name."""
        return KubeClient.connect(self.layout.kubeconfig(username))

    def kubeconfig_through(self, port: int, username: str = "admin") -> Path:
        """Return a kubeconfig that reaches the API server at another port of 127.0.0.1."""
        content = yaml.safe_load(self.layout.kubeconfig(username).read_text())
        content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        path = self.layout.folder / "kubeconfigs" / f"through-{port}.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content))
        return path

    def pid(self, name: str) -> int:
        return self.processes.known()[name].pid

    def kill_apiserver(self) -> None:
        """End the API server as a crash would."""
        running = self.processes.known()["apiserver"]
        os.killpg(running.pid, signal.SIGKILL)
        self.processes.stop(running)

    def forget(self) -> None:
        """Have etcd forget the past, and the API server, which remembers some of it on its own, start anew."""
        self.kill_apiserver()
        every = {"key": base64.b64encode(b"\0").decode(), "range_end": base64.b64encode(b"\0").decode()}
        present = self._ask_etcd("range", {**every, "count_only": True})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": present, "physical": True})
        self.start_apiserver()

    def stop(self) -> None:
        """Stop what runs, the API server first."""
        for name in ("apiserver", "etcd"):
            if name in self.processes.known():
                self.processes.stop(self.processes.known()[name])

    def _ask_etcd(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        with httpx2.Client(trust_env=False, timeout=10) as client:
            answer = client.post(f"http://127.0.0.1:{self.addresses.etcd}/v3/kv/{what}", json=body)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    async def _fill(self) -> None:
        async with self.client() as admin:
            await put(admin, [*all_manifests(), *bindings()])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
