"""Run the benchmarks: `python -m bench [NAME ...]`. What falls short is printed first; it is no error."""

import importlib
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench import chart, figures

NAMES = ("decision", "footprint", "opening", "closing", "gate", "scale", "throughput")


def main(names: Sequence[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.stderr.write(f"unknown benchmark {', '.join(unknown)}; choose from {', '.join(NAMES)}\n")
        return 2
    console = Console()
    for name in names or NAMES:
        console.print(f"[bold]{name}[/bold] …")
        measured: list[figures.Figure] = importlib.import_module(f"bench.{name}").measure(console.print)
        written = figures.write(name, measured), chart.write(name, measured)
        console.print(_table(name, measured))
        console.print(*map(str, written), style="dim")
    return 0


def _table(name: str, measured: Sequence[figures.Figure]) -> Table:
    table = Table("figure", "value", "reference", "ratio", "target", "met", title=name, title_justify="left")
    for each in sorted(measured, key=lambda figure: figure.met is not False):
        bound = "" if each.target is None else f"{'≤' if each.is_ceiling else '≥'} {figures.told(each.target)}"
        table.add_row(
            each.name,
            f"{figures.told(each.value)} {each.unit}",
            "" if each.reference_value is None else f"{each.reference}: {figures.told(each.reference_value)}",
            "" if each.ratio is None else f"{each.ratio:.3f}",
            bound,
            {True: "yes", False: "NO", None: ""}[each.met],
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
