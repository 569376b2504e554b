"""The ledger in memory: one entry for each event id, in order, and nothing while it is down."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event


class LedgerDownError(JitgressError):
    """As the real one says it of a full disk."""

    code = "ledger_down"


@dataclass(slots=True)
class SimulatedLedger:
    """The operator's port `Ledger`."""

    entries: list[Event] = field(default_factory=list)
    is_down: bool = False

    async def append(self, event: Event) -> Event:
        if self.is_down:
            raise LedgerDownError("the ledger can't be written", remedy="Free some space.")
        earlier = next((each for each in self.entries if each.id == event.id), None)
        if earlier is not None:
            return earlier
        recorded = replace(event, at=event.at.replace(microsecond=event.at.microsecond // 1000 * 1000))
        self.entries.append(recorded)
        return recorded

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        return tuple(each for each in self.entries if each.request is not None and each.request.uid == request_uid)

    def for_caller(self, before_append: Callable[[Event], None]) -> "LedgerOfCaller":
        """Return the same ledger as another process reaches it, with a hook of that process' own."""
        return LedgerOfCaller(self, before_append)


@dataclass(frozen=True, slots=True)
class LedgerOfCaller:
    """One process' way to the ledger. `before_append` may raise."""

    ledger: SimulatedLedger
    before_append: Callable[[Event], None]

    async def append(self, event: Event) -> Event:
        self.before_append(event)
        return await self.ledger.append(event)

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        return await self.ledger.history(request_uid)
