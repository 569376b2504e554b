"""The portal's view of the grants: kept as values while a reflector tells of changes.

A grant that can't be understood, or is being deleted, is none (fail closed).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant

Object = Mapping[str, Any]
Subscriber = Callable[[Object | None, Object | None], None]

_log: Final = structlog.get_logger()


class Source(Protocol):
    """What is needed of `jitgress.kube.reflector.Reflector`, running on AccessGrants."""

    synced: asyncio.Event
    heard_at: float | None

    def subscribe(self, subscriber: Subscriber) -> object:
        """Have every change told from now on."""
        ...

    def values(self) -> Iterable[Object]:
        """Return every object, as they stand now."""
        ...


class ReflectedGrants:
    """The `Grants` of a reflector. With `staleness`, a view that was not confirmed for so long counts for nothing."""

    def __init__(
        self, source: Source, convert: Callable[[Object], Grant], clock: Clock, staleness: timedelta | None = None
    ) -> None:
        self._source = source
        self._convert = convert
        self._clock = clock
        self._staleness = staleness
        self._grants: dict[str, Grant] = {}
        source.subscribe(self._changed)
        for found in source.values():
            self._changed(None, found)

    @property
    def is_synced(self) -> bool:
        """Tell whether all grants are known, and the view is not stale."""
        if not self._source.synced.is_set():
            return False
        heard_at = self._source.heard_at
        if self._staleness is None:
            return True
        return heard_at is not None and self._clock.monotonic() - heard_at <= self._staleness.total_seconds()

    def current(self) -> Iterable[Grant]:
        """Return every grant."""
        return tuple(self._grants.values())

    def _changed(self, old: Object | None, new: Object | None) -> None:
        present = new or old or {}
        name = str(present["metadata"]["name"])
        self._grants.pop(name, None)
        if new is None or new["metadata"].get("deletionTimestamp"):
            return
        try:
            self._grants[name] = self._convert(new)
        except InvalidValueError as error:
            _log.warning("grant_not_understood", grant=name, error=error.message)
