"""How every command is declared and explains itself: an example first, then the words, then the options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from jitgress.cli.options import CONNECTION, OUTPUT, Options, parameters
from jitgress.cli.outside import Outside


@dataclass(frozen=True, slots=True)
class Session:
    """What a command gets: the shared options, and the world outside. It is the context's `obj`."""

    options: Options
    outside: Outside


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the overview. The module is imported when its command is used, so that the others start quickly."""

    module: str
    summary: str


def commands(summary: str = "", example: str = "") -> typer.Typer:
    """Return the place where a module declares its commands. A group has a summary and an example."""
    return typer.Typer(
        cls=Group,
        help=summary or None,
        epilog=example or None,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )


class Command(TyperCommand):
    """A command; its `epilog` holds its examples, one a line. `shared` names the shared options that it has."""

    shared: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += parameters(self.shared)

    def invoke(self, ctx: Any) -> Any:
        """Run the command with its session."""
        ctx.obj = replace(ctx.obj, options=Options.taken_from(ctx.params, ctx.obj.options))
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what the usage line says, arguments without decoration."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        _write_help(self, ctx, formatter)


class OutputCommand(Command):
    """A command that answers in any format and needs no cluster."""

    shared = OUTPUT


class ClusterCommand(Command):
    """A command that talks to a cluster and answers in any format."""

    shared = CONNECTION + OUTPUT


class Group(TyperGroup):
    """Several commands under one name."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        _write_help(self, ctx, formatter)


class RootGroup(Group):
    """`jitgress` itself: the overview is a table, the commands behind it are imported one by one."""

    def __init__(self, table: Mapping[str, Entry], **kwargs: Any) -> None:
        overview: Any = {name: TyperCommand(name, short_help=entry.summary) for name, entry in table.items()}
        super().__init__(commands=overview, params=parameters(CONNECTION + OUTPUT), **kwargs)
        self._table = table

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the real command in place of its line in the overview."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and self.load(name), rest

    def load(self, name: str) -> Any:
        """Import and return the command `name`."""
        found: Any = get_command(import_module(self._table[name].module).app)
        return getattr(found, "commands", {}).get(name, found)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        outside = ctx.obj if isinstance(ctx.obj, Outside) else Outside.real()
        ctx.obj = Session(Options.taken_from(ctx.params, None), outside)
        return super().invoke(ctx)


def _write_help(command: Any, ctx: Any, formatter: Any) -> None:
    examples = (command.epilog or "").splitlines()
    if examples:
        with formatter.section("Example" if len(examples) == 1 else "Examples"):
            for line in examples:
                formatter.write(f"  {line}\n")
        formatter.write_paragraph()
    command.format_usage(ctx, formatter)
    command.format_help_text(ctx, formatter)
    if isinstance(command, TyperGroup):
        command.format_commands(ctx, formatter)
    for title, rows in _sections(command, ctx).items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _sections(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    shared = CONNECTION + OUTPUT if isinstance(command, RootGroup) else getattr(command, "shared", ())
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Shared options": []}
    params: list[Any] = command.get_params(ctx)
    for param in params:
        name, words = param.get_help_record(ctx)
        if param.param_type_name == "argument":
            sections["Arguments"].append((name.partition(" <")[0], words))  # its type says nothing: all are texts
        else:
            sections["Shared options" if param.name in shared else "Options"].append((name, words))
    return sections
