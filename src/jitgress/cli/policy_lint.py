"""`jitgress policy lint`: what is probably not meant in a set of policies."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from jitgress.cli.command import Session
from jitgress.cli.connection import connected
from jitgress.cli.exits import ExitCode
from jitgress.cli.options import Format
from jitgress.cli.policy_cluster import every_policy, every_target
from jitgress.cli.policy_files import Files, read_files
from jitgress.cli.screen import Screen
from jitgress.cli.wording import sentence
from jitgress.domain.finding import Finding, Severity
from jitgress.domain.linting import lint as findings_of

EXAMPLES: Final = """\
jitgress policy lint
jitgress policy lint -f policies/ --strict"""
_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def lint(
    ctx: typer.Context,
    *,
    file: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", metavar="FILE", help="Policies of a file or folder, not of the cluster."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings, too.")] = False,
) -> None:
    """Lint policies: never asked, never open, nobody to approve, terms that contradict.

    Where there are targets beside the policies, what fits none of them is found, too. Ends with exit code 1 where
    something is wrong for sure. A note may well be meant so, and fails nothing.
    """
    session: Session = ctx.obj
    screen = Screen(session)
    files = read_files(file) if file else asyncio.run(_of_the_cluster(session))
    found = findings_of(files.policies, files.targets, now=screen.now)
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document([_document(each) for each in found])
        case Format.NAME:
            for name in dict.fromkeys(each.policy for each in found):
                screen.line(name)
        case Format.TABLE:
            _tell(screen, found, len(files.policies))
    fails = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    if any(each.severity in fails for each in found):
        raise typer.Exit(ExitCode.FAILED)


def _tell(screen: Screen, found: tuple[Finding, ...], count: int) -> None:
    for each in found:
        screen.line(f"{each.severity.value}: {each.policy}: {each.code}", _STYLES[each.severity])
        screen.fields([("", sentence(each.message, each.remedy))])
    policies = "1 policy" if count == 1 else f"{count} policies"
    if not found:
        screen.note(f"Nothing found in {policies}.")
        return
    told = [_counted(sum(each.severity is severity for each in found), severity.value) for severity in Severity]
    screen.note(f"{', '.join(filter(None, told))} in {policies}.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "policy": finding.policy,
        "message": finding.message,
        "remedy": finding.remedy,
        "others": list(finding.others),
    }


async def _of_the_cluster(session: Session) -> Files:
    async with connected(session) as connection:
        return Files(await every_policy(connection), await every_target(connection))
