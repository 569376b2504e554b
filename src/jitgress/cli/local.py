"""`jitgress local`: the whole stack on this machine."""

from collections.abc import Mapping
from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from jitgress.cli.command import Command, OutputCommand, Session, commands
from jitgress.cli.exits import ExitCode, UsageError
from jitgress.cli.gate import settings_of_gate
from jitgress.cli.options import local_folder
from jitgress.cli.screen import Column, Screen
from jitgress.cli.settings import SettingsError, understood
from jitgress.cli.wording import plain
from jitgress.domain.errors import InvalidValueError
from jitgress.gate.settings import GateSettings
from jitgress.local.stack import Stack

EXAMPLES: Final = """\
jitgress local up
jitgress --as-local alice request shop/orders --for 2m --reason "a first look" --wait
jitgress local down"""

app = commands("Run the whole stack on this machine: no root, no containers.", EXAMPLES)

COLUMNS: Final = (
    Column("PART"),
    Column("RUNNING", is_state=True),
    Column("PID", rank=1),
    Column("LAST WORDS", rank=2, is_elastic=True),
)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--dir", metavar="FOLDER", help="Where it keeps its state. [default: $JITGRESS_LOCAL_DIR, else .local]"
    ),
]


@app.command("up", cls=Command, epilog="jitgress local up\njitgress local up --dir /tmp/second --set gate.staleness=10")
def up(
    ctx: typer.Context,
    *,
    folder: FolderOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as operator.route_kind=HTTPRoute."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what env.json says.")] = False,
) -> None:
    """Start what isn't running: control plane, ingress, gate, operator, portal, sample services."""
    session: Session = ctx.obj
    screen = Screen(session)
    began_s = session.outside.clock.monotonic()
    overrides = _overrides(settings or [])
    try:
        content = _stack(session, folder, screen).up(overrides, _understand)
    except (SettingsError, InvalidValueError) as error:
        if not overrides:
            raise
        raise UsageError(error.message, remedy=error.remedy) from error
    if as_json:
        screen.out.file.write(dumps(content, indent=2) + "\n")
        return
    screen.line(f"ready after {session.outside.clock.monotonic() - began_s:.1f} s")
    _tell(screen, content)


@app.command("status", cls=OutputCommand, epilog="jitgress local status")
def status(ctx: typer.Context, folder: FolderOption = None) -> None:
    """Show each part. Exits 1 if one of them doesn't run."""
    session: Session = ctx.obj
    screen = Screen(session)
    found = _stack(session, folder, screen).status()
    screen.listing(found, COLUMNS, _row, "Nothing.", name=lambda each: str(each["part"]))
    if not all(each["running"] for each in found):
        raise typer.Exit(ExitCode.FAILED)


@app.command("down", cls=Command, epilog="jitgress local down")
def down(ctx: typer.Context, folder: FolderOption = None) -> None:
    """End every part and remove the stack's folder."""
    session: Session = ctx.obj
    screen = Screen(session)
    stack = _stack(session, folder, screen)
    stack.down()
    screen.line(f"down: {stack.layout.folder} is removed")


def _stack(session: Session, folder: Path | None, screen: Screen) -> Stack:
    return Stack(folder or local_folder(session.outside.environ), session.outside.clock, screen.note)


def _understand(content: Mapping[str, Any]) -> GateSettings:
    return settings_of_gate(understood(content))


def _overrides(settings: list[str]) -> Mapping[str, str]:
    overrides: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or "." not in key:
            raise UsageError(f"{plain(setting)!r} is not a setting", remedy="Write it like gate.staleness=10.")
        overrides[key] = value
    return overrides


def _tell(screen: Screen, content: Mapping[str, Any]) -> None:
    people = [
        f"{user['username'].partition('@')[0]} ({', '.join(user['groups']) or 'no group'})" for user in content["users"]
    ]
    targets = [f"{target['namespace']}/{target['name']}" for target in content["targets"]]
    screen.fields(
        [
            ("ingress", content["ingress_url"]),
            ("portal", content["portal_url"]),
            ("targets", ", ".join(targets)),
            ("people", ", ".join(people)),
            ("kubeconfig", content["kubeconfig"]),
        ]
    )
    screen.line("Try:")
    screen.line(f'  jitgress --as-local alice request {targets[0]} --for 2m --reason "a first look" --wait')


def _row(part: Any) -> tuple[str, ...]:
    return part["part"], "yes" if part["running"] else "no", str(part["pid"] or ""), last_words(str(part["last"]))


def last_words(line: str) -> str:
    """Return what a line of a log says, in few words: of our own ones (JSON) the event, and what went wrong."""
    try:
        content: Any = loads(line)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return line
    said = cast("dict[str, Any]", content)
    return ": ".join(str(said[name]) for name in ("event", "error") if said.get(name))
