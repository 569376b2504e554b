"""The cache is what the server has, and its readers are told of every change."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from jitgress.kube.client import Object
from jitgress.kube.errors import UnreachableError, error_of
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import CONFIG_MAPS
from tests.builders import seconds
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.virtual_time import VirtualClock
from tests.unit.kube.far_api import FarApi

CONFIRM_EVERY_S = 7.5


@pytest.fixture
def api(clock: VirtualClock) -> FarApi:
    return FarApi(clock)


@dataclass(slots=True)
class Told:
    """What a subscriber was told, as the values before and after."""

    changes: list[tuple[str | None, str | None]] = field(default_factory=list)

    def note(self, old: Object | None, new: Object | None) -> None:
        self.changes.append((value_of(old), value_of(new)))


def value_of(found: Object | None) -> str | None:
    if found is None:
        return None
    value: str = found["data"]["value"]
    return value


async def put(api: SimulatedApi, name: str, value: str, namespace: str = "shop") -> None:
    """Change an object as somebody else does, beside every line."""
    body = {"metadata": {"name": name, "namespace": namespace}, "data": {"value": value}}
    await api.apply(CONFIG_MAPS, body)


async def remove(api: SimulatedApi, name: str) -> None:
    await api.delete(CONFIG_MAPS, name, "shop")


def values(reflector: Reflector) -> dict[str, str | None]:
    return {found["metadata"]["name"]: value_of(found) for found in reflector.values()}


@contextmanager
def running(reflector: Reflector) -> Iterator[None]:
    task = asyncio.create_task(reflector.run())
    try:
        yield
        assert not task.done(), "the reflector died"
    finally:
        task.cancel()


@pytest.fixture
async def followed(api: FarApi, clock: VirtualClock) -> AsyncIterator[Reflector]:
    """Yield a reflector that runs and confirms."""
    reflector = Reflector(api, CONFIG_MAPS, clock, namespace="shop", confirm_every=seconds(CONFIRM_EVERY_S))
    with running(reflector):
        yield reflector


async def test_what_is_there_already_is_listed_from_all_pages(api: FarApi, followed: Reflector) -> None:
    expected = {f"map-{number}": str(number) for number in range(7)}
    for name, value in expected.items():
        await put(api, name, value)
    await followed.synced.wait()
    assert values(followed) == expected
    assert [verb for _, verb in api.line.sent][:4] == ["list_page"] * 4


async def test_a_list_of_more_than_a_page_of_ours_is_whole(clock: VirtualClock) -> None:
    server = SimulatedApi(clock)
    for number in range(1001):
        await put(server, f"map-{number}", str(number))
    reflector = Reflector(server, CONFIG_MAPS, clock)
    with running(reflector):
        await reflector.synced.wait()
        assert len(values(reflector)) == 1001


async def test_each_change_is_told_with_what_was_before(api: FarApi, followed: Reflector) -> None:
    told = Told()
    followed.subscribe(told.note)
    await put(api, "a", "1")
    await asyncio.sleep(1)
    await put(api, "a", "2")
    await asyncio.sleep(1)
    await remove(api, "a")
    await asyncio.sleep(1)
    assert told.changes == [(None, "1"), ("1", "2"), ("2", None)]


async def test_who_unsubscribed_is_told_no_more(api: FarApi, followed: Reflector) -> None:
    told, others = Told(), Told()
    forget = followed.subscribe(told.note)
    followed.subscribe(others.note)
    await put(api, "a", "1")
    await asyncio.sleep(1)
    forget()
    await put(api, "a", "2")
    await asyncio.sleep(1)
    assert told.changes == [(None, "1")]
    assert len(others.changes) == 2


async def test_other_namespaces_and_other_names_are_not_followed(api: FarApi, clock: VirtualClock) -> None:
    reflector = Reflector(api, CONFIG_MAPS, clock, namespace="shop", name="mine")
    with running(reflector):
        await asyncio.sleep(1)
        await put(api, "mine", "1")
        await put(api, "other", "2")
        await put(api, "mine", "3", namespace="elsewhere")
        await asyncio.sleep(1)
        assert values(reflector) == {"mine": "1"}
        assert reflector.get("shop", "mine") is not None
        assert reflector.get("elsewhere", "mine") is None


async def test_managed_fields_are_not_kept(clock: VirtualClock) -> None:
    server = SimulatedApi(clock)
    body = {"metadata": {"name": "a", "namespace": "shop", "managedFields": [{"manager": "x"}], "labels": {"l": "1"}}}
    await server.create(CONFIG_MAPS, body)
    reflector = Reflector(server, CONFIG_MAPS, clock)
    with running(reflector):
        await reflector.synced.wait()
        (found,) = reflector.values()
        assert "managedFields" not in found["metadata"]
        assert found["metadata"]["labels"] == {"l": "1"}


async def test_bookmarks_carry_a_quiet_watch_past_a_compaction(clock: VirtualClock) -> None:
    calls: list[str] = []
    server = SimulatedApi(clock, lambda call: calls.append(call.verb))
    await put(server, "a", "1")
    reflector = Reflector(server, CONFIG_MAPS, clock, namespace="shop")
    with running(reflector):
        for number in range(40):
            await put(server, "a", str(number), namespace="elsewhere")
            await asyncio.sleep(100)
            if clock.monotonic() > 400:
                assert int(reflector.resource_version) > server.versions.revision - 5
        server.versions.compact()
        await asyncio.sleep(1000)
        assert calls.count("list_page") <= 2
        assert calls.count("watch") >= 4000 // 300


async def test_what_happened_during_an_outage_is_told_after_it(api: FarApi, followed: Reflector) -> None:
    for name in ("kept", "changed", "deleted", "made again"):
        await put(api, name, "before")
    told = Told()
    await asyncio.sleep(1)
    followed.subscribe(told.note)
    api.line.cut()
    await asyncio.sleep(60)
    for name in ("deleted", "made again"):
        await remove(api, name)
    for name in ("changed", "made again", "new"):
        await put(api, name, "after")
    api.versions.compact()
    api.line.mend()
    await asyncio.sleep(30)
    assert sorted(told.changes, key=str) == [("before", "after")] * 2 + [("before", None), (None, "after")]
    assert values(followed) == {"kept": "before", "changed": "after", "made again": "after", "new": "after"}


async def test_a_watch_that_is_too_old_leads_to_a_new_list(api: FarApi, followed: Reflector) -> None:
    await put(api, "a", "1")
    await asyncio.sleep(20)
    api.line.cut()
    await put(api, "a", "2")
    api.versions.compact()
    api.line.mend()
    await asyncio.sleep(5)
    assert values(followed) == {"a": "2"}


async def test_a_compaction_between_two_pages_begins_the_list_again(clock: VirtualClock) -> None:
    pages = 0

    def compact_once(call: Call) -> None:
        nonlocal pages
        if call.verb == "list_page":
            pages += 1
            if pages == 2:
                raise error_of(410, "Expired", "The provided continue parameter is too old")

    server = FarApi(clock)
    for number in range(7):
        await put(server, f"map-{number}", str(number))
    server.before_call = compact_once
    reflector = Reflector(server, CONFIG_MAPS, clock)
    with running(reflector):
        await asyncio.sleep(5)
        assert len(values(reflector)) == 7
        assert pages == 2 + 4


async def test_heard_at_is_when_the_list_was_sent_not_when_it_was_answered(api: FarApi, clock: VirtualClock) -> None:
    api.line.there_s, api.line.back_s = 2, 3
    reflector = Reflector(api, CONFIG_MAPS, clock, confirm_every=seconds(10))
    with running(reflector):
        await reflector.synced.wait()
        assert (reflector.heard_at, clock.monotonic()) == (0.0, 5.0)
        await asyncio.sleep(15.1)
        assert (reflector.heard_at, clock.monotonic()) == (15.0, 20.1)


async def test_nothing_is_heard_while_no_list_gets_through_however_well_the_watch_does(
    api: FarApi, followed: Reflector
) -> None:
    await asyncio.sleep(20)

    def refuse_lists(call: Call) -> None:
        if call.verb == "list_page":
            raise UnreachableError("too busy")

    api.before_call = refuse_lists
    for number in range(60):
        await put(api, "a", str(number))
        await asyncio.sleep(1)
    assert values(followed) == {"a": "59"}
    assert followed.heard_at is not None
    assert followed.heard_at <= 20


async def test_a_watch_whose_peer_vanished_is_noticed_by_confirming(api: FarApi, followed: Reflector) -> None:
    told = Told()
    followed.subscribe(told.note)
    await put(api, "a", "1")
    await asyncio.sleep(1)
    api.line.die()
    await remove(api, "a")
    heard_at = followed.heard_at
    await asyncio.sleep(3 * CONFIRM_EVERY_S)
    assert told.changes == [(None, "1"), ("1", None)]
    assert followed.heard_at != heard_at


async def test_a_cache_that_disagrees_with_the_server_counts_as_not_heard(
    api: FarApi, clock: VirtualClock, followed: Reflector
) -> None:
    await put(api, "a", "1")
    await asyncio.sleep(1)
    api.line.die()
    await remove(api, "a")
    removed_at = clock.monotonic()
    while values(followed):
        assert clock.monotonic() < removed_at + 60, "nobody noticed"
        assert followed.heard_at is not None
        assert followed.heard_at <= removed_at
        await asyncio.sleep(0.1)


async def test_constant_change_while_a_long_list_is_on_its_way_is_no_difference(
    api: FarApi, clock: VirtualClock, followed: Reflector
) -> None:
    for number in range(7):
        await put(api, f"map-{number}", "0")
    await asyncio.sleep(1)
    api.line.there_s = 0.4  # of each of four pages
    calls_before = len(api.line.sent)
    for number in range(120):
        await put(api, f"map-{number % 7}", str(number))
        if number % 10 == 9:
            await remove(api, f"map-{number % 7}")
        await asyncio.sleep(0.5)
    assert followed.heard_at is not None
    assert followed.heard_at >= clock.monotonic() - 2 * CONFIRM_EVERY_S
    assert "watch" not in {verb for _, verb in api.line.sent[calls_before:]}, "it began anew"


async def test_what_is_not_selected_is_not_kept(clock: VirtualClock) -> None:
    server = SimulatedApi(clock)
    await put(server, "mine", "1")
    await put(server, "other", "2")
    reflector = Reflector(server, CONFIG_MAPS, clock, selector="data.value!=2")
    with running(reflector):
        await asyncio.sleep(1)
        assert values(reflector) == {"mine": "1"}
        await put(server, "mine", "2")
        await put(server, "other", "3")
        await asyncio.sleep(1)
        assert values(reflector) == {"other": "3"}
