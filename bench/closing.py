"""What happens at the end of a window: requests served too late, the first denial, and how late streams are cut.

The end is judged by this machine's clock, which is also the gate's: a request counts as served late if it was sent at
or after the end and answered with 200.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.figures import Figure, percentile
from bench.stack import Access, People, running

WAVES, WINDOWS_A_WAVE = 5, 10
SECONDS = 4
KNOCKERS_A_WINDOW = 4
AFTER_S = 1.0


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


async def _measure(env: dict[str, object], say: Callable[[str], None]) -> Seen:
    seen = Seen()
    async with People(env) as people:
        for wave in range(WAVES):
            openings = [people.open("alice", "monitoring", "grafana", SECONDS, "/echo") for _ in range(WINDOWS_A_WAVE)]
            accesses = await asyncio.gather(*openings)
            await asyncio.gather(*(_window(people, access, seen) for access in accesses))
            say(f"  {(wave + 1) * WINDOWS_A_WAVE} windows, {seen.sent} requests, {seen.served_late} served late")
    return seen


async def _window(people: People, access: Access, seen: Seen) -> None:
    host = people.host("grafana")
    streams = (
        _cut(people, access, host, "/sse", "server-sent events", seen),
        _cut(people, access, host, "/download?bytes=500000000&rate=100000", "download", seen),
        _websocket(people, access, host, seen),
    )
    denials = [_knock(people, access, host, seen) for _ in range(KNOCKERS_A_WINDOW)]
    first, *_ = await asyncio.gather(_earliest(denials), *streams)
    seen.first_denials.append(first)


async def _earliest(knocks: list[object]) -> float:
    return min(await asyncio.gather(*knocks))  # type: ignore[call-overload]


async def _knock(people: People, access: Access, host: str, seen: Seen) -> float:
    """Send requests without a pause until a second after the end; return when the first one was denied."""
    denied_at: float | None = None
    while (sent_at := time.time()) < access.not_after + AFTER_S:
        status = await people.status(host, "/echo", access.token)
        seen.sent += 1
        if sent_at >= access.not_after:
            seen.sent_after += 1
            seen.served_late += status == httpx2.codes.OK
        if status != httpx2.codes.OK and denied_at is None:
            denied_at = time.time()
    return (denied_at or time.time()) - access.not_after


async def _cut(people: People, access: Access, host: str, path: str, kind: str, seen: Seen) -> None:
    last = 0.0
    try:
        async with people.stream(host, path, access.token) as response:
            async for _ in response.aiter_raw():
                last = time.time()
    except httpx2.HTTPError:
        pass
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
