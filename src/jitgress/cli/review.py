"""`jitgress approve`, `deny`, `revoke`, `withdraw`: one answer to one request, shown before it is given.

A review pins the request's UID: what was shown is what is answered, never another request under the same name.
"""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import Connection, connected
from jitgress.cli.exits import DeniedError
from jitgress.cli.names import Name, NamespaceOption, RequestArgument, name_prefix, parse_name
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.view import RequestView, condition_of, request_view, the_request
from jitgress.cli.waiting import Wanted, wait_for
from jitgress.cli.wording import duration_words
from jitgress.domain.review import ReviewDecision
from jitgress.domain.subject import Subject
from jitgress.kube.client import Object
from jitgress.kube.resources import ACCESS_REVIEWS, ACCESS_TARGETS

app = commands()

_PATIENCE: Final = timedelta(seconds=20)  # judging takes milliseconds; after a crash the next leader waits 15 s
_DONE: Final = {
    ReviewDecision.APPROVE: "approved",
    ReviewDecision.DENY: "denied",
    ReviewDecision.REVOKE: "revoked",
}

CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="A word to the others. It is recorded.")]


class NotCountedError(DeniedError):
    """The review was recorded and changes nothing."""

    code = "review_not_counted"


class NotYoursError(DeniedError):
    """Only requesters withdraw."""

    code = "not_your_request"


@app.command("approve", cls=ClusterCommand, epilog="jitgress approve shop/orders-x7k2p")
def approve(
    ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None, comment: CommentOption = ""
) -> None:
    """Approve somebody's request."""
    asyncio.run(_review(ctx.obj, parse_name(request, namespace, what="request"), ReviewDecision.APPROVE, comment))


@app.command("deny", cls=ClusterCommand, epilog='jitgress deny shop/orders-x7k2p --comment "use the read replica"')
def deny(
    ctx: typer.Context, request: RequestArgument, namespace: NamespaceOption = None, comment: CommentOption = ""
) -> None:
    """Deny somebody's request."""
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
    name = parse_name(request, namespace, what="request")
    asyncio.run(_review(ctx.obj, name, ReviewDecision.REVOKE, comment, is_own=True))


async def _review(
    session: Session, name: Name, decision: ReviewDecision, comment: str, *, is_own: bool = False
) -> None:
    screen = Screen(session)
    async with connected(session) as connection:
        found = await the_request(connection.api, name)
        view, caller = request_view(found, screen.now), await connection.caller()
        if is_own and view.requester != caller.username:
            raise NotYoursError(
                f"{name} is {view.requester}'s request, you are {caller.username}",
                remedy=f"End it as an approver with: {screen.command(f'revoke {name}')}",
            )
        if screen.format is Format.TABLE and not is_own:
            await _glance(screen, connection, view)
        body = review_object(view, decision, caller, comment)
        created = await connection.api.create(ACCESS_REVIEWS, body, name.namespace)
        judged = await _judged(connection, Name(name.namespace, created["metadata"]["name"]))
    _answer(screen, name, judged, "withdrawn" if is_own else _DONE[decision])


def review_object(view: RequestView, decision: ReviewDecision, reviewer: Subject, comment: str) -> dict[str, Any]:
    """Return the AccessReview to create."""
    spec: dict[str, Any] = {
        "request": {"name": view.name.name, "uid": view.uid},
        "decision": decision.value,
        "reviewer": {"username": reviewer.username, "groups": sorted(reviewer.groups)},
    }
    return {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "metadata": {"generateName": name_prefix(view.name.name), "namespace": view.name.namespace},
        "spec": spec | ({"comment": comment} if comment else {}),
    }


async def _glance(screen: Screen, connection: Connection, view: RequestView) -> None:
    """Show in one glance who asked for what: an approver has to see what they allow."""
    target = await connection.api.find(ACCESS_TARGETS, view.target.name, view.target.namespace) or {}
    spec = target.get("spec", {})
    every = " (all that the target permits)"
    paths = ", ".join(view.paths) or ", ".join(spec.get("paths", ("?",))) + every
    methods = ", ".join(view.methods) or ", ".join(spec.get("methods", ("?",))) + every
    screen.fields(
        [
            ("request", str(view.name)),
            ("who", view.who),
            ("target", f"{view.target}, {spec.get('host', 'host unknown')}"),
            ("methods", methods),
            ("paths", paths),
            ("for", duration_words(view.duration)),
            ("reason", view.reason),
        ]
    )


async def _judged(connection: Connection, name: Name) -> Object:
    wanted = Wanted(
        lambda found: bool(condition_of(found, "Counted")),
        lambda _: f"review {name} is not judged yet",
        standing="It is recorded, and counts as soon as an operator looks at it.",
    )
    return await wait_for(connection.api, ACCESS_REVIEWS, name, wanted, _PATIENCE)


def _answer(screen: Screen, name: Name, judged: Object, done: str) -> None:
    counted = condition_of(judged, "Counted")
    if counted.get("status") != "True":
        raise NotCountedError(
            f"it does not count ({counted.get('reason', 'Unknown')}): {counted.get('message', '')}",
            remedy=f"See: {screen.command(f'show {name}')}",
        )
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(judged)
        case Format.NAME:
            screen.line(str(name))
        case Format.TABLE:
            screen.line(f"{done}: {name}")
