"""`jitgress version`."""

from importlib.metadata import version as version_of
from platform import python_version

import typer

from jitgress.cli.command import OutputCommand, Session, commands
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen

app = commands()


@app.command("version", cls=OutputCommand, epilog="jitgress version")
def version(ctx: typer.Context) -> None:
    """Print the version."""
    session: Session = ctx.obj
    screen = Screen(session)
    ours = version_of("jitgress")
    if screen.format in (Format.JSON, Format.YAML):
        screen.document({"version": ours, "python": python_version()})
    else:
        screen.line(f"jitgress {ours} (Python {python_version()})")
