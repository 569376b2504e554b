"""`jitgress show`: all that there is to know about one request, at three in the morning."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.list import everything
from jitgress.cli.names import Name, NamespaceOption, RequestArgument, parse_name
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.view import RequestView, condition_of, request_view, the_request
from jitgress.cli.wording import duration_words
from jitgress.domain.window import parse_time
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REVIEWS

app = commands()

_VERBS: Final = {"Approve": "approved", "Deny": "denied", "Revoke": "revoked"}
Moment = tuple[datetime, str]


@app.command("show", cls=ClusterCommand, epilog="jitgress show shop/orders-x7k2p")
def show(ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None) -> None:
    """Show a request: who asked for what, how it was decided, what is open."""
    asyncio.run(_show(ctx.obj, parse_name(request, namespace, what="request")))


async def _show(session: Session, name: Name) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        found = await the_request(connection.api, name)
        reviews: list[Object] = []
        if screen.format is Format.TABLE:
            uid = found["metadata"]["uid"]
            every = everything(connection.api, ACCESS_REVIEWS, name.namespace)
            reviews = [each async for each in every if each["spec"]["request"]["uid"] == uid]
    view = request_view(found, screen.now)
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(found)
        case Format.NAME:
            screen.line(str(view.name))
        case Format.TABLE:
            _tell(screen, view, reviews)


def _tell(screen: Screen, view: RequestView, reviews: Sequence[Object]) -> None:
    then = view.next(screen.now)
    screen.state(str(view.name), view.state, f", {then}" if then else "")
    window = view.window
    until = f"{screen.time(window.not_before)} to {screen.time(window.not_after)}" if window else ""
    counted = f"{len(view.approved_by)} of {view.approvals_required}" if view.approvals_required else ""
    screen.fields(
        [
            ("why", "" if view.state == "Active" else view.message),
            ("requester", view.who),
            ("target", str(view.target)),
            ("scope", view.scope),
            ("for", duration_words(view.duration)),
            ("reason", view.reason),
            ("policy", view.policy),
            ("approvals", f"{counted} {'by ' + ', '.join(view.approved_by) if view.approved_by else ''}".strip()),
            ("waits for", ", ".join(view.waiting_for)),
            ("window", until),
            ("url", view.url if view.state in ("Active", "Opening") else ""),
        ]
    )
    screen.line("")
    asked, *course = _course(view)
    # Reviews carry whole seconds: what they brought about comes after them.
    moments = sorted([asked, *map(_review, reviews), *course], key=lambda moment: moment[0].replace(microsecond=0))
    screen.fields([(screen.time(at), text) for at, text in moments])


def _course(view: RequestView) -> list[Moment]:
    moments = [(view.created_at, f"{view.requester} asked")]
    if view.window:
        moments.append((view.window.not_before, "the window begins"))
        if not view.is_closed:
            moments.append((view.window.not_after, "it will close by itself"))
    late = "" if view.lateness_ms is None else f", {view.lateness_ms} ms after the end at the latest"
    words = {
        "activeAt": "seen open: strangers are refused at the address",
        "closedAt": f"closed: {view.state}. {view.message}",
        "hiddenAt": f"seen hidden{late}",
    }
    return moments + [(at, words[name]) for name, at in view.times.items()]


def _review(found: Object) -> Moment:
    spec, counted = found["spec"], condition_of(found, "Counted")
    who = f"{spec['reviewer']['username']} {_VERBS.get(spec['decision'], spec['decision'])}"
    comment = f" “{spec['comment']}”" if spec.get("comment") else ""
    match counted.get("status"):
        case "True":
            standing = ""
        case "False":
            standing = f": does not count ({counted.get('reason')}): {counted.get('message')}"
        case _:
            standing = ": not judged yet"
    return parse_time(found["metadata"]["creationTimestamp"]), f"{who}{comment}{standing}"
