"""`jitgress audit`: reads the ledger, and says whether it is whole. Never writes to it."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from json import loads
from typing import Annotated, Any, Final, cast

import typer

from jitgress.audit.chain import HASH_BYTES
from jitgress.audit.ledger import EventQuery, Ledger, Recorded
from jitgress.audit.verify import NOTHING_EXPECTED, Broken, Expected, verify
from jitgress.cli.command import OutputCommand, Session, commands
from jitgress.cli.exits import CliError, UsageError
from jitgress.cli.local_stack import LocalStack
from jitgress.cli.names import parse_name
from jitgress.cli.options import Format
from jitgress.cli.screen import Column, Screen
from jitgress.cli.wording import parse_duration, plain
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import EventCode, EventValue
from jitgress.domain.window import parse_time

app = commands("Read and verify the ledger.", "jitgress audit log --request shop/orders-x7k2p\njitgress audit verify")

COLUMNS: Final = (
    Column("NO"),
    Column("TIME"),
    Column("EVENT"),
    Column("ACTOR"),
    Column("REQUEST", rank=2),
    Column("SUBJECT", rank=3),
    Column("DETAIL", rank=4, is_elastic=True),
)

LedgerOption = Annotated[
    str | None, typer.Option("--ledger", metavar="URL", envvar="JITGRESS_LEDGER", help="Such as sqlite:///PATH.")
]

_SCHEME: Final = "sqlite:///"
_HEAD: Final = re.compile(rf"(?P<count>[0-9]{{1,18}}):(?P<chain>[0-9a-fA-F]{{{2 * HASH_BYTES}}})")


class LedgerBrokenError(CliError):
    """The ledger is not as it was recorded."""

    code = "ledger_broken"


@app.command(
    "log",
    cls=OutputCommand,
    epilog="jitgress audit log --subject alice@example.test --since 2h\njitgress audit log --code grant.opened -o json",
)
def log(
    ctx: typer.Context,
    *,
    request: Annotated[
        str | None, typer.Option("--request", metavar="REQUEST", help="About this request: NAMESPACE/NAME, or its UID.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="USER", help="About this person's access.")
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option("--code", metavar="CODE", help="Only this event. May be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="From then on: a time, or 2h for two hours ago.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Before then: a time, or 2h for two hours ago.")
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="COUNT", min=1, help="The newest ones, at most.")
    ] = 100,
    ledger: LedgerOption = None,
) -> None:
    """Show recorded events, the oldest first."""
    session: Session = ctx.obj
    screen = Screen(session)
    query = EventQuery(
        **_about(request),
        subject=subject,
        codes=frozenset(map(_code, code)) if code else None,
        since=_moment(since, screen.now),
        until=_moment(until, screen.now),
        last=limit,
    )
    with _opened(session, ledger) as opened:
        events = [(each, loads(each.canonical)) for each in opened.events(query)]
    if screen.format is Format.TABLE:
        screen.listing(events, COLUMNS, lambda each: _row(screen, each[0]), "No event matches.", name=_id)
    else:
        screen.listing([_document(*each) for each in events], (), _id, "", name=lambda each: str(each["id"]))


@app.command(
    "verify",
    cls=OutputCommand,
    epilog="jitgress audit verify\njitgress audit verify --ledger sqlite:///copy.db --expect-head 124:3f0c…",
)
def verify_ledger(
    ctx: typer.Context,
    ledger: LedgerOption = None,
    expect_head: Annotated[
        str | None,
        typer.Option(
            "--expect-head", metavar="COUNT:HASH", help="A head that was kept elsewhere, as verify prints it."
        ),
    ] = None,
) -> None:
    """Check every event, and name the first that is broken.

    Keep the head that it prints outside of the cluster: with --expect-head it shows later that nothing was taken off
    the end, and that nothing was rewritten.
    """
    session: Session = ctx.obj
    screen = Screen(session)
    expected = _expected(expect_head)
    with _opened(session, ledger) as opened:
        found = verify(opened.rows(), expected)
    if isinstance(found, Broken):
        raise LedgerBrokenError(
            str(found),
            remedy=f"The {found.verified.count} events before it are whole. Keep this file as evidence.",
        )
    head = f"{found.head.count}:{found.head.hex}"
    if screen.format is Format.TABLE:
        screen.line(f"whole: {found.head.count} events, each as it was recorded")
        screen.line(f"head:  {head}")
    elif screen.format is Format.NAME:
        screen.line(head)
    else:
        screen.document({"whole": True, "events": found.head.count, "head": head})


@contextmanager
def _opened(session: Session, url: str | None) -> Generator[Ledger]:
    if url is None:
        stack = LocalStack.find(session.outside.environ)
        if stack is None:
            raise UsageError("no ledger was named", remedy="Give --ledger sqlite:///PATH, or set JITGRESS_LEDGER.")
        url = stack.ledger
    if not url.startswith(_SCHEME):
        raise UsageError(f"{plain(url)!r} is not the address of a ledger", remedy=f"Write it like {_SCHEME}/PATH.")
    ledger = Ledger.open(url, read_only=True)
    try:
        yield ledger
    finally:
        ledger.close()


def _about(request: str | None) -> dict[str, Any]:
    if request is None:
        return {}
    if "/" not in request:
        return {"request_uid": request}
    return parse_name(request, None, what="request")._asdict()


def _code(text: str) -> EventCode:
    try:
        return EventCode(text)
    except ValueError:
        raise UsageError(f"{plain(text)!r} is not an event", remedy=f"Use one of: {', '.join(EventCode)}.") from None


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except InvalidValueError:
        pass
    try:
        return now - parse_duration(text)
    except (UsageError, OverflowError):
        remedy = "Write 2h for two hours ago, or 2026-01-01T10:00:00Z."
        raise UsageError(f"{plain(text)!r} is not a time", remedy=remedy) from None


def _expected(text: str | None) -> Expected:
    if text is None:
        return NOTHING_EXPECTED
    found = _HEAD.fullmatch(text)
    if found is None:
        raise UsageError(f"{plain(text)!r} is not a head", remedy="Give it as verify printed it: COUNT:HASH.")
    return Expected(bytes.fromhex(found["chain"]), int(found["count"]))


def _row(screen: Screen, entry: Recorded) -> Sequence[str]:
    event = entry.event
    detail = ", ".join(f"{name}={_short(value)}" for name, value in event.data.items())
    about = str(event.request) if event.request else ""
    return str(entry.seq), screen.time(event.at), event.code, event.actor, about, event.subject or "", detail


def _short(value: EventValue) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(_short, cast("Sequence[EventValue]", value)))
    return str(value)


def _document(entry: Recorded, content: dict[str, Any]) -> dict[str, Any]:
    return {"seq": entry.seq, **content, "leaf": entry.leaf.hex(), "chain": entry.chain.hex()}


def _id(entry: Any) -> str:
    return str(entry)
