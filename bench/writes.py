"""The writes that one request costs, straight at the API server: what an operator that took no time would sustain.

Run as a program it repeats them for a while and prints how often: `python -m bench.writes FILE PREFIX SECONDS AT_ONCE`.
FILE holds a `Pattern` as JSON, which is what an operator wrote for one request.
"""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench import crowd
from bench.around import ACCOUNT, SYSTEM
from jitgress.crds.admitting import PORTAL
from jitgress.kube.client import KubeClient, Object
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, EVENTS, INGRESSES
from tests.integration.control_plane import ControlPlane

_KEPT: Final = ("name", "namespace", "labels", "annotations", "ownerReferences")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an operator wrote for one request, and who may write it. `statuses`: in order, all of the request."""

    requester: str
    operator: str
    request: dict[str, Any]
    statuses: list[dict[str, Any]]
    grant: dict[str, Any]
    grant_status: dict[str, Any]
    route: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def count(self) -> int:
        """How many writes there are."""
        return 4 + len(self.statuses) + len(self.events)


async def pattern_of(plane: ControlPlane, request: Object, opening: Object) -> Pattern:
    """Return the pattern that an operator made of `request`; `opening` is what its status said at first."""
    metadata = request["metadata"]
    async with plane.client() as admin:
        grant = await admin.get(ACCESS_GRANTS, metadata["uid"], SYSTEM)
        routes = (await admin.list_page(INGRESSES, SYSTEM, limit=500, next_page=None)).items
        events = (await admin.list_page(EVENTS, metadata["namespace"], limit=500, next_page=None)).items
    route = next(each for each in routes if each["spec"]["rules"][0]["host"] == grant["spec"]["host"])
    return Pattern(
        requester=str(plane.layout.kubeconfig(PORTAL)),
        operator=str(plane.layout.kubeconfig(ACCOUNT)),
        request=_bare(request),
        statuses=[dict(opening), dict(request["status"])],
        grant=_bare(grant),
        grant_status=dict(grant["status"]),
        route=_bare(route),
        events=[_bare(each) for each in events if each["regarding"]["uid"] == metadata["uid"]],
    )


def rate_of(pattern: Pattern, folder: Path, prefix: str, seconds: float, *, at_once: int, programs: int) -> float:
    """Return how many requests a second the API server sustains with so many programs."""
    file = folder / "pattern.json"
    file.write_text(json.dumps(asdict(pattern)))
    share = str(at_once // programs)
    words = [
        [sys.executable, "-m", "bench.writes", str(file), f"{prefix}-{number}", str(seconds), share]
        for number in range(programs)
    ]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True) for each in words]
    return sum(float(each.communicate()[0]) for each in running)


@asynccontextmanager
async def _clients(pattern: Pattern) -> AsyncIterator[tuple[KubeClient, KubeClient]]:
    async with (
        KubeClient.connect(Path(pattern.requester)) as requester,
        KubeClient.connect(Path(pattern.operator)) as operator,
    ):
        yield requester, operator


async def _repeat(pattern: Pattern, prefix: str, seconds: float, at_once: int) -> float:
    """Do it again and again; return how often a second."""
    done = 0
    began = time.monotonic()
    async with _clients(pattern) as (requester, operator):

        async def work(worker: int) -> None:
            nonlocal done
            number = 0
            while time.monotonic() < began + seconds:
                await _once(pattern, requester, operator, f"{prefix}-{worker}-{number}", number * at_once + worker)
                number, done = number + 1, done + 1

        await asyncio.gather(*map(work, range(at_once)))
    return done / (time.monotonic() - began)


async def _once(pattern: Pattern, requester: KubeClient, operator: KubeClient, name: str, number: int) -> None:
    """Write all that is written for one request, in the operator's order."""
    target = number % crowd.TARGETS
    place, uid = crowd.place(target), str(uuid.uuid4())
    spec = {**pattern.request["spec"], "target": crowd.target_name(target)}
    await requester.create(ACCESS_REQUESTS, {**pattern.request, "metadata": _at(name, place), "spec": spec})
    first, *others = pattern.statuses
    await operator.create(ACCESS_GRANTS, {**pattern.grant, "metadata": {**pattern.grant["metadata"], "name": uid}})
    await operator.apply_status(ACCESS_REQUESTS, name, place, first)
    for count, event in enumerate(pattern.events):
        about = {**event["regarding"], "namespace": place, "name": name}
        await operator.create(EVENTS, {**event, "metadata": _at(f"{name}.{count}", place), "regarding": about})
    await operator.apply(INGRESSES, _published(pattern.route, target, uid))
    await operator.apply_status(ACCESS_GRANTS, uid, SYSTEM, pattern.grant_status)
    for status in others:
        await operator.apply_status(ACCESS_REQUESTS, name, place, status)


def _published(route: Object, target: int, uid: str) -> Object:
    """Return the route of one target, owned by the grant with this UID."""
    owner = {**route["metadata"]["ownerReferences"][0], "name": uid, "uid": uid}
    metadata = {**route["metadata"], "name": f"jitgress-{crowd.target_name(target)}-bench", "ownerReferences": [owner]}
    return {**route, "metadata": metadata}


def _at(name: str, namespace: str) -> Object:
    return {"name": name, "namespace": namespace}


def _bare(found: Object) -> dict[str, Any]:
    """Return an object without what the server wrote."""
    metadata = {key: value for key, value in found["metadata"].items() if key in _KEPT}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


if __name__ == "__main__":
    made = Pattern(**json.loads(Path(sys.argv[1]).read_text()))
    print(asyncio.run(_repeat(made, sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
