import pytest

from jitgress.cli.exits import CliError
from jitgress.cli.follow import follow
from jitgress.cli.names import Name
from jitgress.kube.errors import NotFoundError, UnreachableError
from jitgress.kube.resources import ACCESS_REQUESTS
from tests.unit.cli.cluster import NOW, pending
from tests.unit.cli.simulated_api import SimulatedApi

NAME = Name("shop", "orders-1")


async def no_pause(_seconds: float) -> None:
    return


@pytest.fixture
async def api() -> SimulatedApi:
    api = SimulatedApi(NOW)
    await make(api, "orders-1")
    return api


async def make(api: SimulatedApi, name: str) -> None:
    await api.create(ACCESS_REQUESTS, {"metadata": {"namespace": "shop", "name": name}})


async def change(api: SimulatedApi) -> None:
    await api.apply_status(ACCESS_REQUESTS, "orders-1", "shop", pending())


async def test_each_version_is_seen_once(api: SimulatedApi) -> None:
    versions = follow(api, ACCESS_REQUESTS, NAME, no_pause)
    first = await anext(versions)
    await make(api, "orders-2")
    await change(api)

    second = await anext(versions)

    assert "status" not in first
    assert second["status"] == pending()
    await versions.aclose()


async def test_a_version_that_is_too_old_is_read_again(api: SimulatedApi) -> None:
    versions = follow(api, ACCESS_REQUESTS, NAME, no_pause)
    await anext(versions)
    await change(api)
    api.compacted_before = 2

    assert (await anext(versions))["status"] == pending()
    await versions.aclose()


async def test_who_may_not_watch_reads_again(api: SimulatedApi) -> None:
    api.compacted_before = 10_000
    versions = follow(api, ACCESS_REQUESTS, NAME, no_pause)
    await anext(versions)
    await anext(versions)
    await change(api)

    assert (await anext(versions))["status"] == pending()
    await versions.aclose()


async def test_an_api_server_that_is_away_is_waited_for(api: SimulatedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = 0

    async def comes_back_at_the_third(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3:
            monkeypatch.undo()

    async def away(*_: object) -> None:
        raise UnreachableError("no answer")

    api.compacted_before = 10_000
    versions = follow(api, ACCESS_REQUESTS, NAME, comes_back_at_the_third)
    await anext(versions)
    await change(api)
    monkeypatch.setattr(api, "get", away)

    assert (await anext(versions))["status"] == pending()
    assert pauses == 3
    await versions.aclose()


async def test_what_is_deleted_is_not_waited_for(api: SimulatedApi) -> None:
    versions = follow(api, ACCESS_REQUESTS, NAME, no_pause)
    await anext(versions)
    await api.delete(ACCESS_REQUESTS, "orders-1", "shop")

    with pytest.raises(CliError, match="was deleted"):
        await anext(versions)


async def test_one_made_again_under_the_name_is_another_one(api: SimulatedApi) -> None:
    versions = follow(api, ACCESS_REQUESTS, NAME, no_pause)
    await anext(versions)
    await api.delete(ACCESS_REQUESTS, "orders-1", "shop")
    await make(api, "orders-1")
    api.compacted_before = 10_000

    with pytest.raises(CliError, match="was deleted"):
        await anext(versions)


async def test_what_was_never_there_is_said_at_once(api: SimulatedApi) -> None:
    with pytest.raises(NotFoundError):
        await anext(follow(api, ACCESS_REQUESTS, Name("shop", "none"), no_pause))
