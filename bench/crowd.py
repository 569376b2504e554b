"""Fills a cluster and its ledger with what an operator would have left behind: open requests, and many closed ones.

One of each kind is made by the operator itself; the others are copies of these under other names, put into etcd where
the API server keeps them. That takes seconds where the API would take minutes, and each field is as it would be.
"""

import asyncio
import base64
import json
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

import httpx2

from bench.around import SYSTEM, Around, Program
from jitgress.audit.ledger import EventQuery, Ledger, prepare
from jitgress.crds.admitting import PORTAL
from jitgress.domain.clock import SystemClock
from jitgress.domain.event import Event, event_id
from jitgress.domain.request import RequestRef
from jitgress.kube.client import KubeClient, Object
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_TARGETS,
    NAMESPACES,
    SERVICES,
    Resource,
)
from jitgress.local.cluster import put
from jitgress.operator.conditions import find_condition

PLACES: Final = 50
TARGETS: Final = 1_000
PEOPLE: Final = 2_000
POLICIES: Final = 50
ALICE: Final = "alice@example.test"
ASKERS: Final = 200
"""Who asks while it is measured, in turn. The portal's account makes the requests, as for those who sign in there."""
LONGEST_S: Final = 80_000
_SHORT_S: Final = 2
_LONG_AGO: Final = timedelta(days=3)
"""How old settled requests are: so young that none is due for removal, which would be looked at one by one."""
_AT_ONCE: Final = 16
_OPERATIONS: Final = 100  # of one transaction; etcd takes 128
_EVENTS: Final = 2_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Template:
    """One request, or a grant, as etcd has it, and the events of a request."""

    resource: Resource
    name: str
    uid: str
    text: str
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A target that was made: its UID, and the address that it opens to."""

    uid: str
    address: str


@dataclass(frozen=True, slots=True)
class Kinds:
    """The templates: a request that is open, one that is over, one that was denied, the grant of the first."""

    is_open: Template
    is_over: Template
    is_denied: Template
    grant: Template
    targets: Sequence[Made]


@dataclass(frozen=True, slots=True)
class Copy:
    """Whose the request number so and so is, and for what."""

    number: int

    @property
    def name(self) -> str:
        return f"request-{self.number:06}"

    @property
    def uid(self) -> str:
        return str(uuid.UUID(int=(0xC0FFEE << 96) | self.number, version=4))

    @property
    def target(self) -> int:
        return self.number % TARGETS

    @property
    def person(self) -> str:
        return f"user-{self.number % PEOPLE:05}@example.test"


def place(target: int) -> str:
    """Return the namespace of a target."""
    return f"place-{target % PLACES:03}"


def target_name(target: int) -> str:
    """Return the name of a target."""
    return f"target-{target:04}"


def host(target: int) -> str:
    """Return the host of a target."""
    return f"{target_name(target)}.jit.localhost"


async def furnish(around: Around, targets: int = TARGETS) -> list[Made]:
    """Put in the places, Services, targets and policies; return the targets."""
    async with around.plane.client() as admin:
        for number in range(PLACES):
            await admin.create(NAMESPACES, {"metadata": {"name": place(number)}})
        for policy in _policies():
            await admin.create(ACCESS_POLICIES, policy)
        await put(admin, [_asking()])
        return await at_once([_target(admin, number) for number in range(targets)])


def asker(number: int) -> str:
    """Return who makes the request number so and so."""
    return f"asker-{number % ASKERS:03}@example.test"


async def ask(api: KubeClient, target: int, name: str, *, person: str = ALICE, seconds: int = LONGEST_S) -> Object:
    """Have somebody ask for a target; others than who signs in only through the portal's account."""
    body = {
        "apiVersion": ACCESS_REQUESTS.api_version,
        "kind": ACCESS_REQUESTS.kind,
        "metadata": {"name": name, "namespace": place(target)},
        "spec": {
            "target": target_name(target),
            "requester": {"username": person, "groups": ["dev", "system:authenticated"]},
            "reason": "look into the errors of last night's import",
            "durationSeconds": seconds,
        },
    }
    return await api.create(ACCESS_REQUESTS, body)


async def fill(
    around: Around, operator: Program, targets: Sequence[Made], *, opened: int, closed: int, closed_today: int
) -> None:
    """Put in the requests with their grants and events. `operator` makes the templates and is stopped then."""
    operator.until_said("leading")
    kinds = await _templates(around, targets)
    operator.stop()
    every = list(_every(kinds, opened=opened, closed=closed))
    ledger = Ledger.open(around.ledger_url)
    try:
        for some in _batches(_events(every, targets), _EVENTS):
            ledger.append_all([prepare(event) for event in some])
    finally:
        ledger.close()
    objects = [_request(kind, copy, targets, is_settled=copy.number >= opened + closed_today) for kind, copy in every]
    objects += [_grant(kinds.grant, Copy(number), targets) for number in range(opened)]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{around.plane.addresses.etcd}", timeout=60) as etcd:
        await at_once([_put(etcd, some) for some in _batches(objects, _OPERATIONS)])
    # It never sees so many changes of one revision from anybody else, and would doubt its cache for minutes.
    await asyncio.to_thread(_restart_apiserver, around)


def _restart_apiserver(around: Around) -> None:
    around.plane.kill_apiserver()
    around.plane.start_apiserver()


async def at_once(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it, some at once; return the outcomes in order."""
    permits = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with permits:
            return await each

    return await asyncio.gather(*map(one, work))


def _every(kinds: Kinds, *, opened: int, closed: int) -> Iterator[tuple[Template, Copy]]:
    """Yield what each request is a copy of. Of the closed ones a fifth was denied."""
    for number in range(opened + closed):
        kind = kinds.is_open if number < opened else kinds.is_denied if number % 5 == 0 else kinds.is_over
        yield kind, Copy(number)


def _events(every: Iterable[tuple[Template, Copy]], targets: Sequence[Made]) -> Iterator[Event]:
    for kind, copy in every:
        for event in kind.events:
            yield replace(
                event,
                id=event_id(copy.uid, event.code),
                actor=_renamed(event.actor, kind, copy, targets),
                subject=copy.person,
                request=RequestRef(place(copy.target), copy.name, copy.uid),
                data=json.loads(_renamed(json.dumps(event.data), kind, copy, targets)),
            )


def _renamed(text: str, template: Template, copy: Copy, targets: Sequence[Made]) -> str:
    """Return a text about the template as one about the copy. Templates are for target 0, by alice."""
    changes = (
        (targets[0].uid, targets[copy.target].uid),
        (targets[0].address, targets[copy.target].address),
        (template.uid, copy.uid),
        (template.name, copy.name),
        (place(0), place(copy.target)),
        (target_name(0), target_name(copy.target)),
        (ALICE, copy.person),
    )
    for old, new in changes:
        text = text.replace(old, new)
    return text


def _request(template: Template, copy: Copy, targets: Sequence[Made], *, is_settled: bool) -> tuple[str, str]:
    """Return etcd's key and value of a request."""
    found = json.loads(_renamed(template.text, template, copy, targets))
    if is_settled:
        found["metadata"]["creationTimestamp"] = f"{datetime.now(UTC) - _LONG_AGO:%Y-%m-%dT%H:%M:%SZ}"
        found["status"]["settled"] = True
    return _etcd_key(ACCESS_REQUESTS, place(copy.target), copy.name), json.dumps(found)


def _grant(template: Template, copy: Copy, targets: Sequence[Made]) -> tuple[str, str]:
    """Return etcd's key and value of a grant."""
    found = json.loads(_renamed(template.text, template, copy, targets))
    found["metadata"]["uid"] = str(uuid.UUID(int=(0xFACADE << 96) | copy.number, version=4))
    return _etcd_key(ACCESS_GRANTS, SYSTEM, copy.uid), json.dumps(found)


def _etcd_key(resource: Resource, namespace: str, name: str) -> str:
    return f"/registry/{resource.group}/{resource.plural}/{namespace}/{name}"


async def _put(etcd: httpx2.AsyncClient, objects: Iterable[tuple[str, str]]) -> None:
    puts = [{"request_put": {"key": _base64(key), "value": _base64(value)}} for key, value in objects]
    answer = await etcd.post("/v3/kv/txn", json={"success": puts})
    answer.raise_for_status()


async def _templates(around: Around, targets: Sequence[Made]) -> Kinds:
    """Have the operator make one of each kind: open, closed after its time, denied, and the grant of the first."""
    async with around.plane.client(ALICE) as alice, around.plane.client() as admin:
        over = await ask(alice, 0, "template-over", seconds=_SHORT_S)
        await _until(admin, over, lambda status: "hiddenAt" in status)
        denied = await ask(alice, 0, "template-denied", seconds=LONGEST_S + 1)
        await _until(admin, denied, lambda status: find_condition(status, "Closed") is not None)
        opened = await ask(alice, 0, "template-open")
        await _until(admin, opened, lambda status: "activeAt" in status)
        made = [await _template(around, ACCESS_REQUESTS, each) for each in (opened, over, denied)]
        grant = await admin.get(ACCESS_GRANTS, opened["metadata"]["uid"], SYSTEM)
        text = await _read(around, ACCESS_GRANTS, grant)
    first, second, third = made
    return Kinds(first, second, third, Template(ACCESS_GRANTS, first.name, first.uid, text), targets)


async def _template(around: Around, resource: Resource, found: Object) -> Template:
    uid = found["metadata"]["uid"]
    ledger = Ledger.open(around.ledger_url, read_only=True)
    try:
        events = tuple(entry.event for entry in ledger.events(EventQuery(request_uid=uid)))
    finally:
        ledger.close()
    return Template(resource, found["metadata"]["name"], uid, await _read(around, resource, found), events)


async def _read(around: Around, resource: Resource, found: Object) -> str:
    key = _etcd_key(resource, found["metadata"]["namespace"], found["metadata"]["name"])
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{around.plane.addresses.etcd}") as etcd:
        answer = await etcd.post("/v3/kv/range", json={"key": _base64(key)})
    answer.raise_for_status()
    return base64.b64decode(answer.json()["kvs"][0]["value"]).decode()


async def _until(api: KubeClient, request: Object, is_so: Callable[[Object], bool]) -> None:
    metadata = request["metadata"]
    reflector = Reflector(api, ACCESS_REQUESTS, SystemClock(), namespace=metadata["namespace"], name=metadata["name"])
    is_reached = asyncio.Event()

    def look(_old: Object | None, new: Object | None) -> None:
        if new is not None and is_so(new.get("status", {})):
            is_reached.set()

    reflector.subscribe(look)
    following = asyncio.create_task(reflector.run())
    try:
        await is_reached.wait()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _target(admin: KubeClient, number: int) -> Made:
    namespace, name = place(number), target_name(number)
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    body = {"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": ports}}
    address = (await admin.create(SERVICES, body))["spec"]["clusterIP"]
    spec = {"service": {"name": name, "port": "http"}, "host": host(number), "paths": ["/"], "methods": ["GET", "POST"]}
    made = await admin.create(ACCESS_TARGETS, _ours("AccessTarget", {"name": name, "namespace": namespace}, spec))
    return Made(made["metadata"]["uid"], f"{address}:80")


def _policies() -> Iterator[Object]:
    """Yield policies of which the last one decides for developers, in every place."""
    for number in range(POLICIES):
        group = "dev" if number == POLICIES - 1 else f"team-{number}"
        yield _ours(
            "AccessPolicy",
            {"name": f"policy-{number:02}"},
            {
                "priority": 100 + number,
                "subjects": [{"kind": "Group", "name": group}],
                "targets": {"namespaces": [place(target) for target in range(PLACES)]},
                "maxDurationSeconds": LONGEST_S,
                "approval": {"required": 0, "approvers": [{"kind": "Group", "name": "approvers"}]},
            },
        )


def _asking() -> Object:
    """Return what lets the portal's account make requests for those who ask."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "bench-portal-asks"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "jitgress-requester"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": PORTAL}],
    }


def _ours(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> Object:
    return {"apiVersion": "jitgress.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _batches(found: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(found)
    while batch := list(islice(iterator, size)):
        yield batch


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
