"""`jitgress request`: ask for access, and wait until it is there."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from jitgress.cli.asking import ask_object, refuse_what_cannot_be_asked, refuse_what_is_hopeless
from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import DeniedError, WaitTimedOutError
from jitgress.cli.names import Name, parse_name
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.view import UNSEEN, RequestView, request_view
from jitgress.cli.waiting import Wanted, wait_for
from jitgress.cli.wording import duration_words, parse_duration
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import InvalidObjectError
from jitgress.kube.resources import ACCESS_REQUESTS

app = commands()

_FIRST_LOOK: Final = timedelta(seconds=3)  # an operator answers in milliseconds; without one, asking was still done

EXAMPLES: Final = """\
jitgress request shop/orders --for 30m --reason "INC-123 stuck orders" --wait
jitgress request shop/orders --for 10m --reason "CHG-7" --path /api --method GET -o json"""


@app.command("request", cls=ClusterCommand, epilog=EXAMPLES)
def request(
    ctx: typer.Context,
    *,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target, as NAMESPACE/NAME.")],
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long, such as 30m or 1h30m.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What it is for. Approvers and auditors read it.")
    ],
    path: Annotated[
        list[str] | None, typer.Option("--path", metavar="PATH", help="A path and all below it. May be repeated.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="METHOD", help="Such as GET. May be repeated.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is open, or isn't going to be.")] = False,
    timeout: Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait.")] = "5m",
) -> None:
    """Ask for access to a target.

    What --path and --method leave open is the most that target and policy permit.
    """
    session: Session = ctx.obj
    name = parse_name(target, None, what="target")
    patience = parse_duration(timeout) if wait else None
    refuse_what_cannot_be_asked(reason, parse_duration(lasting))
    asked = {
        "target": name.name,
        "reason": reason,
        "durationSeconds": int(parse_duration(lasting).total_seconds()),
        "paths": list(path or ()),
        "methods": [each.upper() for each in method or ()],
    }
    asyncio.run(_request(session, name, asked, patience))


async def _request(session: Session, target: Name, asked: Mapping[str, Any], patience: timedelta | None) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        await refuse_what_is_hopeless(connection.api, target, asked)
        body = ask_object(target, asked, await connection.caller())
        created = await _created(connection.api, body, target.namespace)
        name = Name(target.namespace, created["metadata"]["name"])
        found = await _first_look(connection.api, name, screen) or created
        if patience is not None and not request_view(found, screen.now).is_closed:
            found = await wait_for(
                connection.api, ACCESS_REQUESTS, name, _opened(name, screen), patience, screen=screen
            )
    _answer(screen, found)


async def _created(api: KubeApi, body: Object, namespace: str) -> Object:
    try:
        return await api.create(ACCESS_REQUESTS, body, namespace)
    except InvalidObjectError as error:
        # Ahead of what is wrong, the server names an object that was never made.
        words = error.message.partition(" is invalid: ")[2] or error.message
        raise InvalidObjectError(words, remedy=error.remedy, status=error.status) from error


async def _first_look(api: KubeApi, name: Name, screen: Screen) -> Object | None:
    """Return the request once somebody has looked at it, or None if nobody does: asking was done all the same."""

    def is_seen(found: Object) -> bool:
        return request_view(found, screen.now).state != UNSEEN

    try:
        return await wait_for(
            api, ACCESS_REQUESTS, name, replace(_opened(name, screen), is_enough=is_seen), _FIRST_LOOK
        )
    except WaitTimedOutError:
        return None


def _opened(name: Name, screen: Screen) -> Wanted:
    def is_settled(found: Object) -> bool:
        view = request_view(found, screen.now)
        return view.state == "Active" or view.is_closed

    def progress(found: Object) -> str:
        view = request_view(found, screen.now)
        return f"{name} is {view.state}: {view.message or 'nobody has looked at it yet'}"

    return Wanted(
        is_settled, progress, standing=f"It keeps standing; take it back with: {screen.command(f'withdraw {name}')}"
    )


def _answer(screen: Screen, found: Object) -> None:
    view = request_view(found, screen.now)
    if view.state == "Denied":
        raise _denied(view)
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(found)
        case Format.NAME:
            screen.line(str(view.name))
        case Format.TABLE:
            _tell(screen, view)


def _denied(view: RequestView) -> DeniedError:
    remedy = view.denial.get("remedy", "")
    message = view.denial.get("message") or view.message.removesuffix(remedy).rstrip()
    return DeniedError(f"{view.name}: {message}", remedy=remedy, denial=view.denial.get("code", ""))


def _tell(screen: Screen, view: RequestView) -> None:
    match view.state:
        case "Active" if view.window:
            end = view.window.not_after
            screen.state(str(view.name), "Active", f" until {screen.time(end)} (in {duration_words(end - screen.now)})")
            screen.line(f"  {view.url}")
            screen.line(f"  {_first_use(screen, view)}")
        case state if state == UNSEEN:
            screen.state(str(view.name), state, ": nobody has looked at it yet; is the operator running?")
        case "Pending" if view.waiting_for:
            screen.state(str(view.name), "Pending", f": {view.message}")
            screen.line(f"  They approve it with: jitgress approve {view.name}")
        case state:
            screen.state(str(view.name), state, f": {view.message}")


def _first_use(screen: Screen, view: RequestView) -> str:
    """Return a command that reaches what was opened."""
    authority = screen.local_authority()
    trust = f"--cacert {authority} " if authority else ""
    path = view.paths[0] if view.paths else "/"
    token = screen.command(f"token {view.name}")
    return f'curl {trust}-H "Jitgress-Authorization: Bearer $({token})" {view.url}{path}'
