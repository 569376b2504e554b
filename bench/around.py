"""A control plane and what is around an operator that is measured: `jitgress serve`, a gate, an ingress.

The gate is a Lease that says of every grant that it is programmed, and the ingress refuses strangers where there is a
route, so that neither of them is waited for. Run as a program, this is the two: `python -m bench.around KUBECONFIG`.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from jitgress.domain.clock import SystemClock
from jitgress.kube.client import KubeApi, KubeClient
from jitgress.kube.errors import KubeError
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import INGRESSES, LEASES
from jitgress.local.ports import free_port
from jitgress.operator.exposure.gates import COMPONENT, PROGRAMMED
from jitgress.operator.exposure.probe import GATE_HEADER
from tests.integration.control_plane import ControlPlane

SYSTEM: Final = "jitgress-system"
ACCOUNT: Final = f"system:serviceaccount:{SYSTEM}:jitgress-operator"
_EVERY: Final = str(2**62)
"""A resourceVersion that no grant comes up to."""
_RENEW_S: Final = 5.0
_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Program:
    """One process of ours, and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def status(self, field: str) -> float:
        """Return a field of the process's status that is in kB, in MB (10^6 bytes)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e6

    def cpu_s(self) -> float:
        """Return how much processor time it took."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for(self, what: str, is_so: Callable[[], bool], patience_s: float = _PATIENCE_S) -> float:
        """Wait until something is so; return when (monotonic)."""
        deadline = time.monotonic() + patience_s
        while not is_so():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"not in time: {what}\n{self.said()[-2000:]}")
            time.sleep(0.005)
        return time.monotonic()

    def until_said(self, word: str, patience_s: float = _PATIENCE_S) -> float:
        return self.wait_for(word, lambda: word in self.said(), patience_s)

    def until_idle(self, seconds: float = 2.0, share: float = 0.1, patience_s: float = 600.0) -> None:
        """Wait until it takes less than `share` of a processor for some seconds."""
        deadline = time.monotonic() + patience_s
        while True:
            before = self.cpu_s()
            time.sleep(seconds)
            if self.cpu_s() - before < share * seconds:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"never idle\n{self.said()[-2000:]}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
        self.process.wait()


class Around:
    """The control plane, the outside and one operator after the other, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plane = ControlPlane(folder / "plane")
        self._programs: list[Program] = []
        self._ingress_url = ""

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder}/ledger.db"

    def start(self) -> None:
        """Start the control plane and the outside."""
        self.plane.start()
        url = self.folder / "ingress-url"
        kubeconfig = str(self.plane.layout.kubeconfig("admin"))
        outside = self._launch("outside", [sys.executable, "-m", "bench.around", kubeconfig, str(url)])
        outside.wait_for("the outside", lambda: url.exists() and url.read_text().endswith("\n"))
        self._ingress_url = url.read_text().strip()

    def serve(self, name: str) -> Program:
        """Start `jitgress serve`."""
        settings = {
            "namespace": SYSTEM,
            "ledger": self.ledger_url,
            "operator": {"ingress_url": self._ingress_url},
            "portal": {"bind": f"127.0.0.1:{free_port(0)}", "issuer": "https://portal.example.test"},
        }
        config = self.folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump(settings))
        kubeconfig = str(self.plane.layout.kubeconfig(ACCOUNT))
        command = ["-m", "jitgress", "--kubeconfig", kubeconfig, "serve", "--config", str(config)]
        return self._launch(name, [sys.executable, *command])

    def stop(self) -> None:
        for program in reversed(self._programs):
            program.stop()
        self.plane.stop()

    def cpu_of_plane(self) -> float:
        """Return how much processor time API server and etcd took."""
        total = 0.0
        for name in ("apiserver", "etcd"):
            fields = Path(f"/proc/{self.plane.pid(name)}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total

    def _launch(self, name: str, words: Sequence[str]) -> Program:
        path = self.folder / f"{name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(list(words), stdout=log, stderr=log)
        program = Program(process, path)
        self._programs.append(program)
        return program


@contextmanager
def an_operator_around() -> Iterator[Around]:
    """Start everything but the operator; end it, and remove its folder."""
    folder = Path(tempfile.mkdtemp(prefix="jitgress-bench-"))
    around = Around(folder)
    try:
        around.start()
        yield around
    finally:
        around.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _outside(kubeconfig: Path, say: Callable[[str], object]) -> None:
    async with KubeClient.connect(kubeconfig) as api:
        published = Published()
        routes = Reflector(api, INGRESSES, SystemClock())
        routes.subscribe(published.take)
        server = await asyncio.start_server(published.answer, "127.0.0.1", 0)
        say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
        await asyncio.gather(routes.run(), _be_programmed(api))


class Published:
    """The hosts that have a route, each as often as it is named."""

    def __init__(self) -> None:
        self._hosts: dict[str, set[str]] = {}

    def take(self, old: Any, new: Any) -> None:
        for host in _hosts(old):
            self._hosts[host].discard(old["metadata"]["uid"])
        for host in _hosts(new):
            self._hosts.setdefault(host, set()).add(new["metadata"]["uid"])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Refuse strangers where there is a route; know nothing elsewhere."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            host = next(line.removeprefix("host:").strip() for line in head if line.startswith("host:"))
            status = f"401 Unauthorized\r\n{GATE_HEADER}: refused" if self._hosts.get(host) else "404 Not Found"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


def _hosts(route: Any) -> Iterable[str]:
    return () if route is None else {rule["host"] for rule in route["spec"].get("rules", ()) if "host" in rule}


async def _be_programmed(api: KubeApi) -> None:
    """Say again and again that every grant is programmed, whichever it is."""
    while True:
        lease = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                "name": "jitgress-gate-bench",
                "namespace": SYSTEM,
                "labels": {COMPONENT: "gate"},
                "annotations": {PROGRAMMED: _EVERY},
            },
            "spec": {
                "holderIdentity": "bench",
                "leaseDurationSeconds": 30,
                "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }
        with suppress(KubeError):
            await api.apply(LEASES, lease)
        await asyncio.sleep(_RENEW_S)


if __name__ == "__main__":
    asyncio.run(_outside(Path(sys.argv[1]), Path(sys.argv[2]).write_text))
