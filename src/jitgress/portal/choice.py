"""Which grant a caller gets a token for. Pure.

Invariant 1 rests on it: nobody ever gets a token for another's grant, or for one that is not open now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jitgress.domain.grant import Grant
from jitgress.domain.host import Host


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """The caller names the AccessRequest that was granted."""

    namespace: str
    name: str

    def names(self, grant: Grant) -> bool:
        """Tell whether `grant` comes from this request."""
        return (grant.request.namespace, grant.request.name) == (self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class AskedHost:
    """The caller names the host that they want to reach."""

    host: Host

    def names(self, grant: Grant) -> bool:
        """Tell whether `grant` opens this host."""
        return grant.host == self.host

    def __str__(self) -> str:
        return self.host


class Refusal(StrEnum):
    """Why there is no token: for the ledger. Callers are told one and the same for all of these."""

    NO_GRANT = "no_grant"
    NOT_YOURS = "not_yours"
    NOT_OPEN = "not_open"


def choose(grants: Iterable[Grant], username: str, asked: AskedRequest | AskedHost, now: datetime) -> Grant | Refusal:
    """Return the caller's own open grant that was asked for; of several, the one that lasts longest."""
    named = [grant for grant in grants if asked.names(grant)]
    own = own_grants(named, username)
    usable = open_grants(own, now)
    if usable:
        return max(usable, key=lambda grant: (grant.window.not_after, grant.id))
    if own:
        return Refusal.NOT_OPEN
    return Refusal.NOT_YOURS if named else Refusal.NO_GRANT


def own_grants(grants: Iterable[Grant], username: str) -> list[Grant]:
    """Return the grants whose subject is `username`. Names are compared exactly; nobody is called nothing."""
    return [grant for grant in grants if username and grant.subject.username == username]


def open_grants(grants: Iterable[Grant], now: datetime) -> list[Grant]:
    """Return the grants whose window contains `now`."""
    return [grant for grant in grants if grant.window.contains(now)]
