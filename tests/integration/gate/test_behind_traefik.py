"""The way of the local stack: Traefik says where a request comes from, whatever its client says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jitgress.local.parts import TRAEFIK_NETWORK, traefik_binary
from tests.integration.gate.asking_from import INSIDE, OUTSIDE, told
from tests.integration.gate.raw_client import request, send
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, free_port, running_gate, until
from tests.unit.gate.builders import HOST, a_grant

pytestmark = pytest.mark.real


@pytest.fixture
async def stack() -> AsyncIterator[RunningGate]:
    async with running_gate(trusted_proxies=[TRAEFIK_NETWORK]) as gate:
        yield gate


@pytest.fixture
async def ingress(stack: RunningGate, tmp_path: Path) -> AsyncIterator[int]:
    """Traefik's port; as in the stack, nothing is said of whom it should believe."""
    port = free_port()
    routes: dict[str, Any] = {
        "routers": {"gate": {"rule": f"Host(`{HOST}`)", "service": "gate"}},
        "services": {"gate": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{stack.port}"}]}}},
    }
    (tmp_path / "routes.yaml").write_text(json.dumps({"http": routes}))
    static = {
        "entryPoints": {"web": {"address": f"127.0.0.1:{port}"}},
        "providers": {"file": {"filename": str(tmp_path / "routes.yaml")}},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }
    (tmp_path / "traefik.yaml").write_text(json.dumps(static))
    traefik = await asyncio.create_subprocess_exec(
        str(traefik_binary()),
        f"--configFile={tmp_path / 'traefik.yaml'}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: has_route(port), "Traefik to have its route")
        yield port
    finally:
        traefik.kill()
        await traefik.wait()


async def has_route(port: int) -> bool:
    with suppress(OSError, asyncio.IncompleteReadError):
        return bool((await send(port, request(HOST, "/"))).reason)
    return False


LIES: dict[str, str] = {
    "nothing": "",
    "the address": f"X-Forwarded-For: {INSIDE}\r\n",
    "several": f"X-Forwarded-For: {INSIDE}\r\nX-Forwarded-For: {INSIDE}, {INSIDE}\r\n",
    "garbage": 'X-Forwarded-For: "x, <>\r\n',
    "a quote": 'X-Forwarded-For: "\r\n',
    "ipv4 inside ipv6": f"X-Forwarded-For: ::ffff:{INSIDE}\r\n",
    "underscores": f"X_Forwarded_For: {INSIDE}\r\nX-Forwarded_For: {INSIDE}\r\n",
    "a hop of its own": f"Connection: X-Forwarded-For, close\r\nX-Forwarded-For: {INSIDE}\r\n",
    "other headers": f"X-Real-Ip: {INSIDE}\r\nForwarded: for={INSIDE}\r\n",
}


async def test_what_a_client_says_of_itself_changes_nothing(
    stack: RunningGate, ingress: int, target: RecordingTarget
) -> None:
    grant = a_grant(address=target.address, sources=[f"{INSIDE}/32"], not_before=datetime.now(UTC))
    await stack.permit(grant)
    head = request(grant.host, "/", token=stack.token(grant)).removesuffix(b"\r\n")

    async def ask_through(source: str, lie: str) -> tuple[int, str]:
        return told(await send(ingress, head + LIES[lie].encode() + b"\r\n", source=source))

    for lie in LIES:
        assert await ask_through(OUTSIDE, lie) == (403, "source_outside"), lie
        assert await ask_through(INSIDE, lie) == (200, ""), lie
    assert len(target.heads) == len(LIES)
