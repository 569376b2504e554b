"""One object as it changes: watched, not polled; polled only where the caller may not watch."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from jitgress.cli.exits import CliError
from jitgress.cli.names import Name
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import ForbiddenError, GoneError, NotFoundError, UnreachableError
from jitgress.kube.resources import Resource

_WATCH_S: Final = 60  # shorter than the idle time-outs of common load balancers
_PAUSE_S: Final = 1.0  # while the API server is away, and between polls

Pause = Callable[[float], Awaitable[None]]


async def follow(
    api: KubeApi, resource: Resource, name: Name, pause: Pause = asyncio.sleep
) -> AsyncGenerator[Object, None]:
    """Yield the object as it is, then each time that it may have changed, without end.

    Raises `CliError` when it was deleted, `NotFoundError` when it isn't there at the beginning. Once it was seen, an
    API server that is away for a while is waited for: the caller has the time-out.
    """
    seen = await api.get(resource, name.name, name.namespace)
    uid = seen["metadata"]["uid"]
    yield seen
    while True:
        async with aclosing(_changes(api, resource, seen)) as versions:
            async for found in versions:
                seen = _same(found, name, uid)
                yield seen
        await pause(_PAUSE_S)
        try:
            seen = _same(await api.get(resource, name.name, name.namespace), name, uid)
        except UnreachableError:
            continue
        except NotFoundError:
            raise _deleted(name) from None
        yield seen


async def _changes(api: KubeApi, resource: Resource, seen: Object) -> AsyncGenerator[Object, None]:
    """Yield later versions of `seen` until the watch ends; a deleted object comes as an empty one."""
    name, version = seen["metadata"]["name"], seen["metadata"]["resourceVersion"]
    namespace = seen["metadata"]["namespace"]
    events = api.watch(resource, namespace, resource_version=version, timeout_s=_WATCH_S, name=name)
    try:
        async with aclosing(events):
            async for event in events:
                found: Object = event["object"]
                if event["type"] != "BOOKMARK":
                    yield {} if event["type"] == "DELETED" else found
    except (GoneError, ForbiddenError, UnreachableError):
        return


def _same(found: Object, name: Name, uid: str) -> Object:
    if not found or found["metadata"]["uid"] != uid:
        raise _deleted(name)
    return found


def _deleted(name: Name) -> CliError:
    return CliError(f"{name} was deleted while it was waited for", remedy="Look with: jitgress list")
