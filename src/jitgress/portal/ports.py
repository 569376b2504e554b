"""What the portal needs of other parts; `cli` puts them in."""

from collections.abc import Iterable
from typing import Protocol

from jitgress.domain.event import Event
from jitgress.domain.grant import Grant
from jitgress.domain.subject import Subject
from jitgress.identity.keys import KeySet
from jitgress.identity.secret import Secret


class Authenticator(Protocol):
    """Tells who somebody is."""

    async def authenticate(self, credential: Secret[str]) -> Subject | None:
        """Return whose credential it is, None if nobody's; raise `JitgressError` if that can't be told."""
        ...


class Grants(Protocol):
    """The grants that there are now, as the API server last told."""

    @property
    def is_synced(self) -> bool:
        """Tell whether all grants are known, and the view is not stale."""
        ...

    def current(self) -> Iterable[Grant]:
        """Return every grant."""
        ...


class Ledger(Protocol):
    """The record of what happened."""

    async def append(self, event: Event) -> object:
        """Record `event` durably; raise `JitgressError` when it is not on disk."""
        ...

    async def head(self) -> object:
        """Return how far the ledger goes; raise `JitgressError` when it can't be read."""
        ...


class Keys(Protocol):
    """The published signing keys."""

    @property
    def is_ready(self) -> bool:
        """Tell whether there are any."""
        ...

    def keys(self) -> KeySet:
        """Return them, or raise `KeysUnavailableError`."""
        ...
