"""A real API server with its etcd, for tests of what talks to one."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path

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

    def pid(self, name: str) -> int:
        return self.processes.known()[name].pid

    def stop(self) -> None:
        """Stop what runs, the API server first."""
        for name in ("apiserver", "etcd"):
            if name in self.processes.known():
                self.processes.stop(self.processes.known()[name])

    async def _fill(self) -> None:
        async with self.client() as admin:
            await put(admin, [*all_manifests(), *bindings()])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
