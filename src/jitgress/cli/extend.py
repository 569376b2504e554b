"""`jitgress extend`: ask for access that is open to last longer. It is a request of its own, decided like any other."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from jitgress.cli.asking import ask_object, refuse_what_cannot_be_asked, refuse_what_is_hopeless
from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import DeniedError
from jitgress.cli.names import (
    MethodOption,
    Name,
    NamespaceOption,
    PathOption,
    ReasonOption,
    RequestArgument,
    TicketOption,
    TimeoutOption,
    parse_name,
)
from jitgress.cli.narrowing import approvals, left_of, narrowed_by, refuse_more
from jitgress.cli.reading import extensions_of, reviews_of
from jitgress.cli.screen import Screen
from jitgress.cli.sending import send, tell
from jitgress.cli.view import RequestView, request_view, request_view_or_broken, the_request
from jitgress.cli.wording import duration_words, parse_duration
from jitgress.domain.denial import DenialCode
from jitgress.kube.client import KubeApi, Object

app = commands()

EXAMPLES: Final = """\
jitgress extend shop/orders-x7k2p --for 30m --reason "INC-123 still stuck" --wait"""


class ExtensionImpossibleError(DeniedError):
    """What is to be extended isn't the caller's own open access."""

    code = DenialCode.EXTENSION_IMPOSSIBLE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """By how much it is to be longer, and why; empty paths and methods are those that are open."""

    duration: timedelta
    reason: str
    ticket: str | None
    paths: tuple[str, ...]
    methods: tuple[str, ...]


@app.command("extend", cls=ClusterCommand, epilog=EXAMPLES)
def extend(  # noqa: PLR0913  each option is a parameter
    ctx: typer.Context,
    *,
    request: RequestArgument,
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="How much longer, such as 30m.")],
    reason: ReasonOption,
    namespace: NamespaceOption = None,
    ticket: TicketOption = None,
    path: PathOption = None,
    method: MethodOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has taken over, or isn't going to.")] = False,
    timeout: TimeoutOption = "5m",
) -> None:
    """Ask for open access of yours to last longer.

    It asks for the same paths and methods, unless you name fewer, and takes over without a gap once it is approved.
    """
    duration = parse_duration(lasting)
    refuse_what_cannot_be_asked(reason, duration, ticket)
    longer = Longer(
        duration=duration,
        reason=reason,
        ticket=ticket,
        paths=tuple(path or ()),
        methods=tuple(each.upper() for each in method or ()),
    )
    name = parse_name(request, namespace, what="request")
    asyncio.run(_extend(ctx.obj, name, longer, parse_duration(timeout) if wait else None))


async def _extend(session: Session, name: Name, longer: Longer, patience: timedelta | None) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        view = request_view(await the_request(connection.api, name), screen.now)
        me = await connection.identity()
        successor = await _successor(connection.api, view, screen)
        _refuse_what_cannot_be_extended(screen, view, me["username"], successor)
        asked = _asked(view, longer, await reviews_of(connection.api, view))
        await refuse_what_is_hopeless(connection.api, view.target, asked)
        if view.window:
            end = view.window.not_after + longer.duration
            screen.note(
                f"{name} ends at {screen.time(view.window.not_after)}; extended by {duration_words(longer.duration)}"
                f" it would end at {screen.time(end)}"
            )
        found = await send(connection.api, ask_object(view.target, asked, me), screen, patience)
    tell(screen, found)


def _refuse_what_cannot_be_extended(screen: Screen, view: RequestView, me: str, successor: Name | None) -> None:
    """Raise `ExtensionImpossibleError` for what the server would deny for ever."""
    anew = f"Ask anew with: {screen.command(f'request {view.target} --reason …')}"
    if view.requester != me:
        raise ExtensionImpossibleError(
            f"{view.name} is {view.requester}'s access, you are {me}", remedy=f"Each extends their own. {anew}"
        )
    if view.is_break_glass:
        raise ExtensionImpossibleError(f"{view.name} is break-glass, which can't be extended", remedy=anew)
    if view.is_closed:
        raise ExtensionImpossibleError(f"{view.name} is over ({view.state})", remedy=anew)
    if successor is not None:
        raise ExtensionImpossibleError(
            f"{view.name} is extended by {successor} already",
            remedy=f"See how that stands: {screen.command(f'show {successor}')}",
        )
    if view.state not in ("Active", "Opening"):
        raise ExtensionImpossibleError(
            f"{view.name} is not open yet ({view.state})",
            remedy=f"Wait until it is, or take it back and ask for longer: {screen.command(f'withdraw {view.name}')}",
        )


async def _successor(api: KubeApi, view: RequestView, screen: Screen) -> Name | None:
    """Return the request of the same person that extends `view`, unless that one is over."""
    others = [request_view_or_broken(each, screen.now) for each in await extensions_of(api, view)]
    return next((each.name for each in others if each.requester == view.requester and not each.is_closed), None)


def _asked(view: RequestView, longer: Longer, reviews: Sequence[Object]) -> Mapping[str, Any]:
    """Return what the extension asks for: as much as is open, or less."""
    paths, methods = left_of(view, map(narrowed_by, approvals(reviews))) or (view.paths, view.methods)
    refuse_more(longer.paths, longer.methods, paths, methods, f"what {view.name} opened")
    return {
        "target": view.target.name,
        "reason": longer.reason,
        "ticket": longer.ticket or view.ticket or None,
        "durationSeconds": int(longer.duration.total_seconds()),
        "paths": list(longer.paths or paths),
        "methods": list(longer.methods or methods),
        "extends": {"name": view.name.name, "uid": view.uid},
    }
