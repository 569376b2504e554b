"""The keeper against a small honest simulator of Secrets and ConfigMaps, rivals included."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event, EventCode
from jitgress.identity.errors import KeysUnavailableError, KeysUnreadableError
from jitgress.identity.keeper import (
    CONFIG_MAP_NAME,
    DATA_KEY,
    SECRET_NAME,
    Document,
    DocumentConflictError,
    DocumentKind,
    KeyKeeper,
)
from jitgress.identity.rotation import RotationTerms

TERMS = RotationTerms()


class Documents:
    """What the API server does with Secrets and ConfigMaps: versions, and conflicts for who holds an old one."""

    def __init__(self) -> None:
        self.objects: dict[tuple[DocumentKind, str], Document] = {}
        self.version = 0
        self.writes: list[DocumentKind] = []
        self.before_write: Callable[[], Awaitable[object]] | None = None

    async def read(self, kind: DocumentKind, name: str) -> Document | None:
        return self.objects.get((kind, name))

    async def create(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> None:
        await self._write(kind, name, data, None)

    async def replace(self, kind: DocumentKind, name: str, data: Mapping[str, str], version: str) -> None:
        await self._write(kind, name, data, version)

    async def _write(self, kind: DocumentKind, name: str, data: Mapping[str, str], version: str | None) -> None:
        hook, self.before_write = self.before_write, None
        if hook is not None:
            await hook()
        present = self.objects.get((kind, name))
        if (present and present.version) != version:
            raise DocumentConflictError("changed")
        self.version += 1
        self.objects[kind, name] = Document(dict(data), str(self.version))
        self.writes.append(kind)

    def published_kids(self) -> set[str]:
        document = self.objects[DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME]
        return {key["kid"] for key in json.loads(document.data[DATA_KEY])["keys"]}


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Ledger:
    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.is_down = False

    async def append(self, event: Event) -> Event:
        if self.is_down:
            raise JitgressError("the ledger is down")
        return self.events.setdefault(event.id, event)


class Stage:
    """One API, one ledger, one clock, and as many keepers as a test wants."""

    def __init__(self) -> None:
        self.documents, self.clock, self.ledger = Documents(), Clock(), Ledger()

    def keeper(self) -> KeyKeeper:
        return KeyKeeper(self.documents, self.ledger, self.clock, TERMS)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_first_keeper_makes_stores_and_publishes_one_key(stage: Stage) -> None:
    keeper = stage.keeper()
    with pytest.raises(KeysUnavailableError):
        keeper.keys()
    keys = await keeper.refresh()
    assert keeper.is_ready
    assert keeper.keys() is keys
    assert stage.documents.published_kids() == {keys.newest.kid}
    assert stage.documents.writes == [DocumentKind.SECRET, DocumentKind.CONFIG_MAP]
    assert '"d"' not in stage.documents.objects[DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME].data[DATA_KEY]


async def test_refreshing_again_writes_nothing(stage: Stage) -> None:
    keeper = stage.keeper()
    await keeper.refresh()
    writes = list(stage.documents.writes)
    assert await keeper.refresh() == await stage.keeper().refresh()
    assert stage.documents.writes == writes


async def test_of_two_who_make_the_first_key_both_use_the_same(stage: Stage) -> None:
    one, other = stage.keeper(), stage.keeper()
    stage.documents.before_write = other.refresh
    assert await one.refresh() == other.keys()
    assert len(stage.documents.published_kids()) == 1


async def test_of_two_who_rotate_both_use_the_same(stage: Stage) -> None:
    one, other = stage.keeper(), stage.keeper()
    await one.refresh()
    stage.clock.at += TERMS.max_age
    stage.documents.before_write = other.refresh
    keys = await one.refresh()
    assert keys == other.keys()
    assert stage.documents.published_kids() == {key.kid for key in keys.keys}
    assert len(keys.keys) == 2


async def test_an_endless_rival_is_an_error_and_not_an_endless_loop(stage: Stage) -> None:
    class Contested(Documents):
        async def create(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> None:
            raise DocumentConflictError(f"{kind} {name} {len(data)}")

    stage.documents = Contested()
    with pytest.raises(KeysUnavailableError) as caught:
        await stage.keeper().refresh()
    assert SECRET_NAME in caught.value.remedy


async def test_a_rotation_publishes_before_use_and_withdraws_after_the_last_token(stage: Stage) -> None:
    keeper = stage.keeper()
    first = (await keeper.refresh()).newest
    stage.clock.at += TERMS.max_age - TERMS.publish_lead
    keys = await keeper.refresh()
    assert stage.documents.published_kids() == {first.kid, keys.newest.kid}
    assert keys.signing_key(stage.clock.at) == first
    stage.clock.at += TERMS.publish_lead
    assert keys.signing_key(stage.clock.at) == keys.newest
    stage.clock.at += TERMS.token_lifetime
    await keeper.refresh()
    assert stage.documents.published_kids() == {keys.newest.kid}
    changes = [(event.code, event.data["kid"], event.data["change"]) for event in stage.ledger.events.values()]
    assert changes == [
        (EventCode.KEY_ROTATED, first.kid, "published"),
        (EventCode.KEY_ROTATED, keys.newest.kid, "published"),
        (EventCode.KEY_ROTATED, first.kid, "withdrawn"),
    ]


async def test_nothing_is_published_or_used_that_is_not_in_the_ledger(stage: Stage) -> None:
    keeper = stage.keeper()
    stage.ledger.is_down = True
    with pytest.raises(JitgressError, match="down"):
        await keeper.refresh()
    assert not keeper.is_ready
    assert stage.documents.writes == [DocumentKind.SECRET]
    stage.ledger.is_down = False
    await keeper.refresh()
    assert len(stage.ledger.events) == 1


async def test_a_published_set_that_somebody_damaged_is_put_right(stage: Stage) -> None:
    keeper = stage.keeper()
    keys = await keeper.refresh()
    stage.documents.objects[DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME] = Document({DATA_KEY: "{", "other": "kept"}, "9")
    await keeper.refresh()
    assert stage.documents.published_kids() == {keys.newest.kid}
    assert stage.documents.objects[DocumentKind.CONFIG_MAP, CONFIG_MAP_NAME].data["other"] == "kept"


async def test_a_stored_set_that_somebody_damaged_is_never_overwritten(stage: Stage) -> None:
    stage.documents.objects[DocumentKind.SECRET, SECRET_NAME] = Document({DATA_KEY: "{"}, "1")
    with pytest.raises(KeysUnreadableError):
        await stage.keeper().refresh()
    assert stage.documents.writes == []


async def test_deleting_the_secret_replaces_a_key_that_got_away(stage: Stage) -> None:
    keeper = stage.keeper()
    stolen = (await keeper.refresh()).newest
    del stage.documents.objects[DocumentKind.SECRET, SECRET_NAME]
    stage.clock.at += timedelta(minutes=1)
    keys = await keeper.refresh()
    assert stage.documents.published_kids() == {keys.newest.kid}
    assert keys.signing_key(stage.clock.at).kid != stolen.kid
