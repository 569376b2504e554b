"""Everything that a command prints. Colours only on a terminal; nothing that others wrote is taken for markup."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import yaml
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jitgress.cli.command import Session
from jitgress.cli.local_stack import LocalStack
from jitgress.cli.options import Format
from jitgress.cli.wording import plain, time_words

STATE_STYLES: Final[Mapping[str, str]] = {
    "Active": "green",
    "Opening": "green",
    "Pending": "yellow",
    "Scheduled": "yellow",
    "Denied": "red",
    "Failed": "red",
    "Revoked": "red",
    "NotUnderstood": "red",
    "True": "green",
    "False": "red",
    "yes": "green",
    "no": "red",
}
_UNBOUNDED: Final = 10_000  # a pipe has no width: nothing is cut off for a script
_ELASTIC: Final = 20  # columns of which the beginning of a reason still says something
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column; the ones with the highest `rank` go first where the screen is narrow. `rank` 0 always stays.

    An elastic one is cut off at the end before another one has to go.
    """

    title: str
    rank: int = 0
    is_state: bool = False
    is_elastic: bool = False


class Screen:
    """A command's two streams: answers on `out`, progress and errors on `err`."""

    def __init__(self, session: Session) -> None:
        environ = session.outside.environ
        is_plain = bool(session.options.no_color or environ.get("NO_COLOR"))
        self.format = session.options.format
        self.out = _console(sys.stdout, environ, is_plain=is_plain)
        self.err = _console(sys.stderr, environ, is_plain=is_plain)
        self._session = session

    @property
    def now(self) -> datetime:
        """The time now."""
        return self._session.outside.clock.now()

    def time(self, at: datetime) -> str:
        """Return a moment for people."""
        return time_words(at, self.now, self._session.outside.zone)

    def command(self, words: str) -> str:
        """Return a command of ours as the same person would type it."""
        who = self._session.options.as_local
        return f"jitgress --as-local {who} {words}" if who else f"jitgress {words}"

    def local_authority(self) -> str | None:
        """Return the certificate file that the local stack's hosts are checked against, if it is spoken to."""
        if self._session.options.as_local is None:
            return None
        stack = LocalStack.find(self._session.outside.environ)
        return str(stack.ca_file) if stack else None

    def line(self, text: str, style: str = "") -> None:
        """Print a line of the answer."""
        self.out.print(Text(plain(text), style), soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a line that is not part of the answer."""
        self.err.print(Text(plain(text), "dim" if self.err.is_terminal else ""), soft_wrap=True)

    def state(self, name: str, state: str, rest: str) -> None:
        """Print the line that says how a request stands."""
        line = Text.assemble((plain(name), "bold"), " is ", (plain(state), STATE_STYLES.get(state, "")), plain(rest))
        self.out.print(line, soft_wrap=True)

    def fields(self, rows: Sequence[tuple[str, str]]) -> None:
        """Print names and values one below the other; empty values are left out."""
        width = max((len(name) for name, value in rows if value), default=0)
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True, min_width=width + 2)
        table.add_column(overflow="fold")
        for name, value in rows:
            if value:
                table.add_row(Text("  " + plain(name)), Text(plain(value)))
        self._draw(table)

    def document(self, content: Any) -> None:
        """Print one JSON or YAML document."""
        if self.format is Format.YAML:
            self.out.file.write(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        else:
            self.out.file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def listing(
        self,
        content: Sequence[Any],
        columns: Sequence[Column],
        row: Callable[[Any], Sequence[str]],
        nothing: str,
        *,
        name: Callable[[Any], str],
    ) -> None:
        """Print many things in the format asked for; `nothing` is what to say, and do, when there are none."""
        match self.format:
            case Format.JSON | Format.YAML:
                self.document(list(content))
            case Format.NAME:
                for each in content:
                    self.out.file.write(plain(name(each)) + "\n")
            case Format.TABLE if content:
                self._table(columns, [tuple(map(plain, row(each))) for each in content])
            case Format.TABLE:
                self.note(nothing)

    def _table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        shown = list(range(len(columns)))
        while _least_width(columns, rows, shown) > self.out.width and any(columns[at].rank for at in shown):
            shown.remove(max(shown, key=lambda at: (columns[at].rank, at)))
        spare = self.out.width - _least_width(columns, rows, shown)
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
        for at in shown:
            width = _width(columns, rows, at)
            if columns[at].is_elastic:
                width, spare = _stretched(width, spare)
            table.add_column(columns[at].title, no_wrap=True, overflow="ellipsis", width=width)
        for row in rows:
            table.add_row(*(_cell(columns[at], row[at]) for at in shown))
        self._draw(table)

    def _draw(self, table: Table) -> None:
        """Print a table without the blanks that fill its last column: people copy what they see."""
        with self.out.capture() as drawn:
            self.out.print(table, crop=False)
        for line in drawn.get().splitlines():
            self.out.file.write(line.rstrip() + "\n")


def _cell(column: Column, text: str) -> Text:
    return Text(text, STATE_STYLES.get(text, "") if column.is_state else "")


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str]], at: int) -> int:
    return max(cell_len(text) for text in (columns[at].title, *(row[at] for row in rows)))


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int]) -> int:
    widths = [_width(columns, rows, at) for at in shown]
    least = (min(width, _ELASTIC) if columns[at].is_elastic else width for at, width in zip(shown, widths, strict=True))
    return sum(least) + _GAP * (len(shown) - 1)


def _stretched(width: int, spare: int) -> tuple[int, int]:
    """Return how wide an elastic column gets, and what is left to the others."""
    least = min(width, _ELASTIC)
    more = max(0, min(width - least, spare))
    return least + more, spare - more


def _console(stream: Any, environ: Mapping[str, str], *, is_plain: bool) -> Console:
    is_sized = stream.isatty() or environ.get("COLUMNS", "").isdigit()
    return Console(
        file=stream,
        width=None if is_sized else _UNBOUNDED,
        no_color=is_plain,
        highlight=False,
        markup=False,
        emoji=False,
        _environ=environ,
    )
