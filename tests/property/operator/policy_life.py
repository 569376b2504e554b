"""The operator among people who ask, review and edit policies, in virtual time: what can be done, in single steps.

A step is a method's name and its arguments, so that hypothesis and a seeded walk can both choose among them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.domain.subject import Subject
from jitgress.domain.window import format_time
from jitgress.kube.client import Object
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    SERVICES,
    Resource,
)
from jitgress.operator.settings import OperatorSettings
from tests.property.operator import policy_world as world
from tests.property.operator.decisions import Decisions
from tests.property.operator.policy_book import PolicyBook
from tests.property.operator.policy_checks import check
from tests.property.operator.policy_facts import time_of
from tests.property.operator.policy_watchers import PolicyWatchers
from tests.simulators.ingress import SimulatedGate, SimulatedIngress
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_service_object
from tests.simulators.operator_process import OperatorProcess
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop

SYSTEM: Final = "jitgress-system"
RETENTION: Final = timedelta(days=1)
SETTLED_S: Final = 1.5
RECOVERED_S: Final = 14.0  # the longest wait before a repetition is 10 s, taking over a Lease 4 s
LAG_S: Final = 1.0
FAILING_LAG_S: Final = 20.0


class PolicyLife:
    """Everything that there is, until `end`."""

    def __init__(self) -> None:
        self.loop = VirtualTimeLoop()
        self.clock = VirtualClock(self.loop)
        self.api = SimulatedApi(self.clock)
        self.ledger = SimulatedLedger()
        self.gate = SimulatedGate(self.api, self.clock)
        self.ingress = SimulatedIngress(self.api, self.clock, self.gate)
        self.book = PolicyBook(self.api, self.ledger, self.clock)
        self.watchers = PolicyWatchers(self.book, RETENTION)
        self.decisions = Decisions(self.book)
        self.process: OperatorProcess | None = None
        self.started = 0
        self.gate_task: asyncio.Task[None] | None = None
        self.is_recovering = False
        self.made = 0

    def begin(self) -> None:
        self.decisions.watch()
        for name in world.TARGETS:
            self.do(self.api.create(SERVICES, a_service_object(name)))
            self.do(self.api.create(ACCESS_TARGETS, world.target_object(name)))
        for name in world.POLICIES:
            self.do(self.api.create(ACCESS_POLICIES, world.policy_object(name)))
        self.book.note()
        self.do(self.start())
        self.settle()

    def end(self) -> None:
        self.decisions.forget()
        self.do(self._end())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def take(self, step: tuple[str, tuple[Any, ...]]) -> None:
        """Take a step, and look around once everything has settled."""
        name, arguments = step
        getattr(self, name)(*arguments)
        self.settle()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    # What people do.

    def ask(self, who: Subject, target: str, fields: Mapping[str, Any]) -> None:
        """Ask; times are given in seconds from now."""
        self.made += 1
        times = {
            key: format_time(self.clock.now() + timedelta(seconds=value)) if key in {"startTime", "endTime"} else value
            for key, value in fields.items()
        }
        self.do(self.api.create(ACCESS_REQUESTS, world.request_object(f"request-{self.made}", target, who, times)))

    def ask_twice_at_once(self, who: Subject, target: str, limit: str) -> None:
        """Ask for more than may be open at a time."""
        self.edit_policy("auto", limit)
        for _ in range(2):
            self.ask(who, target, {"durationSeconds": 300})

    def ask_and_approve(self, who: Subject, target: str, fields: Mapping[str, Any]) -> None:
        self.ask(who, target, fields)
        self.pass_time(1.1)
        self.approve(0, {})

    def extend(self, which: int, duration_s: int, is_own: bool) -> None:  # noqa: FBT001  drawn
        running = [each for each in map(self.book.request, self.book.open_ones()) if each is not None]
        if running:
            found = running[which % len(running)]
            groups = frozenset(found["spec"]["requester"]["groups"])
            who = Subject(found["spec"]["requester"]["username"], groups) if is_own else world.ALICE
            extends = {"name": found["metadata"]["name"], "uid": found["metadata"]["uid"]}
            self.ask(who, found["spec"]["target"], {"durationSeconds": duration_s, "extends": extends})

    def extend_twice(self, who: Subject, target: str, duration_s: int) -> None:
        """Open what nobody need approve, extend that, and the extension, and wait until the first one ends."""
        self.ask(who, target, {"durationSeconds": duration_s})
        for _ in range(2):
            self.pass_time(SETTLED_S)
            latest = self.all_of(ACCESS_REQUESTS)[-1]["metadata"]
            extends = {"name": latest["name"], "uid": latest["uid"]}
            self.ask(who, target, {"durationSeconds": duration_s, "extends": extends})
        self.pass_time(duration_s)

    def review(self, which: int, who: Subject, decision: str, fields: Mapping[str, Any]) -> None:
        """Review one of the latest requests."""
        requests = self.all_of(ACCESS_REQUESTS)
        if requests:
            self._review(requests[-1 - which % len(requests)], who, decision, fields)

    def approve(self, which: int, fields: Mapping[str, Any]) -> None:
        """Approve one of the latest requests as those do who are asked."""
        for who in (world.CAROL, world.OWEN, world.SONIA, world.CHRIS):
            self.review(which, who, "Approve", fields)

    def approve_as_one_of_two_names(self, which: int) -> None:
        """Approve twice as one person, where two people are wanted."""
        self.edit_policy("dev", "two approvers")
        for who in (world.CAROL, world.CAROL_AGAIN):
            self.review(which, who, "Approve", {})

    def give_back(self, which: int) -> None:
        requests = self.all_of(ACCESS_REQUESTS)
        if requests:
            found = requests[-1 - which % len(requests)]
            self._review(found, Subject(found["spec"]["requester"]["username"]), "Revoke", {})

    def edit_policy(self, name: str, change: str) -> None:
        self._edit(ACCESS_POLICIES, name, world.CHANGES[change])

    def edit_target(self, name: str, change: str) -> None:
        self._edit(ACCESS_TARGETS, name, world.TARGET_CHANGES[change])

    def delete_or_make_policy(self, name: str) -> None:
        self._delete_or_make(ACCESS_POLICIES, world.policy_object(name))

    def delete_or_make_target(self, name: str) -> None:
        self._delete_or_make(ACCESS_TARGETS, world.target_object(name))

    def put_right(self, is_all: bool) -> None:  # noqa: FBT001  drawn
        """Start what is stopped; have policies and targets as they were at first."""
        if self.process is None:
            self.stop_or_start_the_operator()
        if self.ledger.is_down:
            self.stop_or_start_the_ledger()
        wanted = [(ACCESS_POLICIES, world.policy_object(name)) for name in world.POLICIES]
        wanted += [(ACCESS_TARGETS, world.target_object(name)) for name in world.TARGETS]
        for resource, body in wanted if is_all else []:
            found = self.find(resource, body["metadata"]["name"])
            if found is None:
                self.change(self.api.create(resource, body))
            else:
                self.change(self.api.replace(resource, {**found, "spec": body["spec"]}))

    def stop_a_grant(self, which: int) -> None:
        """Delete a grant: the emergency stop."""
        grants = self.all_of(ACCESS_GRANTS)
        if grants:
            name = grants[which % len(grants)]["metadata"]["name"]
            self.watchers.stopped.add(name)
            self.do(self.api.delete(ACCESS_GRANTS, name, SYSTEM))

    # What time and the parts do.

    def pass_time(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))

    def pass_time_until_about(self, what: str, offset_s: float) -> None:
        """Wait until something begins, ends or is due, or a little before or after."""
        now = self.clock.now()
        times = sorted(at for at in self._edges(what) if at > now)
        if times and times[0] - now < timedelta(hours=2):
            self.do(asyncio.sleep(max(0.0, (times[0] - now).total_seconds() + offset_s)))

    def put_the_clock(self, seconds: float) -> None:
        """Put the clock on the wall forward or back."""
        self.clock.offset += timedelta(seconds=seconds)

    def stop_or_start_the_operator(self) -> None:
        if self.process is None:
            self.do(self.start())
        else:
            self.do(self.process.stop())
            self.process = None
        self._is_failing()

    def arm_a_crash(self, calls: int) -> None:
        """Kill the operator at one of its next calls; another process follows it."""
        if self.process is not None:
            self.process.faults.calls_to_live = calls
            self._is_failing()

    def arm_an_outage(self, calls: int) -> None:
        if self.process is not None:
            self.process.faults.calls_until_outage = calls
            self._is_failing()

    def stop_or_start_the_ledger(self) -> None:
        self.ledger.is_down = not self.ledger.is_down
        self._is_failing()

    async def start(self) -> None:
        if self.gate_task is None:
            self.gate_task = self.loop.create_task(self.gate.follow(0.5))
        self.started += 1
        self.process = OperatorProcess(
            api=self.api,
            ledger=self.ledger,
            prober=self.ingress,
            clock=self.clock,
            name=f"operator-{self.started}",
            settings=OperatorSettings(retention=RETENTION),
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
            self._is_failing()
            self.do(asyncio.sleep(SETTLED_S))
        if self.is_recovering and not self.ledger.is_down and self.process is not None:
            self.process.faults.calls_until_outage = None
            self.process.faults.calls_to_live = None
            self.do(asyncio.sleep(RECOVERED_S))
            self.is_recovering, self.watchers.is_calm, self.book.lag_s = False, True, LAG_S
        while self._has_just_ended():
            self.do(asyncio.sleep(SETTLED_S))
        check(self.watchers, self.decisions, is_at_work=self.process is not None and not self.is_recovering)

    # How to get at things.

    def all_of(self, resource: Resource) -> list[Object]:
        return [found for key, found in self.api.versions.objects.items() if key.resource is resource]

    def find(self, resource: Resource, name: str) -> Object | None:
        found: Object | None = self.do(self.api.find(resource, name, "shop" if resource.is_namespaced else None))
        return found

    def change(self, work: Coroutine[Any, Any, Any]) -> None:
        """Change a policy or target, and note that before anybody sees it."""

        async def noted() -> None:
            await work
            self.book.note()

        self.do(noted())

    def _edit(self, resource: Resource, name: str, patch: world.Patch) -> None:
        found = self.find(resource, name)
        if found is not None:
            self.change(self.api.replace(resource, {**found, "spec": world.patched(found["spec"], patch)}))

    def _delete_or_make(self, resource: Resource, body: Object) -> None:
        name, namespace = body["metadata"]["name"], body["metadata"].get("namespace")
        if self.find(resource, name) is None:
            self.change(self.api.create(resource, body))
        else:
            self.change(self.api.delete(resource, name, namespace))

    def _review(self, request: Object, who: Subject, decision: str, fields: Mapping[str, Any]) -> None:
        self.made += 1
        times = {
            key: format_time(self.clock.now() + timedelta(seconds=value)) if key == "startTime" else value
            for key, value in fields.items()
        }
        body = world.review_object(f"review-{self.made}", request, who, decision, times)
        self.do(self.api.create(ACCESS_REVIEWS, body))

    def _is_failing(self) -> None:
        self.is_recovering, self.watchers.is_calm, self.book.lag_s = True, False, FAILING_LAG_S

    def _edges(self, what: str) -> list[datetime]:
        kept: Callable[[Object], list[str]] = {
            "start": lambda spec: [spec["startTime"]] if "startTime" in spec else [],
            "end": lambda spec: [spec["notAfter"]],
            "review": lambda spec: [spec["reviewBy"]] if "reviewBy" in spec else [],
        }[what]
        found = self.all_of(ACCESS_REQUESTS if what == "start" else ACCESS_GRANTS)
        return [time_of(text) for each in found for text in kept(each["spec"])]

    def _has_just_ended(self) -> bool:
        """Tell whether a window ended so shortly ago that its closing may be under way."""
        now, slack = self.clock.now(), timedelta(seconds=1)
        ends = [time_of(each["spec"]["notAfter"]) for each in self.all_of(ACCESS_GRANTS)]
        return self.process is not None and not self.is_recovering and any(now - slack <= end <= now for end in ends)

    async def _end(self) -> None:
        if self.process is not None:
            await self.process.kill()
        if self.gate_task is not None:
            self.gate_task.cancel()
            await asyncio.gather(self.gate_task, return_exceptions=True)
