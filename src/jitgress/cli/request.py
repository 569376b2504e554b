"""`jitgress request`: ask for access, and wait until it is there."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Any, Final

import typer

from jitgress.cli.asking import ask_object, refuse_what_cannot_be_asked, refuse_what_is_hopeless
from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import UsageError
from jitgress.cli.glass import what_breaking_it_means
from jitgress.cli.names import MethodOption, Name, PathOption, ReasonOption, TicketOption, TimeoutOption, parse_name
from jitgress.cli.screen import Screen
from jitgress.cli.sending import send, tell
from jitgress.cli.times import parse_moment
from jitgress.cli.wording import parse_duration
from jitgress.domain.window import format_time

app = commands()

EXAMPLES: Final = """\
jitgress request shop/orders --for 30m --reason "INC-123 stuck orders" --wait
jitgress request shop/orders --for 10m --reason "CHG-7" --path /api --method GET -o json
jitgress request shop/orders --at "tomorrow 09:00" --until "tomorrow 10:00" --reason "release" --ticket CHG-7
jitgress request shop/orders --break-glass --reason "INC-123 nobody can pay" --wait"""


@app.command("request", cls=ClusterCommand, epilog=EXAMPLES)
def request(  # noqa: PLR0913  each option is a parameter
    ctx: typer.Context,
    *,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target, as NAMESPACE/NAME.")],
    reason: ReasonOption,
    lasting: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="DURATION", help="How long, such as 30m or 1h30m. Without it: the policy's default."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it begins, such as 14:00, tomorrow 09:00 or +2h."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Never open at or after this, such as the end of a change."),
    ] = None,
    ticket: TicketOption = None,
    path: PathOption = None,
    method: MethodOption = None,
    break_glass: Annotated[
        bool,
        typer.Option("--break-glass", help="In an emergency: open at once, without approval, and be reviewed after."),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is open, or isn't going to be.")] = False,
    timeout: TimeoutOption = "5m",
) -> None:
    """Ask for access to a target.

    What --path and --method leave open is the most that target and policy permit. TIME is one of this machine's zone,
    or as in RFC 3339. With --until alone it is asked for until then. What begins only after --timeout is waited for
    until it is Scheduled.
    """
    session: Session = ctx.obj
    name = parse_name(target, None, what="target")
    patience = parse_duration(timeout) if wait else None
    if break_glass and at is not None:
        raise UsageError("--break-glass opens at once", remedy="Leave out --at.")
    begin, end = _moment(session, at), _moment(session, until)
    duration = _duration(session, lasting, begin, end)
    refuse_what_cannot_be_asked(reason, duration, ticket)
    asked = {
        "target": name.name,
        "reason": reason,
        "ticket": ticket,
        "durationSeconds": ceil(duration.total_seconds()) if duration else None,
        "startTime": format_time(begin) if begin else None,
        "endTime": format_time(end) if end else None,
        "paths": list(path or ()),
        "methods": [each.upper() for each in method or ()],
        "breakGlass": break_glass,
    }
    asyncio.run(_request(session, name, asked, patience))


async def _request(session: Session, target: Name, asked: Mapping[str, Any], patience: timedelta | None) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        wanted = await refuse_what_is_hopeless(connection.api, target, asked)
        me = await connection.identity()
        if asked["breakGlass"]:
            screen.note(await what_breaking_it_means(connection.api, target, wanted, me))
        found = await send(connection.api, ask_object(target, asked, me), screen, patience)
    tell(screen, found)


def _moment(session: Session, text: str | None) -> datetime | None:
    outside = session.outside
    return None if text is None else parse_moment(text, outside.clock.now(), outside.zone)


def _duration(session: Session, lasting: str | None, begin: datetime | None, end: datetime | None) -> timedelta | None:
    """Return how long is asked for: as said, or else until the end; None for the policy's default."""
    between = None if end is None else end - (begin or session.outside.clock.now())
    if between is not None and between <= timedelta(0):
        raise UsageError("it would end before it begins", remedy="Give --until a later time than --at.")
    return between if lasting is None else parse_duration(lasting)
