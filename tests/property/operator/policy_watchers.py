"""What is checked at the very moment of an effect of the operator: may this be, and was it recorded before?

Invariants 4, 5 and 7, against what the objects of the API and the ledger say by themselves.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from jitgress.domain.event import Event, EventCode
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.property.operator.policy_book import PolicyBook, State, spec_of
from tests.property.operator.policy_facts import (
    Object,
    Opening,
    are_below,
    decides,
    lacking_approvals,
    may_review,
    more_than_asked,
    same_person,
    time_of,
    too_much,
    widened,
)
from tests.simulators.kube_api import Call

_NEVER_AFTER_THE_END: Final = (
    EventCode.GRANT_OPENED,
    EventCode.GRANT_NARROWED,
    EventCode.GRANT_ACTIVE,
    EventCode.REQUEST_SCHEDULED,
)


@dataclass(slots=True)
class PolicyWatchers:
    """Collects what is wrong; whoever is told of a call must not raise, or else a worker would swallow it."""

    book: PolicyBook
    retention: timedelta
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often which interesting thing happened."""
    is_calm: bool = True
    """Nothing of the operator's own fails at present, nor did so a moment ago."""
    made: set[str] = field(default_factory=set)
    """Grants whose objects the operator made."""
    stopped: set[str] = field(default_factory=set)
    """Grants that somebody deleted."""
    narrowest: dict[str, Object] = field(default_factory=dict)
    """The last spec of each grant."""
    seen_revision: int = 0

    def see_event(self, event: Event) -> None:
        if event.request is None or any(each.id == event.id for each in self.book.ledger.entries):
            return
        uid, now = event.request.uid, self.book.clock.now()
        self.seen[event.code.value] += 1
        if event.code in _NEVER_AFTER_THE_END:
            self._expect(not self.book.is_closed(uid), f"{event.code} of {uid} after its end")
        match event.code:
            case EventCode.GRANT_OPENED:
                self._is_opened(event, uid)
            case EventCode.GRANT_NARROWED:
                before = self.book.recorded(uid)
                more = ["nothing was opened"] if before is None else widened(before, spec_of(event))
                self._expect(not more, f"narrowed: {more}")
            case EventCode.REVIEW_COUNTED:
                self._is_counted(event, uid)
            case EventCode.REQUEST_CLOSED:
                self.seen[f"closed as {event.data['reason']}"] += 1
                denial: Any = event.data.get("denial")
                self.seen[f"denied: {denial['code']}" if denial else "closed without a denial"] += 1
            case EventCode.BREAK_GLASS_OVERDUE:
                self._expect(time_of(str(event.data["review_by"])) <= now, "overdue before its time")
                is_reviewed = self.book.events(uid, EventCode.BREAK_GLASS_REVIEWED)
                self._expect(not is_reviewed, "overdue after its review")
            case _:
                pass

    def see_call(self, call: Call) -> None:
        watchers: Mapping[tuple[str, str], Callable[[Call], None]] = {
            ("create", ACCESS_GRANTS.kind): self._grant_is_written,
            ("replace", ACCESS_GRANTS.kind): self._grant_is_written,
            ("delete", ACCESS_GRANTS.kind): self._grant_is_removed,
            ("delete", ACCESS_REQUESTS.kind): self._request_is_removed,
            ("delete", ACCESS_REVIEWS.kind): self._review_is_removed,
        }
        watcher = watchers.get((call.verb, call.resource.kind))
        if watcher is not None:
            watcher(call)

    def against(self, state: State, opening: Opening) -> list[str]:
        """Say what is wrong with an opening, if policies and targets are in this state."""
        request = opening.request
        spec, namespace = request["spec"], request["metadata"]["namespace"]
        policy = decides(state.policies, spec["requester"], namespace)
        if policy is None:
            return ["no policy"]
        target = state.targets.get(spec["target"])
        if target is None or target["spec"]["host"] != opening.grant["host"]:
            return ["no target"]
        wrong = too_much(policy, opening) + lacking_approvals(policy, opening)
        if not are_below(opening.grant["paths"], target["spec"]["paths"]):
            wrong.append("more than the target declares")
        who_now = self.book.groups_now(request)
        if who_now is not None and who_now != spec["requester"]:
            present = decides(state.policies, who_now, namespace)
            wrong += [] if present is not None and present == policy else ["they left the group"]
        return wrong

    def _is_opened(self, event: Event, uid: str) -> None:
        request = self.book.request(uid)
        if request is None:
            self.wrong.append(f"{uid} is opened, and nobody asks for it")
            return
        by: Any = event.data["approved_by"]
        opening = self.book.opening(spec_of(event), request, by)
        states = self.book.possible()
        objections = [self.against(state, opening) + self._beyond_limits(state, opening) for state in states]
        self._expect(any(not each for each in objections), f"{request['metadata']['name']} is opened: {objections}")
        self._expect(not more_than_asked(opening), f"opened, {more_than_asked(opening)}")
        begin, end = time_of(opening.grant["notBefore"]), time_of(opening.grant["notAfter"])
        self._expect(begin <= self.book.clock.now() < end, f"opened outside of {begin} to {end}")
        self._note_opening(opening)
        extends = request["spec"].get("extends")
        if extends is not None:
            before = self.book.events(extends["uid"], EventCode.GRANT_OPENED)
            is_own = bool(before) and before[0].subject == request["spec"]["requester"]["username"]
            self._expect(is_own and not self.book.is_closed(extends["uid"]), "it extends what isn't open and their own")

    def _note_opening(self, opening: Opening) -> None:
        request = opening.request["spec"]
        kinds = {
            "opened an extension": "extends" in request,
            "broke the glass": bool(request.get("breakGlass")),
            "opened as scheduled": "startTime" in request,
            "opened with approvals": bool(opening.approvals),
            "opened as narrowed by an approver": any(
                {"durationSeconds", "paths", "startTime"} & each.spec.keys() for each in opening.approvals
            ),
        }
        self.seen.update(kind for kind, is_so in kinds.items() if is_so)

    def _beyond_limits(self, state: State, opening: Opening) -> list[str]:
        request = opening.request
        policy = decides(state.policies, request["spec"]["requester"], request["metadata"]["namespace"])
        if policy is None:
            return []
        if request["spec"].get("breakGlass"):
            is_locked = policy["spec"].get("breakGlass", {}).get("lockOut", False)
            overdue = self.book.overdue(request["spec"]["requester"]["username"])
            return [f"{overdue} are overdue"] if is_locked and overdue and self.is_calm else []
        limits, extends = policy["spec"].get("limits", {}), request["spec"].get("extends", {}).get("uid")
        others = [uid for uid in self._open_ones() if uid not in (request["metadata"]["uid"], extends)]
        found = [each for each in map(self.book.request, others) if each is not None]
        of_subject = sum(
            each["spec"]["requester"]["username"] == request["spec"]["requester"]["username"] for each in found
        )
        on_target = sum(each["spec"]["target"] == request["spec"]["target"] for each in found)
        most = 1_000_000
        wrong = [f"{of_subject} others are open"] if of_subject >= limits.get("concurrentPerSubject", most) else []
        wrong += [f"{on_target} others are on it"] if on_target >= limits.get("concurrentPerTarget", most) else []
        asked = self.book.asked_within_day(request)
        return wrong + ([f"asked {asked} times before"] if asked >= limits.get("requestsPerDay", most) else [])

    def _open_ones(self) -> list[str]:
        """Return what is open; one whose object is gone again is over, whether or not that is recorded yet."""
        return [uid for uid in self.book.open_ones() if uid not in self.made or self.book.grant(uid) is not None]

    def _is_counted(self, event: Event, uid: str) -> None:
        """Invariant 5: who is counted was entitled when it was counted."""
        request = self.book.request(uid)
        who = {"username": event.actor, "groups": event.data["groups"]}
        if request is None or (event.data["decision"] == "Revoke" and event.actor == event.subject):
            return
        deciding = [decides(state.policies, request["spec"]["requester"], "shop") for state in self.book.possible()]
        own = request["spec"]["requester"]
        may = [policy for policy in deciding if policy is not None and may_review(policy, who)]
        is_entitled = bool(may) and (event.data["decision"] == "Revoke" or not same_person(who, own))
        self._expect(is_entitled, f"{event.data['decision']} by {event.actor} is counted")

    def _grant_is_written(self, call: Call) -> None:
        """Invariant 7: what is written is what was recorded last, and isn't over."""
        uid, spec = str(call.name), call.body["spec"] if call.body else {}
        self.made.add(uid)
        recorded = self.book.recorded(uid)
        self._expect(recorded is not None, f"{uid} is written before its record")
        same = {key: spec.get(key) for key in recorded} if recorded is not None else None
        self._expect(same == recorded, f"{uid} is written as {same}, recorded as {recorded}")
        self._expect(("sourceCIDRs" in spec) == ("sourceCIDRs" in (recorded or {})), f"{uid}: sources unrecorded")
        self._expect(not self.book.is_closed(uid), f"{uid} is written after its end")
        if call.verb == "replace":
            self.seen["replaced by less"] += 1
            is_bound = call.body is not None and "resourceVersion" in call.body["metadata"]
            self._expect(is_bound, "replaced, whatever it is by now")

    def _grant_is_removed(self, call: Call) -> None:
        uid = str(call.name)
        ends = self.book.events(uid, EventCode.REQUEST_CLOSED, EventCode.GRANT_REMOVED)
        self._expect(bool(ends) or self.book.ledger.is_down, f"grant {uid} is removed before its record")
        if ends and ends[0].data["reason"] in {"Expired", "Superseded"} and self.is_calm:
            for successor in self.book.open_ones():
                request = self.book.request(successor)
                if request is not None and request["spec"].get("extends", {}).get("uid") == uid:
                    self.seen["took over"] += 1
                    is_there = successor in self.stopped or self.book.grant(successor) is not None
                    self._expect(is_there, f"a gap after {uid}")

    def _request_is_removed(self, call: Call) -> None:
        """Retention removes nothing that is open, or of which something is still to be done."""
        found = next(
            (each for each in self.book.all_of(ACCESS_REQUESTS) if each["metadata"]["name"] == call.name), None
        )
        if found is None:
            return
        uid = found["metadata"]["uid"]
        self.seen["removed a request"] += 1
        self._expect(bool(self.book.events(uid, EventCode.REQUEST_REMOVED)), "removed before its record")
        self._expect(not self._must_stay(uid), f"{call.name} is removed: {self._must_stay(uid)}")

    def _review_is_removed(self, call: Call) -> None:
        found = next((each for each in self.book.all_of(ACCESS_REVIEWS) if each["metadata"]["name"] == call.name), None)
        uid = "" if found is None else found["spec"]["request"]["uid"]
        if self.book.request(uid) is not None:
            self._expect(not self._must_stay(uid), f"a review of {uid} is removed: {self._must_stay(uid)}")

    def _must_stay(self, uid: str) -> list[str]:
        closed = self.book.events(uid, EventCode.REQUEST_CLOSED)
        wrong = (
            [] if closed and closed[0].at + self.retention <= self.book.clock.now() else ["not over for long enough"]
        )
        wrong += ["open"] if self.book.grant(uid) is not None else []
        opened = self.book.events(uid, EventCode.GRANT_OPENED)
        if opened and not self.book.events(uid, EventCode.HOST_HIDDEN):
            wrong.append("not seen hidden")
        if opened and opened[0].data["break_glass"] and not self.book.events(uid, EventCode.BREAK_GLASS_REVIEWED):
            wrong.append("not reviewed")
        return wrong

    def _expect(self, holds: bool, message: str) -> None:  # noqa: FBT001  reads like assert
        if not holds:
            self.wrong.append(message)
