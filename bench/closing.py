"""What happens at the end of a window: requests served too late, the first denial, and how late streams are cut.

The end is judged by this machine's clock, which is also the gate's: a request counts as served late if it was sent at
or after the end and answered with 200.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.figures import Figure, percentile
from bench.knocker import Knocker
from bench.stack import Access, People, running

WINDOWS_A_WAVE = 2
"""As many as the client follows without being late itself: ten knockers on one core answer 10 ms late on their own."""
SECONDS = 6
"""Of a wave's first window; each further one ends a second later, since all begin with a whole second."""
KNOCKERS_A_WINDOW = 2
AFTER_S = 0.5
MOST_WAVES = 60  # a bound, should the machine be too slow for the counts below
LEAST_WINDOWS, LEAST_REQUESTS = 50, 100_000


@dataclass(slots=True)
class Seen:
    """What was seen over all windows. Times are seconds after the end."""

    sent: int = 0
    sent_after: int = 0
    served_late: int = 0
    first_denials: list[float] = field(default_factory=list[float])
    cuts: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Let windows end under load, several at once, each with a WebSocket, events and a download open."""
    with running() as (env, _):
        seen = asyncio.run(_measure(env, say))
    cuts = [
        Figure(name=f"{kind} cut after the end, p99", value=percentile(late, 0.99) * 1000, unit="ms", target=100)
        for kind, late in seen.cuts.items()
    ]
    return [
        Figure(name="served after the end", value=seen.served_late, unit="requests", target=0),
        Figure(name="requests sent", value=seen.sent, unit="requests", target=100_000, is_ceiling=False),
        Figure(name="of these sent after the end", value=seen.sent_after, unit="requests"),
        Figure(name="windows ended", value=len(seen.first_denials), unit="windows", target=50, is_ceiling=False),
        Figure(
            name="first denial after the end, p99",
            value=percentile(seen.first_denials, 0.99) * 1000,
            unit="ms",
            target=10,
        ),
        *cuts,
    ]


async def _measure(env: dict[str, Any], say: Callable[[str], None]) -> Seen:
    seen = Seen()
    async with People(env) as people:
        for _ in range(MOST_WAVES):
            lengths = range(SECONDS, SECONDS + WINDOWS_A_WAVE)
            openings = [people.open("alice", "monitoring", "grafana", seconds, "/echo") for seconds in lengths]
            accesses = await asyncio.gather(*openings)
            await asyncio.gather(*(_window(people, access, seen) for access in accesses))
            ended = len(seen.first_denials)
            say(f"  {ended} windows, {seen.sent} requests, {seen.served_late} served late")
            if ended >= LEAST_WINDOWS and seen.sent >= LEAST_REQUESTS:
                break
    return seen


async def _window(people: People, access: Access, seen: Seen) -> None:
    """Use one window in every way until after its end."""
    host = people.host("grafana")
    *denials, _, _, _ = await asyncio.gather(
        *(_knock(people, access, host, seen) for _ in range(KNOCKERS_A_WINDOW)),
        _cut(people, access, "/sse", "server-sent events", seen),
        _cut(people, access, "/download?bytes=500000000&rate=50000", "download", seen),
        _websocket(people, access, host, seen),
    )
    seen.first_denials.append(min(late for late in denials if late is not None))


async def _knock(people: People, access: Access, host: str, seen: Seen) -> float | None:
    """Send requests without a pause until after the end; return when the first one was denied, in seconds after it."""
    denied_at: float | None = None
    url = httpx2.URL(str(people.env["ingress_url"]))
    async with Knocker((url.host, url.port or 443), people.tls, host, "/echo", access.token) as knocker:
        while (sent_at := time.time()) < access.not_after + AFTER_S:
            status = await knocker.knock()
            seen.sent += 1
            if sent_at >= access.not_after:
                seen.sent_after += 1
                seen.served_late += status == httpx2.codes.OK
            if status != httpx2.codes.OK and denied_at is None:
                denied_at = time.time()
    return None if denied_at is None else max(0.0, denied_at - access.not_after)


async def _cut(people: People, access: Access, path: str, kind: str, seen: Seen) -> None:
    last = 0.0
    with suppress(httpx2.HTTPError):
        async with people.stream(people.host("grafana"), path, access.token) as response:
            async for _ in response.aiter_raw():
                last = time.time()
    seen.cuts.setdefault(kind, []).append(max(0.0, last - access.not_after))


async def _websocket(people: People, access: Access, host: str, seen: Seen) -> None:
    url = httpx2.URL(str(people.env["ingress_url"]))
    async with connect(
        f"wss://{host}:{url.port}/ws",
        host=url.host,
        port=url.port,
        server_hostname=host,
        ssl=people.tls,
        additional_headers={"Jitgress-Authorization": f"Bearer {access.token}"},
        proxy=None,
        ping_interval=None,
    ) as socket:
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            seen.cuts.setdefault("WebSocket", []).append(max(0.0, time.time() - access.not_after))
