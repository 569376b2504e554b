"""`jitgress list`."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import UsageError
from jitgress.cli.names import Name
from jitgress.cli.reading import everything
from jitgress.cli.screen import Column, Screen
from jitgress.cli.view import NOT_UNDERSTOOD, UNSEEN, RequestView, request_view_or_broken
from jitgress.cli.wording import duration_words, plain
from jitgress.domain.course import CloseReason
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REQUESTS

app = commands()

STATES: Final = (UNSEEN, "Pending", "Scheduled", "Opening", "Active", *CloseReason, NOT_UNDERSTOOD)
COLUMNS: Final = (
    Column("REQUEST"),
    Column("STATE", is_state=True),
    Column("REQUESTER", rank=1),
    Column("NEXT", rank=2),
    Column("SCOPE", rank=4, is_elastic=True),
    Column("AGE", rank=3),
    Column("REASON", rank=5, is_elastic=True),
)
GLASS: Final = Column("BREAK-GLASS")
"""Stands behind the state wherever one of the requests is break-glass, however narrow the screen."""
EXAMPLES: Final = """\
jitgress list --mine
jitgress list --state Pending -o name
jitgress list --unreviewed"""


@app.command("list", cls=ClusterCommand, epilog=EXAMPLES)
def list_requests(
    ctx: typer.Context,
    *,
    namespace: Annotated[
        str | None,
        typer.Option("-n", "--namespace", metavar="NAMESPACE", help="Only this namespace. Without it: all namespaces."),
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only these, such as Pending, Scheduled or Active."),
    ] = None,
    unreviewed: Annotated[
        bool,
        typer.Option("--unreviewed", help="Only break-glass that waits for its review, the longest overdue first."),
    ] = False,
) -> None:
    """List requests, the newest first."""
    wanted = Wanted(states=frozenset(_state(each) for each in state or ()), is_mine=mine, is_unreviewed=unreviewed)
    asyncio.run(_list(ctx.obj, namespace, wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests to list. No states: all of them."""

    states: frozenset[str]
    is_mine: bool
    is_unreviewed: bool

    def has(self, view: RequestView, me: str | None) -> bool:
        """Tell whether `view` is wanted; `me` is None where everybody's are."""
        if self.states and view.state not in self.states:
            return False
        return me in (None, view.requester) and (view.is_unreviewed or not self.is_unreviewed)

    @property
    def nothing(self) -> str:
        """What to say when there is none."""
        if self.is_unreviewed:
            return "No break-glass waits for a review here."
        return 'No request here. Ask with: jitgress request NAMESPACE/TARGET --for 30m --reason "…"'


async def _list(session: Session, namespace: str | None, wanted: Wanted) -> None:
    screen = Screen(session)
    now = screen.now
    async with connected(session) as connection:
        me = (await connection.caller()).username if wanted.is_mine else None
        every = everything(connection.api, ACCESS_REQUESTS, namespace)
        found = [(request_view_or_broken(each, now), each) async for each in every]
    chosen = sorted((pair for pair in found if wanted.has(pair[0], me)), key=_newest_first)
    if wanted.is_unreviewed:
        chosen.sort(key=_longest_due_first)
    is_marked = any(view.is_break_glass for view, _ in chosen)
    views = {view.name: view for view, _ in chosen}
    columns = (*COLUMNS[:2], GLASS, *COLUMNS[2:]) if is_marked else COLUMNS

    def row(each: Object) -> tuple[str, ...]:
        view = views[_name(each)]
        glass = (view.glass(now),) if is_marked else ()
        age = duration_words(now - view.created_at)
        return (str(view.name), view.state, *glass, view.requester, view.next(now), view.scope, age, view.reason)

    screen.listing([each for _, each in chosen], columns, row, wanted.nothing, name=lambda each: str(_name(each)))


def _newest_first(pair: tuple[RequestView, Object]) -> float:
    return -pair[0].created_at.timestamp()


def _longest_due_first(pair: tuple[RequestView, Object]) -> float:
    review = pair[0].glass_review
    return review.due_at.timestamp() if review else 0.0


def _name(found: Object) -> Name:
    return Name(found["metadata"]["namespace"], found["metadata"]["name"])


def _state(text: str) -> str:
    for state in STATES:
        if state.lower() == text.lower():
            return str(state)
    raise UsageError(f"{plain(text)!r} is not a state", remedy=f"Use one of: {', '.join(STATES)}.")
