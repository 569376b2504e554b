"""Objects read from the cluster: page by page, or one that may not be there or not be the caller's to see."""

from collections.abc import AsyncIterator
from typing import Final

from jitgress.cli.view import RequestView
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import ForbiddenError
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS, Resource

PAGE: Final = 500  # as kubectl


async def everything(api: KubeApi, resource: Resource, namespace: str | None) -> AsyncIterator[Object]:
    """Yield every object of a resource, page by page."""
    after: str | None = None
    while True:
        page = await api.list_page(resource, namespace, limit=PAGE, next_page=after)
        for item in page.items:
            yield item
        after = page.next
        if after is None:
            return


async def found_or_none(api: KubeApi, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
    """Return an object, or None where there is none or the caller may not read it."""
    try:
        return await api.find(resource, name, namespace)
    except ForbiddenError:
        return None


async def reviews_of(api: KubeApi, view: RequestView) -> list[Object]:
    """Return every review of a request. Where the caller may not read any, there are none."""
    try:
        every = [each async for each in everything(api, ACCESS_REVIEWS, view.name.namespace)]
    except ForbiddenError:
        return []
    return [each for each in every if each["spec"]["request"]["uid"] == view.uid]


async def extensions_of(api: KubeApi, view: RequestView) -> list[Object]:
    """Return every request that extends this one."""
    every = [each async for each in everything(api, ACCESS_REQUESTS, view.name.namespace)]
    return [each for each in every if each["spec"].get("extends", {}).get("uid") == view.uid]
