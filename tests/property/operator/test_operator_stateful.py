"""The real operator, from its reflectors to its Lease, among people who ask, answer, delete and tamper, while it is
stopped, killed between any two calls, or cut off from the API server or the ledger. Invariants 6, 7, 9, 11 and 12.

Time is virtual. What should be is computed from the plain facts in `facts`; what must have happened before an effect
is checked at the effect, in `watchers`.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jitgress.domain.event import EventCode
from jitgress.domain.subject import Subject
from jitgress.domain.window import parse_time
from jitgress.kube.client import Object
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    INGRESSES,
    SERVICES,
    Resource,
)
from jitgress.operator.conditions import find_condition
from jitgress.operator.settings import OperatorSettings
from tests.builders import ALICE, BOB, CAROL, CHRIS
from tests.property.operator.facts import NEEDED, Answer, Asked
from tests.property.operator.watchers import Watchers
from tests.simulators.ingress import SimulatedGate, SimulatedIngress, served
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import (
    a_policy_object,
    a_request_object,
    a_review_object,
    a_service_object,
    a_target_object,
)
from tests.simulators.operator_process import OperatorProcess
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop

SYSTEM: Final = "jitgress-system"
AMY: Final = Subject("amy", frozenset({"auto"}))
ALICE_WHO_APPROVES: Final = Subject("alice", frozenset({"dev", "approvers"}))
CAREFUL: Final = Subject("cleo", frozenset({"careful"}))
REQUESTERS: Final = st.sampled_from([AMY, AMY, ALICE, ALICE_WHO_APPROVES, CAREFUL])
REVIEWERS: Final = st.sampled_from([CAROL, CAROL, CHRIS, CHRIS, BOB, ALICE_WHO_APPROVES, AMY])
DECISIONS: Final = st.sampled_from(["Approve", "Approve", "Approve", "Approve", "Deny", "Revoke"])
PATHS: Final = st.sampled_from([("/",), ("/a",), ("/a/x", "/b"), ("/b",)])
WHICH: Final = st.integers(0, 3)

SETTLED_S: Final = 1.5
RECOVERED_S: Final = 14.0  # the longest wait before a repetition is 10 s, taking over a Lease 4 s
SLACK: Final = timedelta(seconds=1)
_ONCE: Final = (
    EventCode.REQUEST_RECEIVED,
    EventCode.GRANT_OPENED,
    EventCode.GRANT_ACTIVE,
    EventCode.REQUEST_CLOSED,
    EventCode.HOST_HIDDEN,
)


class Cluster(RuleBasedStateMachine):
    """People, an API server, a gate, and one operator process after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.clock = VirtualClock(self.loop)
        self.api = SimulatedApi(self.clock)
        self.ledger = SimulatedLedger()
        self.gate = SimulatedGate(self.api, self.clock)
        self.ingress = SimulatedIngress(self.api, self.clock, self.gate)
        self.asked: dict[str, Asked] = {}
        self.watchers = Watchers(self.asked, self.ledger, self.ingress, self.clock)
        self.process: OperatorProcess | None = None
        self.started = 0
        self.gate_task: asyncio.Task[None] | None = None
        self.is_recovering = False

    def teardown(self) -> None:
        self.do(self.end())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    async def end(self) -> None:
        if self.process is not None:
            await self.process.kill()
        if self.gate_task is not None:
            self.gate_task.cancel()
            await asyncio.gather(self.gate_task, return_exceptions=True)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    # What people do.

    @initialize()
    def begin(self) -> None:
        for name in ("orders", "stock"):
            self.do(self.api.create(SERVICES, a_service_object(name)))
            self.do(self.api.create(ACCESS_TARGETS, a_target_object(name)))
        for group, required in NEEDED.items():
            self.do(self.api.create(ACCESS_POLICIES, a_policy_object(group, group=group, required=required)))
        self.do(self.start())
        self.settle()

    @rule(
        who=REQUESTERS,
        paths=PATHS,
        duration=st.sampled_from([20, 60, 300]),
        service=st.sampled_from(["orders"] * 3 + ["stock"]),
    )
    def ask(self, who: Subject, paths: tuple[str, ...], duration: int, service: str) -> None:
        name = f"request-{len(self.asked)}"
        has_target = self.find(ACCESS_TARGETS, service) is not None
        body = a_request_object(name, target=service, requester=who, duration_s=duration, paths=paths)
        made = self.do(self.api.create(ACCESS_REQUESTS, body))
        uid = made["metadata"]["uid"]
        created = parse_time(made["metadata"]["creationTimestamp"])
        host = f"{service}.example.test"
        self.asked[uid] = Asked(name, uid, host, who, paths, timedelta(seconds=duration), created)
        if not has_target:
            self.asked[uid].mishaps.add("no target")
        self.note_the_gate()
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=WHICH, who=REVIEWERS, decision=DECISIONS)
    def answer(self, which: int, who: Subject, decision: str) -> None:
        self.review(self.pick(which), who, decision)
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=WHICH)
    def approve_as_expected(self, which: int) -> None:
        for who in (CAROL, CHRIS):
            self.review(self.pick(which), who, "Approve")
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=WHICH)
    def give_back(self, which: int) -> None:
        asked = self.pick(which)
        self.review(asked, asked.who, "Revoke")
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=WHICH)
    def delete_a_request(self, which: int) -> None:
        asked = self.pick(which)
        if self.find(ACCESS_REQUESTS, asked.name) is not None:
            asked.mishaps.add("request deleted")
            self.do(self.api.delete(ACCESS_REQUESTS, asked.name, "shop"))
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=WHICH)
    def delete_a_grant(self, which: int) -> None:
        """The emergency stop."""
        asked = self.pick(which)
        if self.find(ACCESS_GRANTS, asked.uid, SYSTEM) is not None:
            asked.mishaps.add("grant deleted")
            request = self.find(ACCESS_REQUESTS, asked.name)
            if request is not None and "grant" in request.get("status", {}):
                asked.mishaps.add("stopped")
            self.do(self.api.delete(ACCESS_GRANTS, asked.uid, SYSTEM))
        self.settle()

    @rule(name=st.sampled_from(["orders", "stock"]))
    def delete_or_make_a_target(self, name: str) -> None:
        if self.find(ACCESS_TARGETS, name) is None:
            self.do(self.api.create(ACCESS_TARGETS, a_target_object(name)))
        else:
            self.do(self.api.delete(ACCESS_TARGETS, name, "shop"))
            for asked in self.asked.values():
                if asked.host.startswith(name):
                    asked.mishaps.add("no target")
        self.settle()

    @rule(how=st.sampled_from(["delete", "widen", "add"]), which=WHICH)
    def tamper_with_a_route(self, how: str, which: int) -> None:
        routes = self.all_of(INGRESSES)
        if routes:
            route = routes[which % len(routes)]
            name = route["metadata"]["name"]
            if how == "delete":
                self.do(self.api.delete(INGRESSES, name, SYSTEM))
            elif how == "add":
                past_the_gate = {"service": {"name": "orders", "port": {"number": 80}}}
                self.do(
                    self.api.replace(INGRESSES, {**route, "spec": {**route["spec"], "defaultBackend": past_the_gate}})
                )
            else:
                rule = {**route["spec"]["rules"][0], "host": "other.example.test"}
                self.do(self.api.replace(INGRESSES, {**route, "spec": {**route["spec"], "rules": [rule]}}))
        self.settle()

    @precondition(lambda self: self.all_of(ACCESS_GRANTS))
    @rule()
    def plant_a_grant(self) -> None:
        """Copy one of the grants under a name that nobody asked for."""
        grant = self.all_of(ACCESS_GRANTS)[0]
        name = f"planted-{self.api.versions.revision}"
        spec = {**grant["spec"], "host": "planted.example.test"}
        self.do(self.api.create(ACCESS_GRANTS, {"metadata": {"name": name, "namespace": SYSTEM}, "spec": spec}))
        self.settle()

    # What time and the parts do.

    @rule(seconds=st.sampled_from([0.3, 1, 7, 30, 61]))
    def pass_time(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))
        self.settle()

    @rule(which=WHICH, offset=st.sampled_from([-0.5, 0, 0.5]))
    def pass_time_until_about_an_end(self, which: int, offset: float) -> None:
        ends = sorted(end for asked in self.asked.values() if (end := asked.end()) and end > self.clock.now())
        if ends:
            wait = (ends[which % len(ends)] - self.clock.now()).total_seconds() + offset
            self.do(asyncio.sleep(max(0.0, wait)))
        self.settle()

    @rule()
    def stop_or_start_the_operator(self) -> None:
        if self.process is None:
            self.do(self.start())
            self.is_recovering = True
        else:
            self.do(self.process.stop())
            self.process = None
        self.settle()

    @precondition(lambda self: self.process)
    @rule(calls=st.integers(0, 12))
    def arm_a_crash(self, calls: int) -> None:
        """Kill the operator at one of its next calls; another process follows it."""
        if self.process is not None:
            self.process.faults.calls_to_live = calls

    @precondition(lambda self: self.process)
    @rule(calls=st.integers(0, 12))
    def arm_an_outage(self, calls: int) -> None:
        if self.process is not None:
            self.process.faults.calls_until_outage = calls
            self.is_recovering = True

    @rule()
    def stop_or_start_the_ledger(self) -> None:
        self.ledger.is_down = not self.ledger.is_down
        self.is_recovering = True
        self.settle()

    @rule()
    def stop_or_start_the_gate(self) -> None:
        if self.gate.is_gone:
            self.gate.is_gone = False
            self.gate_task = self.loop.create_task(self.gate.follow(0.2))
        else:
            self.do(self.gate.vanish())
        self.note_the_gate()
        self.settle()

    async def start(self) -> None:
        if self.gate_task is None:
            self.gate_task = self.loop.create_task(self.gate.follow(0.2))
        for asked in self.asked.values():
            asked.forget()
        self.started += 1
        self.process = OperatorProcess(
            api=self.api,
            ledger=self.ledger,
            prober=self.ingress,
            clock=self.clock,
            name=f"operator-{self.started}",
            settings=OperatorSettings(probe_timeout=timedelta(seconds=20)),
            see_call=self.watchers.see_call,
            see_event=self.watchers.see_event,
        )
        self.process.start()

    def settle(self) -> None:
        """Let everything that has to happen happen, then look around."""
        self.do(asyncio.sleep(SETTLED_S))
        while self.process is not None and self.process.faults.is_dead:
            self.do(self.process.kill())
            self.do(self.start())
            self.is_recovering = True
            self.do(asyncio.sleep(SETTLED_S))
        if self.is_recovering and not self.ledger.is_down and self.process is not None:
            self.process.faults.calls_until_outage = None
            self.do(asyncio.sleep(RECOVERED_S))
            self.is_recovering = False
        while self.has_just_ended():
            self.do(asyncio.sleep(SETTLED_S))
        assert not self.watchers.wrong, self.watchers.wrong
        self.check_the_ledger()
        is_at_work = self.process is not None and not self.process.faults.is_dead
        if is_at_work and not self.ledger.is_down and not self.is_recovering:
            self.check_grants()
            self.check_routes()
            self.check_statuses()

    # What must hold.

    def check_grants(self) -> None:
        """Invariants 4, 7, 11, 12: what is permitted is open, and nothing else."""
        grants = {grant["metadata"]["name"]: grant for grant in self.all_of(ACCESS_GRANTS)}
        for uid in grants:
            asked = self.asked.get(uid)
            assert asked is not None, f"nobody asked for grant {uid}"
            assert asked.is_permitted(self.clock.now() - SLACK), f"{asked} is open"
            assert not asked.mishaps & {"request deleted", "stopped"}, f"{asked} is open"
        for asked in self.asked.values():
            if asked.is_due(self.clock.now()):
                assert asked.uid in grants, f"{asked} isn't open"

    def check_routes(self) -> None:
        """Invariants 6 and 12: exactly the granted paths of exactly the hosts that have a grant."""
        now = self.clock.now()
        granted: dict[str, set[str]] = {}
        for grant in self.all_of(ACCESS_GRANTS):
            if now < parse_time(grant["spec"]["notAfter"]):
                granted.setdefault(grant["spec"]["host"], set()).update(grant["spec"]["paths"])
        published: dict[str, set[str]] = {}
        for route in self.all_of(INGRESSES):
            assert "defaultBackend" not in route["spec"], route
            for host, path, _ in served(route):
                published.setdefault(host, set()).add(path)
        assert published.keys() == granted.keys(), (published, granted)
        for host, paths in published.items():
            assert paths <= granted[host], (host, paths, granted[host])
            lost = [wanted for wanted in granted[host] if not any(is_below(wanted, path) for path in paths)]
            assert not lost, (host, lost)

    def check_statuses(self) -> None:
        """Invariant 9: what is open and seen says so; what is over says that it is, and when it was hidden."""
        now = self.clock.now()
        for asked in self.asked.values():
            found = self.find(ACCESS_REQUESTS, asked.name)
            if found is None:
                continue
            status = found.get("status", {})
            if asked.is_due(now) and asked.is_due(now + SLACK):
                active = find_condition(status, "Active") or {}
                assert active.get("status") == "True", (asked, status)
            if "stopped" in asked.mishaps or (not asked.is_permitted(now - SLACK) and asked.end() is not None):
                assert find_condition(status, "Closed"), (asked, status)
                others = [each for each in self.asked.values() if each.host == asked.host and each is not asked]
                if "grant" in status and not any(each.end() for each in others):
                    assert "hiddenAt" in status, (asked, status)

    def check_the_ledger(self) -> None:
        """Invariant 7: each transition once."""
        counted = Counter(
            (event.code, event.request.uid) for event in self.ledger.entries if event.request and event.code in _ONCE
        )
        assert all(number == 1 for number in counted.values()), counted
        judged = Counter(
            (event.request.uid, event.data["review"])
            for event in self.ledger.entries
            if event.request and event.code in (EventCode.REVIEW_COUNTED, EventCode.REVIEW_IGNORED)
        )
        assert all(number == 1 for number in judged.values()), judged

    # How to get at things.

    def review(self, asked: Asked, who: Subject, decision: str) -> None:
        request = {"metadata": {"name": asked.name, "uid": asked.uid}}
        body = a_review_object(request, decision, who, name=f"review-{self.api.versions.revision}")
        made = self.do(self.api.create(ACCESS_REVIEWS, body))
        at: datetime = parse_time(made["metadata"]["creationTimestamp"])
        asked.answers.append(Answer(decision, who, at))

    def note_the_gate(self) -> None:
        if self.gate.is_gone:
            for asked in self.asked.values():
                asked.mishaps.add("no gate")

    def has_just_ended(self) -> bool:
        """Tell whether a window ended so shortly ago that its closing may be under way."""
        now = self.clock.now()
        return any(
            end is not None and now - SLACK <= end <= now for end in (each.end() for each in self.asked.values())
        )

    def pick(self, which: int) -> Asked:
        """Return one of the latest."""
        return list(self.asked.values())[-1 - which % len(self.asked)]

    def find(self, resource: Resource, name: str, namespace: str = "shop") -> Object | None:
        found: Object | None = self.do(self.api.find(resource, name, namespace))
        return found

    def all_of(self, resource: Resource) -> list[Object]:
        return [found for key, found in self.api.versions.objects.items() if key.resource is resource]


def is_below(path: str, prefix: str) -> bool:
    mine, theirs = path.strip("/").split("/"), prefix.strip("/").split("/")
    return prefix == "/" or mine[: len(theirs)] == theirs


Cluster.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestTheOperatorInItsCluster = Cluster.TestCase
