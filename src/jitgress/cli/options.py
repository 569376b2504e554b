"""The options that many commands share. They may stand before or after the command's name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

import typer
from typer.main import get_command


class Format(StrEnum):
    """How a command's answer is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said for all commands; None where nothing was."""

    kubeconfig: str | None = None
    context: str | None = None
    as_local: str | None = None
    output: Format | None = None
    no_color: bool | None = None

    @classmethod
    def taken_from(cls, params: dict[str, Any], outer: Self | None) -> Self:
        """Return the options, taken out of `params`; what isn't said there is as in `outer`."""
        names = [field.name for field in fields(cls)]
        said = {name: params.pop(name, None) for name in names}
        return cls(**{name: getattr(outer, name, None) if said[name] is None else said[name] for name in names})

    @property
    def format(self) -> Format:
        """The format asked for."""
        return self.output or Format.TABLE


CONNECTION: Final = ("kubeconfig", "context", "as_local")
OUTPUT: Final = ("output", "no_color")


def parameters(names: tuple[str, ...]) -> list[Any]:
    """Return the shared options `names` as parameters of a command."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(_shared)
    return [param for param in get_command(app).params if param.name in names]


def local_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the local stack keeps its state."""
    return Path(environ.get("JITGRESS_LOCAL_DIR", ".local"))


def _shared(
    kubeconfig: Annotated[
        str | None,
        typer.Option("--kubeconfig", metavar="FILE", envvar="KUBECONFIG", help="Who you are, and to which cluster."),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="The kubeconfig's context to use.")
    ] = None,
    as_local: Annotated[
        str | None,
        typer.Option(
            "--as-local",
            metavar="USER",
            envvar="JITGRESS_AS_LOCAL",
            help="One of the people of the stack that `jitgress local up` started, such as alice.",
        ),
    ] = None,
    output: Annotated[Format | None, typer.Option("-o", "--output", help="How the answer is written.")] = None,
    no_color: Annotated[
        bool | None, typer.Option("--no-color", help="Write without colours. So does the variable NO_COLOR.")
    ] = None,
) -> None:
    """Declare the shared options, once."""
