"""Who must approve, and whether those who did are enough.

Invariant 5: N approvals are N distinct people. Whoever could approve for two groups counts for one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jitgress.domain.expression import Expression
from jitgress.domain.schedule import Schedule
from jitgress.domain.subject import Subject, SubjectRef, any_names


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many distinct people out of `approvers`. `name` is for people, such as security."""

    required: int
    approvers: tuple[SubjectRef, ...]
    name: str = ""

    def __str__(self) -> str:
        who = " or ".join(map(str, self.approvers)) or "nobody"
        return f"{self.name}: {who}" if self.name else who


@dataclass(frozen=True, slots=True)
class Occasion:
    """When nobody need be asked: everything that is stated must hold, as when somebody is on call."""

    subjects: tuple[SubjectRef, ...] = ()
    schedule: Schedule | None = None
    expression: Expression | None = None

    @property
    def is_stated(self) -> bool:
        """Tell whether it says anything at all; an empty occasion never is."""
        return bool(self.subjects) or self.schedule is not None or self.expression is not None


@dataclass(frozen=True, slots=True)
class Approval:
    """Every quorum must be reached, and the external system `webhook`, if one is named, must approve as well.

    No quorum and no webhook: automatic. `others` may deny and revoke without being asked to approve.
    """

    quorums: tuple[Quorum, ...]
    timeout: timedelta = timedelta(hours=1)
    webhook: str | None = None
    automatic_while: Occasion | None = None
    others: tuple[SubjectRef, ...] = ()

    @property
    def is_automatic(self) -> bool:
        """Tell whether nobody is ever asked."""
        return not self.quorums and self.webhook is None

    @property
    def required(self) -> int:
        """How many people must approve in all."""
        return sum(quorum.required for quorum in self.quorums)

    @property
    def approvers(self) -> tuple[SubjectRef, ...]:
        """Everybody who may decide, each once, in the order in which the policy names them."""
        every = [ref for quorum in self.quorums for ref in quorum.approvers]
        return tuple(dict.fromkeys([*every, *self.others]))

    def deadline(self, asked_at: datetime) -> datetime:
        """Return the first moment at which an approval of what was asked for at `asked_at` counts for nothing."""
        return asked_at.astimezone(UTC) + self.timeout

    def has_room_for(self, approved: Sequence[Subject], another: Subject) -> bool:
        """Tell whether one more approval brings the quorums nearer."""
        return len(self._seats((*approved, another))) > len(self._seats(approved))

    def is_reached(self, approved: Sequence[Subject]) -> bool:
        """Tell whether these people are enough; nobody is counted for two quorums."""
        return len(self._seats(approved)) >= self.required

    def missing(self, approved: Sequence[Subject]) -> tuple[Quorum, ...]:
        """Return the quorums that lack somebody, each with the number that it still needs."""
        taken = [self._slots[slot] for slot in self._seats(approved)]
        lacking = [
            Quorum(quorum.required - taken.count(index), quorum.approvers, quorum.name)
            for index, quorum in enumerate(self.quorums)
        ]
        return tuple(quorum for quorum in lacking if quorum.required > 0)

    @property
    def _slots(self) -> tuple[int, ...]:
        """One entry for each approval that is wanted: the number of its quorum."""
        return tuple(index for index, quorum in enumerate(self.quorums) for _ in range(quorum.required))

    def _seats(self, approved: Sequence[Subject]) -> dict[int, int]:
        """Return as many slots as can be filled, each with the number of the person in it (Kuhn's algorithm)."""
        slots = self._slots
        fits = [
            [slot for slot, index in enumerate(slots) if any_names(self.quorums[index].approvers, person)]
            for person in approved
        ]
        seats: dict[int, int] = {}
        for person in range(len(approved)):
            _seat(person, fits, seats, set())
        return seats


def _seat(person: int, fits: Sequence[Sequence[int]], seats: dict[int, int], tried: set[int]) -> bool:
    """Find a slot for `person`, moving others to another one of theirs where that helps."""
    for slot in fits[person]:
        if slot not in tried:
            tried.add(slot)
            if slot not in seats or _seat(seats[slot], fits, seats, tried):
                seats[slot] = person
                return True
    return False
