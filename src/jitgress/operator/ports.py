"""What the operator needs from outer layers, and gets through its constructor: the ledger and the outside view."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jitgress.domain.event import Event
from jitgress.domain.host import Host
from jitgress.domain.request import Request
from jitgress.domain.scope import PathPrefix


class Ledger(Protocol):
    """Where every transition is recorded before its effect (invariant 7)."""

    async def append(self, event: Event) -> Event:
        """Record `event` durably and return it as recorded: the earlier one, where its id is recorded already.

        Raises `JitgressError` if it can't be recorded.
        """
        ...

    async def history(self, request_uid: str) -> tuple[Event, ...]:
        """Return every event about one request, in the order of the ledger."""
        ...


class Sighting(StrEnum):
    """What somebody without a credential sees at a host through the ingress."""

    HIDDEN = "Hidden"
    """The ingress knows no such host: 404, and not from the gate."""
    REFUSED = "Refused"
    """The gate asks for a credential: 401, with the gate's header."""
    DENIED = "Denied"
    """The gate answers, and lets nobody in: it isn't programmed yet, not any more, or stale."""
    EXPOSED = "Exposed"
    """Somebody else answers: the host is served without the gate."""
    UNREACHABLE = "Unreachable"
    """The ingress gave no answer that can be understood."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at a host: what was seen, when the answer was there, and the answer's status for people."""

    sighting: Sighting
    at: datetime
    detail: str


class Prober(Protocol):
    """Looks at hosts as a stranger would."""

    async def probe(self, host: Host, path: PathPrefix) -> Probe:
        """Ask for `path` on `host` through the ingress, without a credential. Never raises for what it sees."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What was just recorded about `request`. `waits_for`: who is to be asked to approve it, where somebody is."""

    event: Event
    request: Request
    waits_for: tuple[str, ...] = ()


class Notifier(Protocol):
    """Tells people what they should hear of at once."""

    def tell(self, news: News) -> None:
        """Take note of what was recorded. Returns at once and never raises; what can't be delivered is lost."""
        ...


class SilentNotifier:
    """Tells nobody anything."""

    def tell(self, news: News) -> None:
        """Do nothing."""
