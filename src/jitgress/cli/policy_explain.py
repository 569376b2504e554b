"""`jitgress policy explain`: what would be decided about a request, by which policy, and why not by another."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from jitgress.cli.command import Session
from jitgress.cli.connection import Connection, connected
from jitgress.cli.exits import ExitCode, UsageError
from jitgress.cli.names import MethodOption, Name, PathOption, TicketOption, parse_name
from jitgress.cli.policy_cluster import every_policy, the_target
from jitgress.cli.policy_files import Files, read_files
from jitgress.cli.policy_told import tell
from jitgress.cli.screen import Screen
from jitgress.cli.times import parse_moment
from jitgress.cli.wording import parse_duration, plain
from jitgress.domain import explaining
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.explaining import Outcome
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.situation import Situation
from jitgress.domain.subject import Subject
from jitgress.domain.window import parse_time

EXAMPLES: Final = """\
jitgress policy explain --as bob@example.com --group dev --target shop/orders --for 30m
jitgress policy explain --target shop/orders --at "tomorrow 09:00" --break-glass
jitgress policy explain --as bob@example.com --group dev --target shop/orders -f policies/"""
_NO_REASON: Final = "explain"
"""Stands for a reason where none is given: each request has one."""
_NOBODY: Final = Subject("")

FilesOption = Annotated[
    list[Path] | None,
    typer.Option("-f", "--file", metavar="FILE", help="Policies and targets of a file or folder, not of the cluster."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What was typed: about whom, about what, and where policies and targets are. `stated`: None for the caller."""

    target: Name
    stated: Subject | None
    files: tuple[Path, ...]
    request: Request
    """With an empty requester: who that is may have to be asked first."""


def explain(  # noqa: PLR0913  one parameter an option
    ctx: typer.Context,
    *,
    target: Annotated[str, typer.Option("--target", metavar="TARGET", help="As NAMESPACE/NAME.")],
    as_user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who would ask. Without it: you, with your groups.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="GROUP", help="A group of theirs. May be repeated.")
    ] = None,
    claim: Annotated[
        list[str] | None, typer.Option("--claim", metavar="KEY=VALUE", help="What their token says beside that.")
    ] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="How long. Without it: the policy's default.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When they would ask, also in the past. Without it: now.")
    ] = None,
    path: PathOption = None,
    method: MethodOption = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="What they would say it is for.")
    ] = None,
    ticket: TicketOption = None,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="As one who breaks the glass.")] = False,
    file: FilesOption = None,
    show_all: Annotated[bool, typer.Option("--all", help="List the policies of other subjects, too.")] = False,
) -> None:
    """Explain what would be decided about a request, without making one.

    It is decided by the function that decides about real requests, from the policies that you may read. Nothing is
    counted against it: open grants, requests of today and overdue reviews are left out. Ends with exit code 3 where it
    would be denied.
    """
    session: Session = ctx.obj
    name = parse_name(target, None, what="target")
    if as_user is None and (group or claim):
        raise UsageError("--group and --claim say of somebody else what they are", remedy="Name them: --as USER.")
    request = Request(
        ref=RequestRef(name.namespace, "explained", "explained"),
        target=name.name,
        requester=_NOBODY,
        reason=_NO_REASON if reason is None else reason,
        ticket=ticket or "",
        duration=None if lasting is None else parse_duration(lasting),
        created_at=_asked_at(session, at),
        paths=tuple(path or ()),
        methods=tuple(each.upper() for each in method or ()),
        break_glass=break_glass,
    )
    stated = None if as_user is None else Subject(as_user, frozenset(group or ()), _claims(claim or ()))
    asking = Asking(target=name, stated=stated, files=tuple(file or ()), request=request)
    outcome = asyncio.run(_explain(session, asking, lists_all=show_all))
    if outcome is Outcome.DENIED:
        raise typer.Exit(ExitCode.DENIED)


async def _explain(session: Session, asking: Asking, *, lists_all: bool) -> Outcome:
    subject, files = asking.stated, read_files(asking.files) if asking.files else None
    if subject is None or files is None:
        async with connected(session) as connection:
            subject = subject or await connection.caller()
            files = files or await _of_the_cluster(connection, asking.target)
    request = replace(asking.request, requester=subject)
    explanation = explaining.explain(
        files.target(*asking.target), files.policies, request, situation=Situation(), now=request.created_at
    )
    tell(Screen(session), explanation, request, _notes(asking), lists_all=lists_all)
    return explanation.outcome


async def _of_the_cluster(connection: Connection, name: Name) -> Files:
    found = await the_target(connection, name)
    return Files(await every_policy(connection), () if found is None else (found,))


def _notes(asking: Asking) -> list[str]:
    """Return what was taken for granted."""
    notes = list[str]()
    if asking.stated is not None and not asking.stated.groups:
        notes.append("groups: none given, and the cluster knows none. Name them with --group")
    if asking.files:
        notes.append("targets of files are taken for ready")
    return notes


def _asked_at(session: Session, text: str | None) -> datetime:
    now = session.outside.clock.now()
    if text is None:
        return now
    try:
        return parse_time(text.strip())
    except InvalidValueError:
        return parse_moment(text, now, session.outside.zone)


def _claims(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"{plain(key)!r} is not a claim", remedy="Write it as KEY=VALUE: jitgress.dev/amr=mfa.")
    return frozenset((key, value) for key, _, value in pairs)
