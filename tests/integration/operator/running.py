"""Several operators on one control plane and one ledger, and what people do meanwhile."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jitgress.audit.ledger import EventQuery, Ledger
from jitgress.audit.verify import Whole, verify
from jitgress.domain.event import Event
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, LEASES
from jitgress.operator.conditions import find_condition
from tests.integration.control_plane import ControlPlane
from tests.integration.operator.operator_program import LEASE, SYSTEM, command
from tests.integration.operator.outside import Outside

PATIENCE_S: Final = 30.0
ACCOUNT: Final = "system:serviceaccount:jitgress-system:jitgress-operator"
ALICE: Final = {"username": "alice@example.test", "groups": ["dev", "system:authenticated"]}
PLACE: Final = "monitoring"
TARGETS: Final = ("one", "two", "three", "four", "five")


def host_of(target: str) -> str:
    return f"{target}.jit.localhost"


def a_policy() -> dict[str, Any]:
    """Return a policy that lets developers have every target without anybody's approval."""
    return {
        "apiVersion": ACCESS_POLICIES.api_version,
        "kind": ACCESS_POLICIES.kind,
        "metadata": {"name": "automatic"},
        "spec": {
            "priority": 100,
            "subjects": [{"kind": "Group", "name": "dev"}],
            "targets": {"namespaces": [PLACE]},
            "maxDurationSeconds": 3600,
            "approval": {"required": 0, "approvers": [{"kind": "Group", "name": "approvers"}]},
        },
    }


@dataclass(slots=True)
class OperatorHandle:
    """One process, and what it wrote down."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path

    def journal(self) -> list[str]:
        """Return all that it changed, but for the Lease."""
        path = self.folder / f"{self.name}.journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if " leases " not in line]

    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()

    def is_stopped(self) -> bool:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@dataclass(slots=True)
class Operators:
    """The processes of one test."""

    plane: ControlPlane
    admin: KubeApi
    outside: Outside
    folder: Path
    started: list[OperatorHandle] = field(default_factory=list[OperatorHandle])

    def launch(self, name: str, words: Sequence[str]) -> OperatorHandle:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(list(words), stdout=log, stderr=log)
        handle = OperatorHandle(name, process, self.folder)
        self.started.append(handle)
        return handle

    async def start(self, name: str, *, stop_after: str = "") -> OperatorHandle:
        """Start a process and wait until it knows the cluster."""
        kubeconfig = self.plane.layout.kubeconfig(ACCOUNT)
        handle = self.launch(name, [*command(self.folder, kubeconfig, self.outside.url, name, stop_after)])
        await self.until(f"{name} knows the cluster", lambda: "operator_synced" in handle.log())
        return handle

    async def start_leader(self, name: str, *, stop_after: str = "") -> OperatorHandle:
        handle = await self.start(name, stop_after=stop_after)
        await self.until(f"{name} leads", lambda: "leading" in handle.log())
        return handle

    def kill_all(self) -> None:
        for handle in self.started:
            handle.kill()

    async def until(self, what: str, is_so: Callable[[], bool | Awaitable[bool]]) -> None:
        """Wait for something; fail with what every process last said."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            if time.monotonic() > deadline:
                words = "\n".join(f"{each.name}: {each.log()[-2000:]}\n{each.journal()}" for each in self.started)
                words += "\n".join(f"{each.code} {each.data}" for each in self.events())
                raise AssertionError(f"not in time: {what}\n{words}")
            await asyncio.sleep(0.02)

    async def lease(self) -> Object:
        spec: Object = (await self.admin.get(LEASES, LEASE, SYSTEM))["spec"]
        return spec

    async def first_lease_after(self, left: Object) -> Object:
        """Return the Lease as it is when it is first seen in other hands."""
        seen: list[Object] = []

        async def is_taken() -> bool:
            seen.append(await self.lease())
            return seen[-1]["holderIdentity"] not in {"", left["holderIdentity"]}

        await self.until("another holds the Lease", is_taken)
        return seen[-1]

    async def ask(self, target: str = TARGETS[0], seconds: int = 60) -> Object:
        """Have alice ask for what is opened without anybody's approval."""
        spec = {"target": target, "requester": ALICE, "reason": "a test", "durationSeconds": seconds}
        return await self._as_alice(ACCESS_REQUESTS, {"kind": "AccessRequest", "spec": spec}, "alice-")

    async def give_back(self, request: Object) -> None:
        about = {key: request["metadata"][key] for key in ("name", "uid")}
        spec = {"request": about, "decision": "Revoke", "reviewer": ALICE}
        await self._as_alice(ACCESS_REVIEWS, {"kind": "AccessReview", "spec": spec}, "revoke-")

    async def reaches(self, request: Object, *states: str) -> None:
        """Wait until the request has one of these as the reason of its condition Active."""
        name = request["metadata"]["name"]
        seen: list[str] = []

        async def is_there() -> bool:
            found = await self.admin.get(ACCESS_REQUESTS, name, PLACE)
            seen.append(str((find_condition(found.get("status", {}), "Active") or {}).get("reason")))
            return seen[-1] in states

        await self.until(f"{name} is one of {states}", is_there)

    async def is_hidden(self, request: Object) -> None:
        """Wait until the host was seen hidden after the request's end."""
        name = request["metadata"]["name"]

        async def is_so() -> bool:
            return "hiddenAt" in (await self.admin.get(ACCESS_REQUESTS, name, PLACE)).get("status", {})

        await self.until(f"{name} is hidden", is_so)

    async def grants(self) -> list[str]:
        page = await self.admin.list_page(ACCESS_GRANTS, SYSTEM, limit=500, next_page=None)
        return [each["metadata"]["name"] for each in page.items]

    def events(self) -> list[Event]:
        """Return what is recorded, after checking that it is whole."""
        ledger = Ledger.open(f"sqlite:///{self.folder}/ledger.db", read_only=True)
        try:
            assert isinstance(verify(ledger.rows()), Whole)
            return [entry.event for entry in ledger.events(EventQuery())]
        finally:
            ledger.close()

    def codes(self, request: Object) -> list[str]:
        uid = request["metadata"]["uid"]
        return [each.code.value for each in self.events() if each.request is not None and each.request.uid == uid]

    async def _as_alice(self, resource: Any, body: dict[str, Any], prefix: str) -> Object:
        metadata = {"generateName": prefix, "namespace": PLACE}
        async with self.plane.client(str(ALICE["username"])) as alice:
            return await alice.create(
                resource, {"apiVersion": resource.api_version, "metadata": metadata, **body}, PLACE
            )
