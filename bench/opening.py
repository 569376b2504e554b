"""How long a person waits: from the approval that the API server accepted to the first 200 through Traefik."""

import asyncio
from collections.abc import Callable
from typing import Any

from bench.figures import Figure, percentile
from bench.stack import People, running

ROUNDS = 60
PAUSE_S = 1.5
"""The portal issues a person 30 tokens at once and then one a second; asking for one too soon counts."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Open and revoke one window after the other."""
    with running() as (env, _):
        return asyncio.run(_measure(env, say))


async def _measure(env: dict[str, Any], say: Callable[[str], None]) -> list[Figure]:
    opening: list[float] = []
    revoking: list[float] = []
    async with People(env) as people:
        host = people.host("orders")
        for number in range(ROUNDS):
            who = ("alice", "bob")[number % 2]
            request = await people.ask(who, "shop", "orders", 60)
            accepted_at = await people.review("carol", request, "Approve")
            token = await people.token(who, request)
            opening.append(await people.until(host, "/echo", token, is_open=True) - accepted_at)
            revoked_at = await people.review("carol", request, "Revoke")
            revoking.append(await people.until(host, "/echo", token, is_open=False) - revoked_at)
            await asyncio.sleep(PAUSE_S)
            if number % 20 == 19:
                say(f"  {number + 1} of {ROUNDS} windows")
    return [
        Figure(name="approval to first 200, p50", value=percentile(opening, 0.5) * 1000, unit="ms", target=150),
        Figure(name="approval to first 200, p99", value=percentile(opening, 0.99) * 1000, unit="ms", target=400),
        Figure(name="revocation to denied, p50", value=percentile(revoking, 0.5) * 1000, unit="ms"),
        Figure(name="revocation to denied, p99", value=percentile(revoking, 0.99) * 1000, unit="ms", target=250),
        Figure(name="windows opened and revoked", value=ROUNDS, unit="windows"),
    ]
