"""`jitgress list`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import UsageError
from jitgress.cli.screen import Column, Screen
from jitgress.cli.view import UNSEEN, request_view
from jitgress.cli.wording import duration_words, plain
from jitgress.domain.course import CloseReason
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import ACCESS_REQUESTS, Resource

app = commands()

PAGE: Final = 500  # as kubectl
STATES: Final = (UNSEEN, "Pending", "Opening", "Active", *CloseReason)
COLUMNS: Final = (
    Column("REQUEST"),
    Column("STATE", is_state=True),
    Column("REQUESTER", rank=1),
    Column("NEXT", rank=2),
    Column("SCOPE", rank=4, is_elastic=True),
    Column("AGE", rank=3),
    Column("REASON", rank=5, is_elastic=True),
)


@app.command("list", cls=ClusterCommand, epilog="jitgress list --mine\njitgress list --state Pending -o name")
def list_requests(
    ctx: typer.Context,
    *,
    namespace: Annotated[
        str | None,
        typer.Option("-n", "--namespace", metavar="NAMESPACE", help="Only this namespace. Without it: all namespaces."),
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only these, such as Pending or Active.")
    ] = None,
) -> None:
    """List requests, the newest first."""
    asyncio.run(_list(ctx.obj, namespace, {_state(each) for each in state or ()}, is_mine=mine))


async def _list(session: Session, namespace: str | None, states: set[str], *, is_mine: bool) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        me = (await connection.caller()).username if is_mine else None
        found = [each async for each in everything(connection.api, ACCESS_REQUESTS, namespace)]
    views = {each["metadata"]["uid"]: request_view(each, screen.now) for each in found}
    chosen = [
        each
        for each in found
        if me in (None, views[each["metadata"]["uid"]].requester)
        and (not states or views[each["metadata"]["uid"]].state in states)
    ]
    chosen.sort(key=lambda each: views[each["metadata"]["uid"]].created_at, reverse=True)

    def row(each: Any) -> tuple[str, ...]:
        view, now = views[each["metadata"]["uid"]], screen.now
        age = duration_words(now - view.created_at)
        return (str(view.name), view.state, view.requester, view.next(now), view.scope, age, view.reason)

    screen.listing(
        chosen,
        COLUMNS,
        row,
        'No request here. Ask with: jitgress request NAMESPACE/TARGET --for 30m --reason "…"',
        name=lambda each: str(views[each["metadata"]["uid"]].name),
    )


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


def _state(text: str) -> str:
    for state in STATES:
        if state.lower() == text.lower():
            return str(state)
    raise UsageError(f"{plain(text)!r} is not a state", remedy=f"Use one of: {', '.join(STATES)}.")
