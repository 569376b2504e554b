"""Which grant a caller gets a token for. Pure.

Invariant 1 rests on it: nobody ever gets a token for another's grant, for one that is not open now, or for one that
they were given for groups in which they are no more, or for claims that their token doesn't make any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from jitgress.domain.checks import AUTH_TIME
from jitgress.domain.grant import Grant
from jitgress.domain.host import Host
from jitgress.domain.subject import Subject

OF_ONE_SIGN_IN: Final = frozenset(
    {
        AUTH_TIME,
        "authentication.kubernetes.io/credential-id",
        "authentication.kubernetes.io/pod-name",
        "authentication.kubernetes.io/pod-uid",
        "authentication.kubernetes.io/node-name",
        "authentication.kubernetes.io/node-uid",
    }
)
"""Claims that are others for the same person or workload whenever they sign in again: when that was, the id of the one
token or certificate, and the pod in which a ServiceAccount's token was mounted, with its node (Kubernetes, "Managing
Service Accounts", and "Authenticating", X.509). With these a grant would end at the next renewal of a token. They are
named one by one: what isn't here tells people and workloads apart, whoever made it up."""


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


@dataclass(frozen=True, slots=True)
class GroupsChanged:
    """The caller's own open grant was given to somebody in these groups, too, and the caller is in them no more."""

    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimsChanged:
    """The caller's own open grant was given to somebody whose token said more under these keys, or something else."""

    keys: tuple[str, ...]


def choose(
    grants: Iterable[Grant], caller: Subject, asked: AskedRequest | AskedHost, now: datetime
) -> Grant | GroupsChanged | ClaimsChanged | Refusal:
    """Return the caller's own open grant that was asked for; of several, the one that lasts longest.

    `caller` is who they are now: a grant counts as long as they have every group and every claim that they had when
    they asked (but for `OF_ONE_SIGN_IN`).
    """
    named = [grant for grant in grants if asked.names(grant)]
    own = own_grants(named, caller.username)
    running = sorted(open_grants(own, now), key=lambda grant: (grant.window.not_after, grant.id), reverse=True)
    for grant in running:
        if _change(grant, caller) is None:
            return grant
    if running and (change := _change(running[0], caller)) is not None:
        return change
    if own:
        return Refusal.NOT_OPEN
    return Refusal.NOT_YOURS if named else Refusal.NO_GRANT


def own_grants(grants: Iterable[Grant], username: str) -> list[Grant]:
    """Return the grants whose subject is `username`. Names are compared exactly; nobody is called nothing."""
    return [grant for grant in grants if username and grant.subject.username == username]


def open_grants(grants: Iterable[Grant], now: datetime) -> list[Grant]:
    """Return the grants whose window contains `now`."""
    return [grant for grant in grants if grant.window.contains(now)]


def _change(grant: Grant, caller: Subject) -> GroupsChanged | ClaimsChanged | None:
    """Return what the grant's subject had and the caller hasn't. Further groups and claims are no harm."""
    lost = grant.subject.groups - caller.groups
    if lost:
        return GroupsChanged(tuple(sorted(lost)))
    keys = {key for key, _ in grant.subject.claims - caller.claims} - OF_ONE_SIGN_IN
    return ClaimsChanged(tuple(sorted(keys))) if keys else None
