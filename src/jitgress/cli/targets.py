"""`jitgress targets`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.reading import everything
from jitgress.cli.screen import Column, Screen
from jitgress.cli.view import condition_of
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_TARGETS

app = commands()

COLUMNS: Final = (
    Column("TARGET"),
    Column("READY", is_state=True),
    Column("HOST", rank=1),
    Column("METHODS", rank=4),
    Column("PATHS", rank=3, is_elastic=True),
    Column("WHY NOT", rank=2, is_elastic=True),
)


@app.command("targets", cls=ClusterCommand, epilog="jitgress targets\njitgress targets -n shop -o name")
def targets(
    ctx: typer.Context,
    namespace: Annotated[
        str | None,
        typer.Option("-n", "--namespace", metavar="NAMESPACE", help="Only this namespace. Without it: all namespaces."),
    ] = None,
) -> None:
    """List what can be asked for."""
    asyncio.run(_targets(ctx.obj, namespace))


async def _targets(session: Session, namespace: str | None) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        found = [each async for each in everything(connection.api, ACCESS_TARGETS, namespace)]
    found.sort(key=_name)
    screen.listing(
        found, COLUMNS, _row, "No target here. A service owner declares one with an AccessTarget.", name=_name
    )


def _row(found: Any) -> Sequence[str]:
    spec, ready = found["spec"], condition_of(found, "Ready")
    why = "" if ready.get("status") == "True" else str(ready.get("message", "not examined yet"))
    methods, paths = ", ".join(spec.get("methods", ())), ", ".join(spec.get("paths", ()))
    return _name(found), str(ready.get("status", "Unknown")), str(spec.get("host", "")), methods, paths, why


def _name(found: Object) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"
