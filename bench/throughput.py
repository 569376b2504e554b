"""How many requests the operator decides and grants, against what the API server alone takes of the same writes.

Requests of an automatic policy are made for a minute, as fast as the API server takes them, by 200 people for 1,000
hosts in turn. A request counts once its status says Active: it was decided and recorded, its grant was made, its host
was published and seen refusing strangers, and all of that was written down. The gate and the ingress are simulated and
answer at once (`bench.around`). The reference writes the same objects and statuses by the same client, and does nothing
else.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from bench import crowd
from bench.around import Around, an_operator_around
from bench.crowd import furnish
from bench.figures import Figure
from bench.writes import Pattern, pattern_of, rate_of
from jitgress.audit.ledger import EventQuery, Ledger
from jitgress.crds.admitting import PORTAL
from jitgress.domain.clock import SystemClock
from jitgress.domain.event import EventCode
from jitgress.kube.client import KubeClient, Object
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS
from jitgress.operator.conditions import find_condition

SECONDS: Final = 60.0
AT_ONCE: Final = 8
REFERENCE_S: Final = 15.0
REFERENCES: Final = ((8, 1), (16, 2), (32, 2))
"""How many at once, from how many programs: the best of them is the reference."""
_PATIENCE_S: Final = 600.0
_ONCE: Final = (EventCode.REQUEST_RECEIVED, EventCode.GRANT_OPENED, EventCode.GRANT_ACTIVE)


class Asked:
    """The requests that were made, and what a watch tells of them."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.active: set[str] = set()
        self.opening: dict[str, Object] = {}
        """What each status said before the request was Active."""
        self.last_at = 0.0
        self._changed = asyncio.Event()

    def take(self, _old: Object | None, new: Object | None) -> None:
        status = (new or {}).get("status", {})
        if new is None or "grant" not in status:
            return
        uid = new["metadata"]["uid"]
        if (find_condition(status, "Active") or {}).get("status") == "True":
            if uid not in self.active:
                self.last_at = time.monotonic()
            self.active.add(uid)
            self._changed.set()
        else:
            self.opening.setdefault(uid, status)

    async def until_all_are_active(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not self.made <= self.active:
                self._changed.clear()
                await self._changed.wait()


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Run the operator, then the reference, on one API server."""
    with an_operator_around() as around:
        asyncio.run(furnish(around))
        operator = around.serve("operator")
        operator.until_said("leading")
        operator.until_idle()
        asked = Asked()
        rate, pattern = asyncio.run(_ask(around, asked))
        say(f"  {len(asked.made):,} requests, {rate:.1f} a second")
        operator.stop()
        lost, doubled = asyncio.run(_amiss(around, asked))
        rates = [
            rate_of(pattern, around.folder, f"alone-{number}", REFERENCE_S, at_once=at_once, programs=programs)
            for number, (at_once, programs) in enumerate(REFERENCES)
        ]
        say(f"  the API server alone: {', '.join(f'{each:.1f}' for each in rates)} a second")
    return [
        Figure(
            name="requests decided and granted",
            value=rate,
            unit="/s",
            target=0.8,
            is_ceiling=False,
            reference="API server alone",
            reference_value=max(rates),
        ),
        Figure(name="requests made in a minute", value=len(asked.made), unit="requests"),
        Figure(name="writes a request", value=pattern.count, unit="writes"),
        Figure(name="lost", value=lost, unit="requests", target=0),
        Figure(name="recorded or granted twice", value=doubled, unit="requests", target=0),
    ]


async def _ask(around: Around, asked: Asked) -> tuple[float, Pattern]:
    """Make requests for a while; return how many a second were granted until the last one was, and what one costs."""
    async with around.plane.client() as admin, around.plane.client(PORTAL) as portal:
        reflector = Reflector(admin, ACCESS_REQUESTS, SystemClock())
        reflector.subscribe(asked.take)
        following = asyncio.create_task(reflector.run())
        await reflector.synced.wait()
        began = time.monotonic()
        await asyncio.gather(*(_ask_on(portal, worker, began, asked) for worker in range(AT_ONCE)))
        await asked.until_all_are_active()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        typical = next(each for each in reflector.values() if each["metadata"]["uid"] in asked.opening)
        pattern = await pattern_of(around.plane, typical, asked.opening[typical["metadata"]["uid"]])
    return len(asked.made) / (asked.last_at - began), pattern


async def _ask_on(portal: KubeClient, worker: int, began: float, asked: Asked) -> None:
    number = 0
    while time.monotonic() < began + SECONDS:
        turn = number * AT_ONCE + worker
        made = await crowd.ask(portal, turn % crowd.TARGETS, f"asked-{turn}", person=crowd.asker(turn))
        asked.made.add(made["metadata"]["uid"])
        number += 1


async def _amiss(around: Around, asked: Asked) -> tuple[int, int]:
    """Return how many requests lack an event or their grant, and how many have one twice."""
    ledger = Ledger.open(around.ledger_url, read_only=True)
    try:
        events = Counter(
            (entry.event.request.uid, entry.event.code)
            for entry in ledger.events(EventQuery(codes=frozenset(_ONCE)))
            if entry.event.request is not None
        )
    finally:
        ledger.close()
    grants = Counter(await _granted(around))
    lost = [uid for uid in asked.made if not grants[uid] or not all(events[uid, code] for code in _ONCE)]
    twice = [uid for uid in asked.made if grants[uid] > 1 or any(events[uid, code] > 1 for code in _ONCE)]
    return len(lost), len(twice) + len(grants.keys() - asked.made)


async def _granted(around: Around) -> list[str]:
    """Return the UID of the request of every grant."""
    found: list[str] = []
    next_page: str | None = None
    async with around.plane.client() as admin:
        while True:
            page = await admin.list_page(ACCESS_GRANTS, None, limit=500, next_page=next_page)
            found += (each["spec"]["request"]["uid"] for each in page.items)
            if page.next is None:
                return found
            next_page = page.next
