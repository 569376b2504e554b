"""What is checked at the very moment of an effect: was it recorded before, was it seen before, is it permitted now?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jitgress.domain.clock import Clock
from jitgress.domain.event import Event, EventCode
from jitgress.domain.window import format_time, parse_time
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, INGRESSES
from jitgress.operator.ports import Sighting
from tests.property.operator.facts import Asked
from tests.simulators.ingress import SimulatedIngress
from tests.simulators.kube_api import Call
from tests.simulators.ledger import SimulatedLedger

_ROUTE_EVENTS = (EventCode.ROUTE_PUBLISHED, EventCode.ROUTE_REPAIRED, EventCode.ROUTE_REMOVED)


@dataclass(slots=True)
class Watchers:
    """Collects what is wrong; whoever is told of a call must not raise, or else a worker would swallow it."""

    asked: dict[str, Asked]
    ledger: SimulatedLedger
    ingress: SimulatedIngress
    clock: Clock
    wrong: list[str] = field(default_factory=list)

    def see_call(self, call: Call) -> None:
        watchers: Mapping[tuple[str, str], Callable[[Call], None]] = {
            ("create", ACCESS_GRANTS.kind): self._grant_is_made,
            ("delete", ACCESS_GRANTS.kind): self._grant_is_removed,
            ("apply", INGRESSES.kind): self._route_is_published,
            ("delete", INGRESSES.kind): self._route_is_removed,
            ("apply_status", ACCESS_REQUESTS.kind): self._request_is_told,
        }
        watcher = watchers.get((call.verb, call.resource.kind))
        if watcher is not None:
            watcher(call)

    def see_event(self, event: Event) -> None:
        """Invariants 11 and 12: nothing ends without a reason of its own."""
        known = {each.id for each in self.ledger.entries}
        if event.code is EventCode.REQUEST_CLOSED and event.id not in known and event.request is not None:
            asked, reason = self.asked[event.request.uid], str(event.data["reason"])
            self._expect(asked.explains(reason, self.clock.now()), f"{asked.name} was closed as {reason} without cause")

    def _grant_is_made(self, call: Call) -> None:
        """Invariants 4, 7 and 11."""
        spec = call.body["spec"] if call.body else {}
        asked = self.asked[str(call.name)]
        opened = self._events(EventCode.GRANT_OPENED, asked)
        self._expect(len(opened) == 1, f"{asked.name} is opened, recorded {len(opened)} times")
        for event in opened:
            same = [("host", "host"), ("paths", "paths"), ("not_before", "notBefore"), ("not_after", "notAfter")]
            self._expect(all(event.data[mine] == spec[theirs] for mine, theirs in same), "opened, but not as recorded")
        self._expect(not self._events(EventCode.REQUEST_CLOSED, asked), f"{asked.name} is opened after its end")
        opening, end = asked.opening(), asked.end()
        if opening is None or end is None:
            self.wrong.append(f"{asked.name} is opened without its approvals")
            return
        self._expect(parse_time(spec["notBefore"]) == opening, f"{asked.name} doesn't begin with its last approval")
        self._expect(parse_time(spec["notAfter"]) == end, f"{asked.name} doesn't end when it has to")
        self._expect(self.clock.now() < end, f"{asked.name} is opened after its time")
        self._expect(not any(at <= opening for at in asked.stops("Deny", "Revoke")), f"{asked.name} was denied")

    def _grant_is_removed(self, call: Call) -> None:
        ends = [
            event
            for event in self.ledger.entries
            if (event.code is EventCode.REQUEST_CLOSED and event.request and event.request.uid == call.name)
            or (event.code is EventCode.GRANT_REMOVED and event.data["grant"] == call.name)
        ]
        if self.ledger.is_down and call.name in self.asked:
            self.asked[call.name].mishaps.add("removed unrecorded")
        self._expect(bool(ends) or self.ledger.is_down, f"grant {call.name} is removed before its record")

    def _route_is_published(self, call: Call) -> None:
        metadata = call.body["metadata"] if call.body else {}
        owners = ",".join(sorted(owner["name"] for owner in metadata["ownerReferences"]))
        last = self._last_word(lambda event: event.data["host"] == metadata["annotations"]["jitgress.dev/host"])
        is_recorded = last is not None and last.code is not EventCode.ROUTE_REMOVED and last.data["grants"] == owners
        self._expect(is_recorded, f"route for {owners} is published before its record; the last is {last}")

    def _route_is_removed(self, call: Call) -> None:
        found = self.ingress.api.versions.objects
        route = next((each for key, each in found.items() if (key.resource, key.name) == (INGRESSES, call.name)), None)
        if route is None or self.ledger.is_down:
            return
        host = route["metadata"]["annotations"]["jitgress.dev/host"]
        last = self._last_word(lambda event: event.data["host"] == host)
        is_made_anew = (
            "defaultBackend" in route["spec"] and last is not None and last.code is not EventCode.ROUTE_REMOVED
        )
        is_removed = last is not None and last.code is EventCode.ROUTE_REMOVED
        self._expect(is_removed or is_made_anew, f"route of {host} goes unrecorded")

    def _request_is_told(self, call: Call) -> None:
        """Invariant 9: what a status says was recorded and seen."""
        asked = next((each for each in self.asked.values() if each.name == call.name), None)
        if asked is None or call.body is None:
            return
        states = {each["type"] for each in call.body["conditions"] if each["status"] == "True"}
        if "Active" in states:
            opened = self._events(EventCode.GRANT_OPENED, asked)
            self._expect(bool(self._events(EventCode.GRANT_ACTIVE, asked)), f"{asked.name} is Active, unrecorded")
            self._expect(
                bool(opened) and self._looks(asked, Sighting.REFUSED, opened[0].at), f"{asked.name} is Active, unseen"
            )
        if "Closed" in states:
            closed = self._events(EventCode.REQUEST_CLOSED, asked)
            self._expect(len(closed) == 1, f"{asked.name} is Closed, recorded {len(closed)} times")
            hidden_at: Any = call.body.get("hiddenAt")
            if hidden_at is not None:
                seen = self._looks(asked, Sighting.HIDDEN, closed[0].at, at=parse_time(hidden_at))
                self._expect(seen, f"{asked.name} says that it was hidden, and nobody saw it")

    def _looks(self, asked: Asked, sighting: Sighting, since: datetime, *, at: datetime | None = None) -> bool:
        return any(
            look.host == asked.host
            and look.path in asked.paths
            and look.sighting is sighting
            and look.at >= since
            and (at is None or format_time(look.at) == format_time(at))
            for look in self.ingress.looks
        )

    def _events(self, code: EventCode, asked: Asked) -> list[Event]:
        return [
            each for each in self.ledger.entries if each.code is code and each.request and each.request.uid == asked.uid
        ]

    def _last_word(self, about: Callable[[Event], bool]) -> Event | None:
        words = [each for each in self.ledger.entries if each.code in _ROUTE_EVENTS and about(each)]
        return words[-1] if words else None

    def _expect(self, holds: bool, message: str) -> None:  # noqa: FBT001  reads like assert
        if not holds:
            self.wrong.append(message)
