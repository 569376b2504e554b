"""Keeps the signing keys in Kubernetes: the Secret is the truth, the ConfigMap what gates read of it.

Any number of replicas may run one: every write names the version that it read, and who comes second reads again. Keys
sign only after they were published, and publishing is in the ledger first (invariant 7).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.identity.errors import KeysUnavailableError
from jitgress.identity.keys import KeySet, SigningKey, read_private_jwks
from jitgress.identity.rotation import RotationTerms, rotate

SECRET_NAME: Final = "jitgress-signing-keys"  # noqa: S105  the name of an object
CONFIG_MAP_NAME: Final = "jitgress-gate-keys"
DATA_KEY: Final = "jwks.json"
ACTOR: Final = "jitgress-portal"
ATTEMPTS: Final = 5  # rivals: with two or three replicas the second try succeeds
REFRESH_INTERVAL: Final = timedelta(seconds=60)  # well below the lead with which a key is published
RETRY_INTERVAL: Final = timedelta(seconds=5)


class DocumentKind(StrEnum):
    """The two kinds of objects that hold keys."""

    SECRET = "Secret"  # noqa: S105  the name of a kind
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True, slots=True)
class Document:
    """An object's data as texts, and its resourceVersion."""

    data: Mapping[str, str] = field(repr=False)
    version: str


class DocumentConflictError(JitgressError):
    """Somebody else created or changed the object in between."""

    code = "document_conflict"


class Documents(Protocol):
    """Secrets and ConfigMaps of jitgress's own namespace. Every method raises `JitgressError` when it can't."""

    async def read(self, kind: DocumentKind, name: str) -> Document | None:
        """Return the object, or None if there is none."""
        ...

    async def create(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> None:
        """Create the object; raise `DocumentConflictError` if it exists."""
        ...

    async def replace(self, kind: DocumentKind, name: str, data: Mapping[str, str], version: str) -> None:
        """Set the object's data; raise `DocumentConflictError` if it is not at `version` any more."""
        ...


class Recorder(Protocol):
    """The ledger."""

    async def append(self, event: Event) -> object:
        """Record `event` durably, once."""
        ...


class KeyKeeper:
    """Loads, makes, rotates and publishes the keys. `keys` is there after the first `refresh`."""

    def __init__(
        self,
        documents: Documents,
        ledger: Recorder,
        clock: Clock,
        terms: RotationTerms,
        new_key: Callable[[datetime, datetime], SigningKey] = SigningKey.generate,
    ) -> None:
        self._documents = documents
        self._ledger = ledger
        self._clock = clock
        self._terms = terms
        self._new_key = new_key
        self._keys: KeySet | None = None
        self._log: Any = structlog.get_logger(__name__)

    @property
    def is_ready(self) -> bool:
        """Tell whether there are keys to sign with."""
        return self._keys is not None

    def keys(self) -> KeySet:
        """Return the published keys; raise `KeysUnavailableError` before the first were."""
        if self._keys is None:
            raise KeysUnavailableError("the signing keys are not loaded yet", remedy="Try again in a few seconds.")
        return self._keys

    async def refresh(self) -> KeySet:
        """Make the stored and the published keys what they should be now, and return them.

        Raises `JitgressError` when the API or the ledger can't be reached; the keys of before then stay in use.
        """
        for _ in range(ATTEMPTS):
            try:
                keys = await self._store()
                await self._publish(keys)
            except DocumentConflictError:
                continue  # a rival was faster: see what it did
            self._keys = keys
            return keys
        raise KeysUnavailableError(
            f"the signing keys were changed by others {ATTEMPTS} times in a row",
            remedy=f"Find out who else writes the Secret {SECRET_NAME} or the ConfigMap {CONFIG_MAP_NAME}.",
        )

    async def run(self) -> None:
        """Refresh for ever; a failure is logged and tried again."""
        while True:
            pause = REFRESH_INTERVAL
            try:
                await self.refresh()
            except JitgressError as error:
                pause = RETRY_INTERVAL
                self._log.warning("signing_keys_not_refreshed", code=error.code, error=error.message)
            await asyncio.sleep(pause.total_seconds())

    async def _store(self) -> KeySet:
        document = await self._documents.read(DocumentKind.SECRET, SECRET_NAME)
        stored = None if document is None else read_private_jwks(document.data.get(DATA_KEY, ""))
        keys = rotate(stored, self._clock.now(), self._terms, self._new_key)
        if keys == stored:
            return keys
        data = {DATA_KEY: keys.private_jwks().reveal()}
        if document is None:
            await self._documents.create(DocumentKind.SECRET, SECRET_NAME, data)
        else:
            await self._documents.replace(DocumentKind.SECRET, SECRET_NAME, data, document.version)
        return keys

    async def _publish(self, keys: KeySet) -> None:
        document = await self._documents.read(DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME)
        published = "" if document is None else document.data.get(DATA_KEY, "")
        wanted = keys.public_jwks()
        if published == wanted:
            return
        before, after = _kids(published), _kids(wanted)
        for kid in sorted(after - before):
            await self._ledger.append(self._event(kid, "published"))
        for kid in sorted(before - after):
            await self._ledger.append(self._event(kid, "withdrawn"))
        if document is None:
            await self._documents.create(DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME, {DATA_KEY: wanted})
        else:
            data = {**document.data, DATA_KEY: wanted}
            await self._documents.replace(DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME, data, document.version)
        self._log.info("signing_keys_published", kids=sorted(after))

    def _event(self, kid: str, change: str) -> Event:
        code = EventCode.KEY_ROTATED
        data = {"kid": kid, "change": change}
        return Event(id=event_id(kid, code, change), code=code, at=self._clock.now(), actor=ACTOR, data=data)


def _kids(jwks: str) -> set[str]:
    """Return the names of the keys in a published JWKS; of an unreadable one, none: it is written anew."""
    try:
        return {str(key["kid"]) for key in json.loads(jwks)["keys"]}
    except (ValueError, TypeError, KeyError):
        return set()
