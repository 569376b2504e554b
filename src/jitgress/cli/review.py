"""`jitgress approve`, `deny`, `revoke`, `withdraw`: one answer to one request, shown before it is given.

A review pins the request's UID: what was shown is what is answered, never another request under the same name.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from jitgress.cli.allowing import refuse_what_is_not_less
from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import Connection, connected
from jitgress.cli.exits import DeniedError
from jitgress.cli.glance import around, glance
from jitgress.cli.names import (
    MethodOption,
    Name,
    NamespaceOption,
    PathOption,
    RequestArgument,
    name_prefix,
    parse_name,
)
from jitgress.cli.narrowing import Narrowed
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.times import parse_moment
from jitgress.cli.view import VERDICTS, RequestView, condition_of, request_view, the_request
from jitgress.cli.waiting import Wanted, wait_for
from jitgress.cli.wording import parse_duration
from jitgress.domain.review import ReviewDecision
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REVIEWS

app = commands()

_PATIENCE: Final = timedelta(seconds=20)  # judging takes milliseconds; after a crash the next leader waits 15 s
_DONE: Final = {
    ReviewDecision.APPROVE: "approved",
    ReviewDecision.DENY: "denied",
    ReviewDecision.REVOKE: "revoked",
}
_ALL: Final = Narrowed()
APPROVE_EXAMPLES: Final = """\
jitgress approve shop/orders-x7k2p
jitgress approve shop/orders-x7k2p --for 15m --path /api/orders --method GET --comment "reading is enough\""""
DENY_EXAMPLES: Final = 'jitgress deny shop/orders-x7k2p --comment "use the read replica"'

CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="A word to the others. It is recorded.")]


class NotCountedError(DeniedError):
    """The review was recorded and changes nothing."""

    code = "review_not_counted"


class NotYoursError(DeniedError):
    """Only requesters withdraw."""

    code = "not_your_request"


@app.command("approve", cls=ClusterCommand, epilog=APPROVE_EXAMPLES)
def approve(
    ctx: typer.Context,
    *,
    request: RequestArgument,
    namespace: NamespaceOption = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Shorter than asked for, such as 15m.")
    ] = None,
    path: PathOption = None,
    method: MethodOption = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Begin later than asked for, such as 14:00 or +2h.")
    ] = None,
    comment: CommentOption = "",
) -> None:
    """Approve somebody's request.

    With --for, --path, --method or --at you allow less than was asked for. More is never possible. Of what break-glass
    opened it is the review afterwards: that it was justified.
    """
    session: Session = ctx.obj
    outside = session.outside
    less = Narrowed(
        duration=None if lasting is None else parse_duration(lasting),
        paths=tuple(path or ()),
        methods=tuple(each.upper() for each in method or ()),
        start_at=None if at is None else parse_moment(at, outside.clock.now(), outside.zone),
    )
    name = parse_name(request, namespace, what="request")
    asyncio.run(_review(session, name, ReviewDecision.APPROVE, comment, less))


@app.command("deny", cls=ClusterCommand, epilog=DENY_EXAMPLES)
def deny(
    ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None, comment: CommentOption = ""
) -> None:
    """Deny somebody's request.

    Of what break-glass opened it is the review afterwards: that it was not justified. What is still open is closed.
    """
    asyncio.run(_review(ctx.obj, parse_name(request, namespace, what="request"), ReviewDecision.DENY, comment))


@app.command("revoke", cls=ClusterCommand, epilog='jitgress revoke shop/orders-x7k2p --comment "INC-123 is solved"')
def revoke(
    ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None, comment: CommentOption = ""
) -> None:
    """End somebody's access now. Open streams are cut."""
    asyncio.run(_review(ctx.obj, parse_name(request, namespace, what="request"), ReviewDecision.REVOKE, comment))


@app.command("withdraw", cls=ClusterCommand, epilog="jitgress withdraw shop/orders-x7k2p")
def withdraw(
    ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None, comment: CommentOption = ""
) -> None:
    """Take your own request back, or give back what it opened."""
    asyncio.run(_withdraw(ctx.obj, parse_name(request, namespace, what="request"), comment))


async def _review(session: Session, name: Name, decision: ReviewDecision, comment: str, less: Narrowed = _ALL) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        view = request_view(await the_request(connection.api, name), screen.now)
        if less or screen.format is Format.TABLE:
            seen = await around(connection.api, view, screen)
            refuse_what_is_not_less(screen, view, less, seen)
            if screen.format is Format.TABLE:
                glance(screen, view, seen, less)
        body = review_object(view, decision, await connection.identity(), comment, less)
        judged = await _judged(connection, body)
    _answer(screen, view, judged, _done(view, decision))


async def _withdraw(session: Session, name: Name, comment: str) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        view, me = request_view(await the_request(connection.api, name), screen.now), await connection.identity()
        if view.requester != me["username"]:
            raise NotYoursError(
                f"{name} is {view.requester}'s request, you are {me['username']}",
                remedy=f"End it as an approver with: {screen.command(f'revoke {name}')}",
            )
        judged = await _judged(connection, review_object(view, ReviewDecision.REVOKE, me, comment))
    _answer(screen, view, judged, "withdrawn")


def review_object(
    view: RequestView, decision: ReviewDecision, reviewer: Mapping[str, Any], comment: str, less: Narrowed = _ALL
) -> dict[str, Any]:
    """Return the AccessReview to create."""
    spec: dict[str, Any] = {
        "request": {"name": view.name.name, "uid": view.uid},
        "decision": decision.value,
        "reviewer": dict(reviewer),
        **less.spec(),
    }
    return {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "metadata": {"generateName": name_prefix(view.name.name), "namespace": view.name.namespace},
        "spec": spec | ({"comment": comment} if comment else {}),
    }


async def _judged(connection: Connection, body: Object) -> Object:
    """Create a review and return it once it is judged."""
    created = await connection.api.create(ACCESS_REVIEWS, body, body["metadata"]["namespace"])
    name = Name(body["metadata"]["namespace"], created["metadata"]["name"])
    wanted = Wanted(
        lambda found: bool(condition_of(found, "Counted")),
        lambda _: f"review {name} is not judged yet",
        standing="It is recorded, and counts as soon as an operator looks at it.",
    )
    return await wait_for(connection.api, ACCESS_REVIEWS, name, wanted, _PATIENCE)


def _done(view: RequestView, decision: ReviewDecision) -> str:
    if not view.is_break_glass or decision is ReviewDecision.REVOKE:
        return _DONE[decision]
    closes = "" if view.is_closed or decision is ReviewDecision.APPROVE else ", and closed"
    return f"reviewed as {VERDICTS[decision]}{closes}"


def _answer(screen: Screen, view: RequestView, judged: Object, done: str) -> None:
    counted = condition_of(judged, "Counted")
    if counted.get("status") != "True":
        raise NotCountedError(
            f"it does not count ({counted.get('reason', 'Unknown')}): {counted.get('message', '')}",
            remedy=f"See: {screen.command(f'show {view.name}')}",
        )
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(judged)
        case Format.NAME:
            screen.line(str(view.name))
        case Format.TABLE:
            screen.line(f"{done}: {view.name}")
