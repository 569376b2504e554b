"""A cluster for the command line: a simulated API server, a caller, and an operator that answers as it was told."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import httpx2

from jitgress.cli.connection import Connection
from jitgress.cli.main import run
from jitgress.cli.options import Options
from jitgress.cli.outside import Outside
from jitgress.domain.subject import Subject
from jitgress.domain.window import format_time
from jitgress.kube.client import Object
from jitgress.kube.resources import (
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    SELF_SUBJECT_REVIEWS,
    Resource,
)
from tests.unit.cli.simulated_api import SimulatedApi

NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)
ALICE = Subject("alice@example.test", frozenset({"dev", "system:authenticated"}))
CAROL = Subject("carol@example.test", frozenset({"approvers", "system:authenticated"}))
SERVER = "https://127.0.0.1:6443"

Answer = Callable[[Object], Sequence[Mapping[str, Any]]]
"""From a created object to the statuses that the operator gives it, one after the other."""


@dataclass
class StandingClock:
    """Tells the same time until it is told another."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


class AnsweringApi(SimulatedApi):
    """The simulator with a caller, and an operator that acts after each creation."""

    def __init__(
        self, caller: Subject, answers: Mapping[Resource, Answer], extra: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(NOW)
        self._caller = caller
        self._extra = extra
        self._answers = answers
        self.refusals: Mapping[Resource, Exception] = {}
        self._acting: set[asyncio.Task[None]] = set()
        self.created: list[Object] = []

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        if resource == SELF_SUBJECT_REVIEWS:
            user = {"username": self._caller.username, "groups": sorted(self._caller.groups)}
            extra = {} if self._extra is None else {"extra": self._extra}
            return {**body, "status": {"userInfo": user | extra}}
        if resource in self.refusals:
            raise self.refusals[resource]
        created = await super().create(resource, body, namespace)
        self.created.append(created)
        if resource in self._answers:
            self._acting.add(asyncio.create_task(self._act(resource, created)))
        return created

    async def _act(self, resource: Resource, created: Object) -> None:
        metadata = created["metadata"]
        for status in self._answers[resource](created):
            await asyncio.sleep(0)
            await self.apply_status(resource, metadata["name"], metadata["namespace"], status)


@dataclass
class Cluster:
    """What a test says about the cluster; `run` runs one command in it."""

    caller: Subject = ALICE
    extra: Mapping[str, Sequence[str]] | None = None
    """What the API server says of the caller beside name and groups."""
    clock: StandingClock = field(default_factory=StandingClock)
    zone: tzinfo = UTC
    environ: dict[str, str] = field(default_factory=lambda: {"COLUMNS": "120"})
    seeds: list[tuple[Resource, Object]] = field(default_factory=list[tuple[Resource, Object]])
    answers: dict[Resource, Answer] = field(default_factory=dict[Resource, Answer])
    refusals: dict[Resource, Exception] = field(default_factory=dict[Resource, Exception])
    created: list[Object] = field(default_factory=list[Object])
    failure: BaseException | None = None
    forbidden: set[Resource] = field(default_factory=set[Resource])
    bearer: str | None = "kube-token"
    transport: httpx2.AsyncBaseTransport | None = None

    def run(self, *arguments: str) -> int:
        outside = Outside(
            clock=self.clock, environ=self.environ, zone=self.zone, connect=self._connect, transport=self.transport
        )
        return run(arguments, outside)

    @asynccontextmanager
    async def _connect(self, _options: Options) -> AsyncGenerator[Connection]:
        if self.failure is not None:
            raise self.failure
        api = AnsweringApi(self.caller, self.answers, self.extra)
        api.forbidden = self.forbidden
        api.refusals = self.refusals
        for resource, seed in self.seeds:
            await SimulatedApi.create(api, resource, seed)
        yield Connection(api=api, server=SERVER, bearer=self._bearer)
        self.created += api.created

    async def _bearer(self) -> str | None:
        return self.bearer

    def has_target(self, name: str = "orders", *, ready: bool = True, **spec: Any) -> "Cluster":
        standing = {"type": "Ready", "status": str(ready), "reason": "Ready" if ready else "NoService"}
        message = "opens to 127.64.0.7:80" if ready else "its Service is missing"
        body = {
            "apiVersion": ACCESS_TARGETS.api_version,
            "kind": ACCESS_TARGETS.kind,
            "metadata": {"namespace": "shop", "name": name, "uid": f"uid-of-{name}"},
            "spec": {
                "service": {"name": name, "port": 80},
                "host": f"{name}.example.test",
                "paths": ["/api", "/health"],
                "methods": ["GET", "POST"],
                **spec,
            },
            "status": {"conditions": [{**standing, "message": message}]},
        }
        self.seeds.append((ACCESS_TARGETS, body))
        return self

    def has_request(self, name: str, status: Mapping[str, Any], age: timedelta = timedelta(), **spec: Any) -> "Cluster":
        body = {
            "apiVersion": ACCESS_REQUESTS.api_version,
            "kind": ACCESS_REQUESTS.kind,
            "metadata": {
                "namespace": "shop",
                "name": name,
                "uid": f"uid-of-{name}",
                "creationTimestamp": format_time(NOW - age),
            },
            "spec": {
                "target": "orders",
                "requester": {"username": ALICE.username, "groups": sorted(ALICE.groups)},
                "reason": "INC-123 stuck orders",
                "durationSeconds": 1800,
                **spec,
            },
            "status": status,
        }
        self.seeds.append((ACCESS_REQUESTS, body))
        return self

    def has_policy(self, name: str = "dev-orders", **spec: Any) -> "Cluster":
        body = {
            "apiVersion": ACCESS_POLICIES.api_version,
            "kind": ACCESS_POLICIES.kind,
            "metadata": {"name": name},
            "spec": {
                "priority": 100,
                "subjects": [{"kind": "Group", "name": "dev"}],
                "targets": {"namespaces": ["shop"]},
                "maxDurationSeconds": 3600,
                "approval": {
                    "required": 1,
                    "approvers": [{"kind": "Group", "name": "approvers"}],
                    "timeoutSeconds": 3600,  # as the API server fills it in
                },
                **spec,
            },
        }
        self.seeds.append((ACCESS_POLICIES, body))
        return self

    def has_review(
        self, name: str, request: str, decision: str, reviewer: Subject, counted: Mapping[str, Any], **less: Any
    ) -> None:
        body = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "metadata": {"namespace": "shop", "name": name, "creationTimestamp": format_time(NOW)},
            "spec": {
                "request": {"name": request, "uid": f"uid-of-{request}"},
                "decision": decision,
                "reviewer": {"username": reviewer.username, "groups": sorted(reviewer.groups)},
                **less,
            },
            "status": counted,
        }
        self.seeds.append((ACCESS_REVIEWS, body))


def status(state: str, message: str = "", **more: Any) -> dict[str, Any]:
    """Return the status of a request in `state`."""
    condition = {"type": "Active", "status": str(state == "Active"), "reason": state, "message": message}
    return {"message": message, "conditions": [condition], **more}


def pending() -> dict[str, Any]:
    return status(
        "Pending",
        "0 of 1 approvals; these may approve: group approvers",
        policy="dev-orders",
        approvals={"required": 1, "counted": 0, "by": []},
        waitingFor=["group approvers"],
    )


def scheduled(ahead: timedelta = timedelta(hours=4), duration: timedelta = timedelta(minutes=30)) -> dict[str, Any]:
    opens_at = NOW + ahead
    return status(
        "Scheduled",
        f"opens at {format_time(opens_at)}, until {format_time(opens_at + duration)}",
        policy="dev-orders",
        approvals={"required": 1, "counted": 1, "by": [CAROL.username]},
        window={"notBefore": format_time(opens_at), "notAfter": format_time(opens_at + duration)},
    )


def broken_glass(
    due: timedelta = timedelta(hours=6), duration: timedelta = timedelta(minutes=30), **review: str
) -> dict[str, Any]:
    """Return the status of break-glass that is open; its review is due so long after NOW."""
    told = {"reviewDueAt": format_time(NOW + due), **review}
    return active(duration) | {"approvals": {"required": 0, "counted": 0, "by": []}, "breakGlass": told}


def active(duration: timedelta = timedelta(minutes=30)) -> dict[str, Any]:
    return status(
        "Active",
        "open until 10:30",
        policy="dev-orders",
        approvals={"required": 1, "counted": 1, "by": [CAROL.username]},
        window={"notBefore": format_time(NOW), "notAfter": format_time(NOW + duration)},
        url="https://orders.example.test",
        activeAt=format_time(NOW),
    )


def counted(standing: str = "Counted", message: str = "counted") -> dict[str, Any]:
    """Return the status of a judged review."""
    is_counted = standing == "Counted"
    condition = {"type": "Counted", "status": str(is_counted), "reason": standing, "message": message}
    return {"conditions": [condition]}
