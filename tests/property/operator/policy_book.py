"""What was in force when, and what the ledger and the API server hold of a request: plain look-ups for the oracle."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.domain.clock import Clock
from jitgress.domain.event import Event, EventCode
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    Resource,
)
from tests.property.operator.policy_facts import Counted, Object, Opening, time_of
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger

_EVERYWHERE: Final = ["0.0.0.0/0", "::/0"]
_GRANT_EVENTS: Final = (EventCode.GRANT_OPENED, EventCode.GRANT_NARROWED)


@dataclass(frozen=True, slots=True)
class State:
    """Policies and targets (by name) as they stood for a while."""

    since_s: float
    policies: tuple[Object, ...]
    targets: Mapping[str, Object]


@dataclass(slots=True)
class PolicyBook:
    """Remembers every state that policies and targets were ever in. Whoever changes one calls `note`."""

    api: SimulatedApi
    ledger: SimulatedLedger
    clock: Clock
    lag_s: float = 1.0
    """How long the operator may not know of a change: longer while calls fail."""
    states: list[State] = field(default_factory=list)

    def note(self) -> None:
        targets = {each["metadata"]["name"]: each for each in self.all_of(ACCESS_TARGETS)}
        self.states.append(State(self.clock.monotonic(), tuple(self.all_of(ACCESS_POLICIES)), targets))

    @property
    def present(self) -> State:
        return self.states[-1]

    def possible(self) -> list[State]:
        """Return the states of which one is what the operator knows."""
        since = self.clock.monotonic() - self.lag_s
        ends = [*(each.since_s for each in self.states[1:]), float("inf")]
        return [state for state, end in zip(self.states, ends, strict=True) if end >= since]

    def all_of(self, resource: Resource) -> list[Object]:
        return [found for key, found in self.api.versions.objects.items() if key.resource is resource]

    def request(self, uid: str) -> Object | None:
        return next((each for each in self.all_of(ACCESS_REQUESTS) if each["metadata"]["uid"] == uid), None)

    def grant(self, uid: str) -> Object | None:
        return next((each for each in self.all_of(ACCESS_GRANTS) if each["metadata"]["name"] == uid), None)

    def reviews(self, uid: str) -> list[Object]:
        return [each for each in self.all_of(ACCESS_REVIEWS) if each["spec"]["request"]["uid"] == uid]

    def events(self, uid: str, *codes: EventCode) -> list[Event]:
        return [each for each in self.ledger.entries if each.request and each.request.uid == uid and each.code in codes]

    def is_closed(self, uid: str) -> bool:
        return bool(self.events(uid, EventCode.REQUEST_CLOSED))

    def recorded(self, uid: str) -> Object | None:
        """Return the grant of a request as the ledger holds it last."""
        events = self.events(uid, *_GRANT_EVENTS)
        return spec_of(events[-1]) if events else None

    def open_ones(self) -> Iterator[str]:
        """Yield the requests that were opened and are not over, by UID."""
        now = self.clock.now()
        for event in self.ledger.entries:
            if event.code is EventCode.GRANT_OPENED and event.request is not None:
                uid, recorded = event.request.uid, self.recorded(event.request.uid)
                if not self.is_closed(uid) and recorded is not None and now < time_of(recorded["notAfter"]):
                    yield uid

    def opening(self, grant: Object, request: Object, approved_by: Iterable[str] | None) -> Opening:
        """Return an opening; without `approved_by` whoever approved before it began is taken for an approver."""
        uid, begin = request["metadata"]["uid"], time_of(grant["notBefore"])
        reviews = self._approvals(uid) if approved_by is None else self._approvals_by(uid, set(approved_by))
        approvals = [
            Counted(each["spec"]["reviewer"], time_of(each["metadata"]["creationTimestamp"]), each["spec"])
            for each in reviews
        ]
        extends = request["spec"].get("extends")
        extended = None if extends is None else self.recorded(extends["uid"])
        return Opening(
            grant=grant,
            request=request,
            approvals=tuple(each for each in approvals if each.at <= begin),
            extended_until=None if extended is None else time_of(extended["notAfter"]),
        )

    def _approvals(self, uid: str) -> list[Object]:
        return [each for each in self.reviews(uid) if each["spec"]["decision"] == "Approve"]

    def _approvals_by(self, uid: str, people: set[str]) -> list[Object]:
        """Return one approval of each: the first that was counted.

        One that was not needed when it was made may be needed once the policy wants more.
        """
        judged = self.events(uid, EventCode.REVIEW_COUNTED, EventCode.REVIEW_IGNORED)
        standing = {str(each.data["review"]): each.data["standing"] for each in judged}
        found: dict[str, Object] = {}
        for wanted in ("NotNeeded", "Counted"):
            for each in sorted(self._approvals(uid), key=_made_at, reverse=True):
                if standing.get(each["metadata"]["name"]) == wanted:
                    found[each["spec"]["reviewer"]["username"]] = each
        return [each for who, each in found.items() if who in people]

    def groups_now(self, request: Object) -> Object | None:
        """Return who the requester was when they asked again later, or None."""
        asked_at, who = _made_at(request), request["spec"]["requester"]["username"]
        later = [
            each
            for each in self.all_of(ACCESS_REQUESTS)
            if each["spec"]["requester"]["username"] == who and _made_at(each) > asked_at
        ]
        last = max(later, key=lambda each: (_made_at(each), each["metadata"]["uid"]), default=None)
        found: Object | None = None if last is None else last["spec"]["requester"]
        return found

    def asked_within_day(self, request: Object) -> int:
        """Count the requests that were certainly made earlier, within 24 hours."""
        asked_at, who = _made_at(request), request["spec"]["requester"]["username"]
        return sum(
            each["spec"]["requester"]["username"] == who and asked_at - timedelta(days=1) < _made_at(each) < asked_at
            for each in self.all_of(ACCESS_REQUESTS)
        )

    def overdue(self, who: str) -> list[str]:
        """Return whose break-glass reviews, of this person, should have been there already."""
        return [
            event.request.uid
            for event in self.ledger.entries
            if event.code is EventCode.BREAK_GLASS_OVERDUE
            and event.request is not None
            and event.subject == who
            and time_of(str(event.data["review_by"])) <= self.clock.now()  # the clock may have been put back since
            and self.request(event.request.uid) is not None
            and not self.events(event.request.uid, EventCode.BREAK_GLASS_REVIEWED)
        ]


def _made_at(found: Object) -> datetime:
    return time_of(found["metadata"]["creationTimestamp"])


def spec_of(event: Event) -> dict[str, Any]:
    """Return the grant that an event holds as the spec of its object, as far as it tells."""
    data = event.data
    spec: dict[str, Any] = {
        "policy": data["policy"],
        "host": data["host"],
        "address": data["address"],
        "paths": data["paths"],
        "methods": data["methods"],
        "notBefore": data["not_before"],
        "notAfter": data["not_after"],
        "since": data["since"],
        "extensions": data["extensions"],
    }
    if data["sources"] != _EVERYWHERE:
        spec["sourceCIDRs"] = data["sources"]
    return spec if data["review_by"] is None else spec | {"reviewBy": data["review_by"]}
