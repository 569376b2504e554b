"""What the gate's checks cost: the same HAProxy, plain and as the gate, on the same core, in turn in one run.

The load generator and the upstream share the other core. Besides requests a second there is the work of HAProxy's own
process for one request, which doesn't hang on how fast the generator is.
"""

import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.figures import Figure
from jitgress.crds.grants import grant_object
from jitgress.domain.clock import SystemClock
from jitgress.domain.errors import JitgressError
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.gate import process
from jitgress.gate.agent import Agent
from jitgress.gate.ports import View
from jitgress.gate.runtime import RuntimeSocket
from jitgress.gate.settings import GateSettings
from jitgress.identity.keys import KeySet, SigningKey
from jitgress.identity.tokens import mint
from jitgress.local.control_plane.build import cache_folder, go_program
from jitgress.local.ports import free_port

ROUNDS = 5
SECONDS = 5
CONNECTIONS = 64
UNDER_TEST, BESIDE = 0, 1
"""Cores."""
HOST = "bench.example.test"
ISSUER = "https://portal.example.test"


@dataclass(slots=True)
class Run:
    """One measured run."""

    requests_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """HAProxy's processor time for one request."""
    share: float
    """How much of its core HAProxy used."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Load plain HAProxy and the gate in turn."""
    generator = _generator(say)
    with tempfile.TemporaryDirectory(prefix="jitgress-bench-") as name:
        folder = Path(name)
        upstream, plain, gate = (free_port(port) for port in (29001, 29002, 29003))
        with (
            _haproxy(folder, "upstream", _upstream(upstream), BESIDE),
            _haproxy(folder, "plain", _plain(plain, upstream), UNDER_TEST) as plain_pid,
            _gate(folder, gate, upstream) as (gate_pid, token),
        ):
            headers = {"Jitgress-Authorization": f"Bearer {token}"}
            runs: dict[str, list[Run]] = {"plain": [], "gate": []}
            for number in range(ROUNDS):
                runs["plain"].append(_load(generator, plain, plain_pid, headers))
                runs["gate"].append(_load(generator, gate, gate_pid, headers))
                say(f"  round {number + 1}: {_told(runs)}")
    return _figures(runs)


def _figures(runs: Mapping[str, list[Run]]) -> list[Figure]:
    def median(kind: str, field: str) -> float:
        return float(statistics.median(getattr(run, field) for run in runs[kind]))

    return [
        Figure(
            name="gate, requests a second on one core",
            value=median("gate", "requests_s"),
            unit="requests/s",
            target=0.75,
            is_ceiling=False,
            reference="plain HAProxy",
            reference_value=median("plain", "requests_s"),
        ),
        Figure(
            name="gate, requests a processor second",
            value=1e6 / median("gate", "cpu_us"),
            unit="requests/s",
            target=0.75,
            is_ceiling=False,
            reference="plain HAProxy",
            reference_value=1e6 / median("plain", "cpu_us"),
        ),
        *[
            Figure(
                name=f"gate, {field[:3]} at full load",
                value=median("gate", field),
                unit="ms",
                reference="plain HAProxy",
                reference_value=median("plain", field),
            )
            for field in ("p50_ms", "p99_ms")
        ],
        Figure(name="share of its core, plain HAProxy", value=median("plain", "share"), unit="of 1"),
        Figure(name="share of its core, gate", value=median("gate", "share"), unit="of 1"),
    ]


def _told(runs: Mapping[str, list[Run]]) -> str:
    return ", ".join(f"{kind} {some[-1].requests_s:.0f}/s ({some[-1].cpu_us:.1f} us)" for kind, some in runs.items())


def _generator(say: Callable[[str], None]) -> Path:
    """Return the load generator (bench/load), built once for each of its versions."""
    source = Path(__file__).parent / "load"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source.iterdir()))).hexdigest()[:16]
    target = cache_folder() / f"bench-load-{digest}"
    if not target.is_file():
        say("  building the load generator (once)")
        subprocess.run([str(go_program(say)), "build", "-o", str(target), "."], cwd=source, check=True)
    return target


def _load(generator: Path, port: int, pid: int, headers: Mapping[str, str]) -> Run:
    command = [str(generator), "-address", f"127.0.0.1:{port}", "-url", f"http://{HOST}/api/items"]
    command += ["-connections", str(CONNECTIONS), "-seconds", str(SECONDS)]
    command += [part for name, value in headers.items() for part in ("-header", f"{name}: {value}")]
    before, began = _cpu_s(pid), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        os.sched_setaffinity(running.pid, {BESIDE})
        printed, _ = running.communicate(timeout=SECONDS * 5)
    took, cpu = time.monotonic() - began, _cpu_s(pid) - before
    result = json.loads(printed)
    if result["served"] == 0 or result["others"] > 0:
        raise RuntimeError(f"not every request was served: {result}")
    return Run(
        requests_s=result["served"] / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        cpu_us=cpu / result["served"] * 1e6,
        share=cpu / took,
    )


def _upstream(port: int) -> str:
    answer = 'http-request return status 200 content-type text/plain string "ok"'
    return f"global\n  nbthread 1\n{_defaults()}frontend f\n  bind 127.0.0.1:{port}\n  {answer}\n"


def _plain(port: int, upstream: int) -> str:
    return (
        f"global\n  nbthread 1\n{_defaults()}"
        f"frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n"
        f"backend b\n  server s 127.0.0.1:{upstream}\n"
    )


def _defaults() -> str:
    return "defaults\n  mode http\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n"


@contextmanager
def _haproxy(folder: Path, name: str, configuration: str, core: int) -> Iterator[int]:
    path = folder / f"{name}.cfg"
    path.write_text(configuration)
    with _running([str(process.find_binary()), "-f", str(path), "-db"], core) as pid:
        yield pid


@contextmanager
def _gate(folder: Path, port: int, upstream: int) -> Iterator[tuple[int, str]]:
    """Start the gate as it ships, programmed with one grant; yield its pid and a token for the grant."""
    settings = GateSettings(
        gate_id="bench",
        folder=folder / "gate",
        issuer=ISSUER,
        bind=f"127.0.0.1:{port}",
        staleness=timedelta(minutes=10),  # nobody renews the lease during the run
    )
    process.write_files(settings)
    clock = SystemClock()
    now = clock.now()
    key = SigningKey.generate(now, now)
    grant = _grant(f"127.0.0.1:{upstream}", Window.starting(now - timedelta(minutes=1), timedelta(hours=1)))
    view = View([grant_object(grant, "jitgress-system")], KeySet((key,)).public_jwks(), "1", clock.monotonic())
    token = mint(grant, subject=grant.subject.username, now=now, key=key, issuer=ISSUER, token_id="bench")
    with _running(process.command(settings), UNDER_TEST) as pid:
        asyncio.run(_programme(Agent(settings, RuntimeSocket(settings.socket), clock), view))
        yield pid, token.text.reveal()


async def _programme(agent: Agent, view: View) -> None:
    """Have HAProxy take the programme, as soon as it listens."""
    for _ in range(100):
        try:
            await agent.step(view)
        except JitgressError:
            await asyncio.sleep(0.05)
        else:
            return
    raise TimeoutError("HAProxy took no programme")


def _grant(address: str, window: Window) -> Grant:
    return Grant(
        id=GrantId("0b1c2d3e-0000-4000-8000-000000000001"),
        request=RequestRef("shop", "orders-1", "0b1c2d3e-0000-4000-8000-000000000001"),
        target=TargetRef("shop", "orders", "0b1c2d3e-0000-4000-8000-000000000002"),
        policy="bench",
        subject=Subject("alice@example.test", frozenset({"dev", "oncall"})),
        host=parse_host(HOST),
        address=address,
        scope=Scope.of(("/api",), ("GET", "HEAD")),
        window=window,
        since=window.not_before,
    )


@contextmanager
def _running(command: Sequence[str], core: int) -> Iterator[int]:
    """Run a process on one core; end it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        os.sched_setaffinity(running.pid, {core})
        time.sleep(0.5)
        try:
            yield running.pid
        finally:
            running.terminate()


def _cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
