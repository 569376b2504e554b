"""What people did, as plain facts, and what follows from these alone: who may be inside, from when, until when.

The oracle of the operator's stateful test. It knows nothing of the code under test and scans everything each time.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from jitgress.domain.subject import Subject

APPROVERS: Final = "approvers"
APPROVAL_TIMEOUT: Final = timedelta(seconds=60)
NEEDED: Final = {"auto": 0, "dev": 1, "careful": 2}
"""How many approvals the policy for each group wants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One review."""

    decision: str
    who: Subject
    at: datetime


@dataclass(slots=True)
class Asked:
    """One request and everything that happened to it."""

    name: str
    uid: str
    host: str
    who: Subject
    paths: tuple[str, ...]
    duration: timedelta
    at: datetime
    answers: list[Answer] = field(default_factory=list)
    mishaps: set[str] = field(default_factory=set)
    """What else may end it: "no target", "grant deleted", "request deleted", "no gate", "removed unrecorded".

    "stopped": its grant was deleted after its status had told of it."""

    @property
    def needed(self) -> int:
        return max(NEEDED.get(group, 0) for group in self.who.groups)

    def opening(self) -> datetime | None:
        """Return when the last approval that was needed came, if it came in time."""
        if self.needed == 0:
            return self.at
        in_time = [
            each
            for each in self.answers
            if each.decision == "Approve" and self._decides(each.who) and each.at < self.at + APPROVAL_TIMEOUT
        ]
        for last in sorted(in_time, key=lambda each: each.at):
            if len({each.who.username for each in in_time if each.at <= last.at}) >= self.needed:
                return last.at
        return None

    def end(self) -> datetime | None:
        opening = self.opening()
        return None if opening is None else opening + self.duration

    def stops(self, *decisions: str) -> list[datetime]:
        """Return when somebody said so who could: approvers anything, the requester Revoke."""
        return [
            each.at
            for each in self.answers
            if each.decision in decisions
            and (self._decides(each.who) or (each.decision == "Revoke" and each.who.username == self.who.username))
        ]

    def is_permitted(self, now: datetime) -> bool:
        """Tell whether access may be open at `now`."""
        opening, end = self.opening(), self.end()
        if opening is None or end is None or now >= end:
            return False
        is_denied = any(at <= opening for at in self.stops("Deny"))
        return not is_denied and not self.stops("Revoke")

    def is_due(self, now: datetime) -> bool:
        """Tell whether access must be open at `now`: it is permitted, and nothing that could end it ever happened."""
        return self.is_permitted(now) and not self.mishaps and not self.stops("Deny")

    def forget(self) -> None:
        """Take it that the operator died: what it closed while the ledger was down has no reason but its absence."""
        if "removed unrecorded" in self.mishaps:
            self.mishaps.add("grant deleted")

    def explains(self, reason: str, now: datetime) -> bool:
        """Tell whether something happened by `now` that ends this request for `reason`."""
        end = self.end()
        match reason:
            case "Expired":
                return end is not None and now >= end
            case "ApprovalTimedOut":
                return end is None and now >= self.at + APPROVAL_TIMEOUT
            case "Denied":
                return bool(self.stops("Deny")) or "no target" in self.mishaps
            case "Revoked":
                return bool(self.stops("Revoke")) or "grant deleted" in self.mishaps
            case "Withdrawn":
                return bool(self.stops("Revoke")) or "request deleted" in self.mishaps
            case "TargetGone":
                return "no target" in self.mishaps
            case "Failed":
                return "no gate" in self.mishaps
            case _:
                return False

    def _decides(self, who: Subject) -> bool:
        return APPROVERS in who.groups and who.username != self.who.username
