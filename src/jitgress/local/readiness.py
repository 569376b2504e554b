"""Waits until the parts of the stack do their work, and names the one that is to blame when they don't."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from jitgress.domain.clock import Clock
from jitgress.kube.client import KubeApi
from jitgress.local import cluster
from jitgress.local.control_plane.server import not_ready
from jitgress.local.people import NAMESPACE
from jitgress.local.processes import Processes, is_alive

PATIENCE_S: Final = 30.0
_TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """Something that has to hold, and the process that is to blame when it doesn't."""

    what: str
    process: str
    holds: Callable[[], Awaitable[bool]]


def checks(api: KubeApi, portal_address: str, health_port: int) -> Sequence[Check]:
    """Return the stack's checks: ingress and portal answer, the targets are Ready, the gate is programmed."""
    return (
        Check("Traefik", "traefik", lambda: _answers(f"http://127.0.0.1:{health_port}/ping")),
        Check("the portal", "operator", lambda: _answers(f"http://{portal_address}/readyz")),
        Check("every target", "operator", lambda: cluster.targets_are_ready(api)),
        Check("the gate", "agent", lambda: cluster.gate_is_live(api, NAMESPACE)),
    )


async def wait_until_ready(
    wanted: Iterable[Check], processes: Processes, clock: Clock, names: Sequence[str], patience_s: float = PATIENCE_S
) -> None:
    """Wait until all that is wanted holds. Raises `NotReadyError` when it takes too long, or one of `names` dies."""
    deadline = clock.monotonic() + patience_s
    for each in wanted:
        while not await each.holds():
            known = processes.known()
            dead = [name for name in names if name not in known or not is_alive(known[name])]
            if dead or clock.monotonic() > deadline:
                raise not_ready(each.what, dead, dead[0] if dead else each.process, processes, patience_s)
            await asyncio.sleep(_TICK_S)


async def _answers(url: str) -> bool:
    async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
        try:
            return (await client.get(url)).is_success
        except httpx2.HTTPError:
            return False
