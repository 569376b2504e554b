"""A real HAProxy with our configuration, and an agent in the test's own process."""

import asyncio
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from jitgress.domain.clock import SystemClock
from jitgress.domain.grant import Grant
from jitgress.gate.process import command, write_files
from jitgress.gate.run import run_gate
from jitgress.gate.runtime import RuntimeSocket
from jitgress.gate.settings import GateSettings
from jitgress.identity.keys import SigningKey
from jitgress.identity.tokens import mint
from tests.integration.gate.raw_client import Answer, ask
from tests.unit.gate.api_stand_in import ApiStandIn
from tests.unit.gate.builders import ISSUER, a_jwks, a_key

_DEADLINE_S = 10.0


@dataclass(slots=True)
class RunningGate:
    settings: GateSettings
    port: int
    api: ApiStandIn
    clock: SystemClock = field(default_factory=SystemClock)
    key: SigningKey = field(default_factory=a_key)
    haproxy: asyncio.subprocess.Process | None = None
    agent: "asyncio.Task[None] | None" = None

    async def start_haproxy(self) -> None:
        self.haproxy = await asyncio.create_subprocess_exec(
            *command(self.settings), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await until(self.settings.socket.exists, "the runtime socket")

    async def kill_haproxy(self) -> None:
        if self.haproxy is not None and self.haproxy.returncode is None:
            self.haproxy.kill()
            await self.haproxy.wait()
            self.settings.socket.unlink(missing_ok=True)

    def signal_haproxy(self, number: signal.Signals) -> None:
        if self.haproxy is not None:
            self.haproxy.send_signal(number)

    def start_agent(self) -> None:
        self.agent = asyncio.create_task(run_gate(self.settings, self.api, self.api))

    async def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.cancel()
            with suppress(asyncio.CancelledError):
                await self.agent
            self.agent = None

    async def permit(self, *grants: Grant, keys: Iterable[SigningKey] = ()) -> None:
        """Have the API say that exactly these grants exist, and wait until the gate says that it is programmed."""
        self.api.say(grants, a_jwks(*(tuple(keys) or (self.key,))))
        await self.programmed()

    async def programmed(self) -> None:
        version = str(self.api.version)
        await until(lambda: version in self.api.published, f"resource version {version} to be published")

    def token(self, grant: Grant, key: SigningKey | None = None) -> str:
        now = max(self.clock.now(), grant.window.not_before)
        minted = mint(grant, subject=grant.subject.username, now=now, key=key or self.key, issuer=ISSUER, token_id="t1")
        return minted.text.reveal()

    async def ask(self, grant: Grant, path: str = "/", *, token: str | None = None, method: str = "GET") -> Answer:
        bearer = self.token(grant) if token is None else token
        return await ask(self.port, grant.host, path, method=method, token=bearer)

    async def served(self, grant: Grant) -> None:
        """Wait until a request of `grant` is served."""

        async def is_served() -> bool:
            return (await self.ask(grant)).status == 200

        await until(is_served, "a request to be served")

    async def command(self, line: str) -> str:
        runtime = RuntimeSocket(self.settings.socket)
        try:
            return (await runtime.ask([line]))[0]
        finally:
            runtime.close()


async def until(holds: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for a condition, with a deadline."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            while not await _is_so(holds()):  # noqa: ASYNC110  other processes set no event of ours
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"waited {_DEADLINE_S} s in vain for {what}") from None


async def _is_so(answer: bool | Awaitable[bool]) -> bool:  # noqa: FBT001  a condition's answer
    return answer if isinstance(answer, bool) else await answer


async def until_time(at: datetime) -> None:
    """Wait for the clock to reach a time."""
    await asyncio.sleep(max(0.0, (at - SystemClock().now()).total_seconds()))


@asynccontextmanager
async def running_gate(
    staleness: timedelta = timedelta(seconds=30), *, bind: str = "127.0.0.1", trusted_proxies: Iterable[str] = ()
) -> AsyncIterator[RunningGate]:
    """A gate with an agent, in a folder of its own. A short path: a socket's name has 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="jg-"))
    port = free_port()
    settings = GateSettings(
        gate_id="test",
        folder=folder,
        issuer=ISSUER,
        bind=f"{bind}:{port}",
        staleness=staleness,
        max_connections=400,
        trusted_proxies=tuple(trusted_proxies),
    )
    gate = RunningGate(settings, port, ApiStandIn(SystemClock()))
    try:
        write_files(settings)
        await gate.start_haproxy()
        gate.start_agent()
        yield gate
    finally:
        await gate.stop_agent()
        await gate.kill_haproxy()
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
