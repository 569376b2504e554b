"""The operator among many: how soon it knows the cluster after a restart, with how much memory, and acts on a change.

10,000 grants are open on 1,000 hosts, and 50,000 requests are closed, of which some were made today. Times of changes
are from the API server's answer to whoever made it until a watch tells that the grant is there, or gone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from bench import crowd
from bench.around import SYSTEM, Around, Program, an_operator_around
from bench.figures import Figure, percentile
from jitgress.crds.admitting import PORTAL
from jitgress.domain.clock import SystemClock
from jitgress.kube.client import KubeClient, Object
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REVIEWS

OPENED: Final = 10_000
CLOSED: Final = 50_000
CLOSED_TODAY: Final = 2_000
CHANGES: Final = 150
_PATIENCE_S: Final = 60.0
_CAROL: Final = "carol@example.test"


@dataclass(slots=True)
class Seen:
    """The times of changes, in seconds, by what was changed. `first`: when the first grant was there (monotonic)."""

    first: float = 0.0
    granted: list[float] = field(default_factory=list[float])
    revoked: list[float] = field(default_factory=list[float])


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Fill a cluster, start the operator on it, and change one thing after the other."""
    with an_operator_around() as around:
        targets = asyncio.run(crowd.furnish(around))
        operator = around.serve("filling")
        asyncio.run(crowd.fill(around, operator, targets, opened=OPENED, closed=CLOSED, closed_today=CLOSED_TODAY))
        say(f"  filled with {OPENED:,} grants and {CLOSED:,} closed requests")
        operator = around.serve("settling")
        operator.until_said("leading")
        operator.until_idle()
        operator.stop()
        say("  settled; restarting")
        return list(_restart(around, say))


def _restart(around: Around, say: Callable[[str], None]) -> Iterator[Figure]:
    began = time.monotonic()
    operator = around.serve("restarted")
    yield Figure(name="start to synced", value=operator.until_said("operator_synced") - began, unit="s", target=6)
    operator.until_said("leading")
    busy = asyncio.run(_change(around, range(CHANGES)))
    yield Figure(name="start to first grant", value=busy.first - began, unit="s")
    say(f"  {CHANGES} grants and revocations while it looks at everything")
    operator.until_idle()
    yield Figure(name="start to everything looked at", value=time.monotonic() - began, unit="s")
    calm = asyncio.run(_change(around, range(CHANGES, 2 * CHANGES)))
    edited = asyncio.run(_change(around, range(2 * CHANGES, 3 * CHANGES), is_policy_edited=True))
    yield from _figures("", calm)
    yield from _figures(" just after the start", busy)
    yield from _figures(" after a policy's edit", edited)
    yield from _memory(operator)


def _figures(when: str, seen: Seen) -> Iterator[Figure]:
    target = 100 if not when else None
    for what, times in (("request to grant", seen.granted), ("revocation to grant removed", seen.revoked)):
        yield Figure(name=f"{what}, p50{when}", value=percentile(times, 0.5) * 1000, unit="ms")
        yield Figure(name=f"{what}, p99{when}", value=percentile(times, 0.99) * 1000, unit="ms", target=target)


def _memory(operator: Program) -> Iterator[Figure]:
    yield Figure(name="operator and portal, most resident", value=operator.status("VmHWM"), unit="MB", target=300)
    yield Figure(name="operator and portal, resident", value=operator.status("VmRSS"), unit="MB", target=300)


async def _change(around: Around, numbers: range, *, is_policy_edited: bool = False) -> Seen:
    """Have somebody ask, and somebody else's grant revoked, one after the other."""
    seen = Seen()
    plane = around.plane
    async with (
        plane.client() as admin,
        plane.client(PORTAL) as portal,
        plane.client(_CAROL) as carol,
        following(admin) as grants,
    ):
        if is_policy_edited:
            policy = await admin.get(ACCESS_POLICIES, f"policy-{crowd.POLICIES - 1:02}")
            await admin.replace(ACCESS_POLICIES, {**policy, "spec": {**policy["spec"], "priority": 10}})
        for number in numbers:
            request = await crowd.ask(portal, number % crowd.TARGETS, f"asked-{number}", person=crowd.asker(number))
            accepted_at = time.monotonic()
            seen.granted.append(await grants.changed(request["metadata"]["uid"], accepted_at) - accepted_at)
            seen.first = seen.first or time.monotonic()
            copy = crowd.Copy(number)
            await _revoke(carol, copy)
            accepted_at = time.monotonic()
            seen.revoked.append(await grants.changed(copy.uid, accepted_at) - accepted_at)
    return seen


async def _revoke(carol: KubeClient, copy: crowd.Copy) -> None:
    reviewer = {"username": _CAROL, "groups": ["approvers", "system:authenticated"]}
    spec = {"request": {"name": copy.name, "uid": copy.uid}, "decision": "Revoke", "reviewer": reviewer}
    body = {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "metadata": {"generateName": "revoke-", "namespace": crowd.place(copy.target)},
        "spec": spec,
    }
    await carol.create(ACCESS_REVIEWS, body)


class Grants:
    """When each grant came or went last (monotonic), as a watch tells."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._changed = asyncio.Event()

    def take(self, old: Object | None, new: Object | None) -> None:
        found = new or old
        if found is not None and (old is None or new is None):
            self._at[found["metadata"]["name"]] = time.monotonic()
            self._changed.set()

    async def changed(self, name: str, since: float) -> float:
        """Wait until a grant came or went; return when. Earlier than `since` is at once."""
        async with asyncio.timeout(_PATIENCE_S):
            while name not in self._at:
                self._changed.clear()
                await self._changed.wait()
        return max(self._at.pop(name), since)


@asynccontextmanager
async def following(api: KubeClient) -> AsyncIterator[Grants]:
    """Watch the grants."""
    grants = Grants()
    reflector = Reflector(api, ACCESS_GRANTS, SystemClock(), namespace=SYSTEM)
    task = asyncio.create_task(reflector.run())
    await reflector.synced.wait()
    reflector.subscribe(grants.take)
    try:
        yield grants
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
