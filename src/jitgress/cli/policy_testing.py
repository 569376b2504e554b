"""`jitgress policy test`: whether policies say what a table expects of them. Needs no cluster."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from jitgress.cli.command import Session
from jitgress.cli.exits import CliError, ExitCode
from jitgress.cli.options import Format
from jitgress.cli.policy_cases import Table, read_table
from jitgress.cli.policy_junit import junit
from jitgress.cli.policy_results import Result, results
from jitgress.cli.screen import Screen

EXAMPLES: Final = """\
jitgress policy test policies/shop.test.yaml
jitgress policy test policies/*.test.yaml --junit results.xml"""
Run = tuple[Table, Sequence[Result]]


def run_tables(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tables of cases: see docs/policy.md.")],
    *,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results there, as JUnit XML.")
    ] = None,
) -> None:
    """Test policies against tables of expectations.

    Ends with exit code 1 where a case isn't as expected, and 2 where a table can't be understood or tests nothing.
    """
    session: Session = ctx.obj
    screen = Screen(session)
    runs = [(table, results(table)) for table in [read_table(path) for path in files]]
    if junit_file is not None:
        _write(junit_file, junit((str(table.path), found) for table, found in runs))
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(_document(runs))
        case Format.NAME:
            for _, found in runs:
                for result in found:
                    if not result.is_ok:
                        screen.line(result.case.name)
        case Format.TABLE:
            _tell(screen, runs)
    if any(not result.is_ok for _, found in runs for result in found):
        raise typer.Exit(ExitCode.FAILED)


def _tell(screen: Screen, runs: Sequence[Run]) -> None:
    for table, found in runs:
        screen.line(str(table.path), "bold")
        for result in found:
            if result.is_ok:
                screen.line(f"  ok      {result.case.name}")
            else:
                screen.line(f"  FAILED  {result.case.name} ({result.case.place})", "red")
                told = [*map(str, result.differences), f"decided: {result.why}"]
                screen.fields([(" " * 8, each) for each in told])
    every = [result for _, found in runs for result in found]
    failed = sum(not result.is_ok for result in every)
    cases = "1 case" if len(every) == 1 else f"{len(every)} cases"
    screen.line(f"{failed} of {cases} failed" if failed else f"{cases} as expected", "red" if failed else "green")


def _document(runs: Sequence[Run]) -> dict[str, Any]:
    every = [(table, result) for table, found in runs for result in found]
    return {
        "tests": len(every),
        "failures": sum(not result.is_ok for _, result in every),
        "cases": [
            {
                "file": str(table.path),
                "name": result.case.name,
                "place": result.case.place,
                "ok": result.is_ok,
                "decided": result.why,
                "differences": [
                    {"what": each.what, "expected": each.expected, "found": each.found} for each in result.differences
                ],
            }
            for table, result in every
        ],
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(
            f"{path} can't be written: {error.strerror}", remedy="Name another file: --junit FILE."
        ) from error
