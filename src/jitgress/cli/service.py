"""What the commands share that run on: their settings file, and the cluster that they talk to."""

from pathlib import Path
from typing import Annotated

import typer

from jitgress.cli.command import Command
from jitgress.cli.options import CONNECTION

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", envvar="JITGRESS_CONFIG", help="The settings, as YAML.")
]


class ServiceCommand(Command):
    """A command that runs on, and talks to a cluster."""

    shared = CONNECTION[:2]
