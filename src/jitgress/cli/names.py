"""How people name objects: NAMESPACE/NAME, or NAME with -n NAMESPACE; and options that several commands have."""

import re
from typing import Annotated, Final, NamedTuple

import typer

from jitgress.cli.exits import UsageError
from jitgress.cli.wording import plain

_NAMESPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 label
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # RFC 1123 subdomain, as Kubernetes checks it

NamespaceOption = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAMESPACE", help="The namespace, where NAME stands alone.")
]
RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, as NAMESPACE/NAME.")]
PathOption = Annotated[
    list[str] | None, typer.Option("--path", metavar="PATH", help="A path and all below it. May be repeated.")
]
MethodOption = Annotated[
    list[str] | None, typer.Option("--method", metavar="METHOD", help="Such as GET. May be repeated.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="What it is for. Approvers and auditors read it.")
]
TicketOption = Annotated[
    str | None, typer.Option("--ticket", metavar="TICKET", help="The ticket or change that it belongs to.")
]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait.")]


class Name(NamedTuple):
    """A namespace and a name in it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def parse_name(text: str, namespace: str | None, *, what: str) -> Name:
    """Return the name that `text` says, or raise `UsageError`. `what` is the kind of thing meant."""
    left, slash, right = text.partition("/")
    if slash and namespace is not None and namespace != left:
        raise UsageError(f"{plain(text)!r} is not in namespace {plain(namespace)}", remedy="Leave out -n.")
    where, name = (left, right) if slash else (namespace or "", left)
    if not _NAMESPACE.fullmatch(where) or not _NAME.fullmatch(name):
        raise UsageError(f"{plain(text)!r} doesn't name a {what}", remedy=f"Write it as NAMESPACE/{what.upper()}.")
    return Name(where, name)


def name_prefix(name: str) -> str:
    """Return the `generateName` of an object about the one called `name`; five characters are added to it."""
    return f"{name[:50].rstrip('.-')}-"
