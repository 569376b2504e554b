"""`jitgress show`: all that there is to know about one request, at three in the morning."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.names import Name, NamespaceOption, RequestArgument, parse_name
from jitgress.cli.narrowing import approvals, left_of, narrowed_by
from jitgress.cli.options import Format
from jitgress.cli.reading import extensions_of, reviews_of
from jitgress.cli.screen import Screen
from jitgress.cli.timeline import timeline
from jitgress.cli.view import RequestView, request_view_or_broken, the_request
from jitgress.kube.client import Object

app = commands()


@app.command("show", cls=ClusterCommand, epilog="jitgress show shop/orders-x7k2p")
def show(ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None) -> None:
    """Show a request: who asked for what, how it was decided, what is open."""
    asyncio.run(_show(ctx.obj, parse_name(request, namespace, what="request")))


async def _show(session: Session, name: Name) -> None:
    screen = Screen(session)
    reviews: list[Object] = []
    extensions: list[RequestView] = []
    async with connected(session) as connection:
        found = await the_request(connection.api, name)
        view = request_view_or_broken(found, screen.now)
        if screen.format is Format.TABLE:
            reviews = await reviews_of(connection.api, view)
            others = await extensions_of(connection.api, view)
            extensions = [request_view_or_broken(each, screen.now) for each in others]
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(found)
        case Format.NAME:
            screen.line(str(view.name))
        case Format.TABLE:
            _tell(screen, view, reviews, extensions)
            screen.line("")
            screen.fields([(screen.time(at), text) for at, text in timeline(screen, view, reviews, extensions)])


def _tell(screen: Screen, view: RequestView, reviews: Sequence[Object], extensions: Sequence[RequestView]) -> None:
    then = view.next(screen.now)
    screen.state(str(view.name), view.state, f", {then}" if then else "")
    window = view.window
    until = f"{screen.time(window.not_before)} to {screen.time(window.not_after)}" if window else ""
    screen.fields(
        [
            ("break-glass", view.glass_review.sentence(screen.now) if view.glass_review else view.glass(screen.now)),
            *_why(view),
            ("requester", view.who),
            ("target", str(view.target)),
            ("scope", _scope(view, reviews)),
            ("for", view.lasting),
            ("starts", screen.time(view.start_at) if view.start_at else ""),
            ("ends by", screen.time(view.end_at) if view.end_at else ""),
            ("reason", view.reason),
            ("ticket", view.ticket),
            ("extends", f"{view.extends}{_chain(view)}" if view.extends else ""),
            *(("extended by", f"{each.name}, {each.state}") for each in extensions),
            ("policy", view.policy),
            ("approvals", _approvals(view)),
            ("waits for", ", ".join(view.waiting_for)),
            ("window", until),
            ("url", view.url if view.state in ("Active", "Opening") else ""),
        ]
    )


def _scope(view: RequestView, reviews: Sequence[Object]) -> str:
    """Return what it asks for, and how much of that the approvers left."""
    left = left_of(view, map(narrowed_by, approvals(reviews)))
    if left is None or left == (view.paths, view.methods):
        return view.scope
    paths, methods = left
    return f"{replace(view, paths=paths, methods=methods).scope} (asked for: {view.scope})"


def _why(view: RequestView) -> list[tuple[str, str]]:
    if view.state in ("Active", "Scheduled"):
        return []
    message, remedy = view.denial.get("message"), view.denial.get("remedy", "")
    return [("why", message or view.message.removesuffix(remedy).rstrip()), ("what now", remedy)]


def _chain(view: RequestView) -> str:
    return f" (extension {view.extensions})" if view.extensions > 1 else ""


def _approvals(view: RequestView) -> str:
    if not view.approvals_required:
        return ""
    by = f" by {', '.join(view.approved_by)}" if view.approved_by else ""
    return f"{len(view.approved_by)} of {view.approvals_required}{by}"
