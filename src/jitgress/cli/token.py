"""`jitgress token`: asks the portal for a gate token, with the credential of the kubeconfig.

The credential goes to nobody but the portal that was named, over verified TLS. The token is printed and kept nowhere.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, cast

import httpx2
import typer

from jitgress.cli.command import ClusterCommand, Session, commands
from jitgress.cli.connection import connected
from jitgress.cli.exits import CliError, DeniedError, NotReachableError, NotSignedInError, UsageError
from jitgress.cli.local_stack import LocalStack
from jitgress.cli.names import parse_name
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.wording import plain
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import parse_host

app = commands()

_TIMEOUT_S: Final = 10.0
_AWAY: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What an ingress answers in place of a portal that isn't there."""
EXAMPLES: Final = """\
curl -H "Jitgress-Authorization: Bearer $(jitgress token shop/orders-x7k2p)" https://orders.example.com/
jitgress token --host orders.example.com -o json"""


class PortalRefusedError(CliError):
    """The portal gave no token."""

    code = "no_token"


class NoGrantError(DeniedError):
    """Nothing of the caller's is open there."""

    code = "no_grant"


class GroupsChangedError(DeniedError):
    """The caller is no longer in groups for which the request was granted."""

    code = "groups_changed"


class ClaimsChangedError(DeniedError):
    """The caller is signed in otherwise than when they asked: as another run, or without a second factor."""

    code = "claims_changed"


_DENIED: Final = (NoGrantError, GroupsChangedError, ClaimsChangedError)


@dataclass(frozen=True, slots=True)
class Portal:
    """Where tokens come from, and the authority that its certificate is checked against (None: the system's)."""

    url: httpx2.URL
    ca_file: Path | None


@app.command("token", cls=ClusterCommand, epilog=EXAMPLES)
def token(
    ctx: typer.Context,
    request: Annotated[str | None, typer.Argument(metavar="REQUEST", help="The request, as NAMESPACE/NAME.")] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="In place of it the host that you want to reach: of what you have open there, what ends last.",
        ),
    ] = None,
    portal: Annotated[
        str | None,
        typer.Option("--portal", metavar="URL", envvar="JITGRESS_PORTAL_URL", help="The portal's address."),
    ] = None,
    portal_ca: Annotated[
        Path | None,
        typer.Option("--portal-ca", metavar="FILE", envvar="JITGRESS_PORTAL_CA", help="Its authority's certificate."),
    ] = None,
) -> None:
    """Print a gate token for an open request of yours.

    It is good for a few minutes, and never past the window's end: ask for it where you need it.
    """
    if (request is None) == (host is None):
        raise UsageError("it isn't clear which token", remedy="Name one request, or one host with --host.")
    asked: dict[str, Any] = {"host": _host(host)} if host is not None else {}
    if request is not None:
        asked = {"request": parse_name(request, None, what="request")._asdict()}
    session: Session = ctx.obj
    answer = asyncio.run(_token(session, asked, _portal(session, portal, portal_ca)))
    screen = Screen(session)
    if screen.format in (Format.JSON, Format.YAML):
        screen.document(answer)
    else:
        screen.line(str(answer["token"]))


async def _token(session: Session, asked: Mapping[str, Any], portal: Portal | None) -> Mapping[str, Any]:
    async with connected(session) as connection:
        where = portal or _local_portal(session, connection.server)
        bearer = await connection.bearer()
    if bearer is None:
        raise NotSignedInError(
            "your kubeconfig signs in with a certificate or password, and the portal takes tokens only",
            remedy="Use a context with a token, such as one from: kubectl create token NAME",
        )
    return await _ask(session, where, asked, bearer)


async def _ask(session: Session, portal: Portal, asked: Mapping[str, Any], bearer: str) -> Mapping[str, Any]:
    url, extensions = _reachable(portal.url.join("/api/v1/token"))
    headers = {"Authorization": f"Bearer {bearer}", "Host": portal.url.netloc.decode("ascii")}
    try:
        async with httpx2.AsyncClient(
            verify=_tls(portal), timeout=_TIMEOUT_S, trust_env=False, transport=session.outside.transport
        ) as http:
            answer = await http.post(url, json=asked, headers=headers, extensions=extensions)
    except httpx2.HTTPError as error:
        raise _away(portal, type(error).__name__) from error
    return _understood(answer, portal)


def _understood(answer: httpx2.Response, portal: Portal) -> Mapping[str, Any]:
    content = _json_object(answer)
    if content is None and answer.status_code in _AWAY:
        raise _away(portal, f"{answer.status_code}")
    if content is None:
        raise PortalRefusedError(
            f"{portal.url} answered {answer.status_code}, not as a portal", remedy="Check --portal."
        )
    if answer.is_success and isinstance(content.get("token"), str):
        return content
    if answer.status_code in _AWAY:
        raise NotReachableError(
            str(content.get("detail", f"the portal {portal.url} isn't ready")),
            remedy=str(content.get("remedy", "Try again in a few seconds.")),
        )
    message = str(content.get("detail", f"the portal answered {answer.status_code}"))
    remedy = str(content.get("remedy", ""))
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        raise NotSignedInError(message, remedy=remedy)
    told = str(content.get("code"))
    denied = next((error for error in _DENIED if error.code == told), PortalRefusedError)
    raise denied(message, remedy=remedy)


def _away(portal: Portal, how: str) -> NotReachableError:
    return NotReachableError(
        f"the portal {portal.url} gave no answer ({how})", remedy="Check --portal and --portal-ca, and that it runs."
    )


def _json_object(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        content: Any = answer.json()
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None


def _portal(session: Session, url: str | None, ca_file: Path | None) -> Portal | None:
    if url is None:
        return None
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL("")
    if parsed.scheme != "https" or not parsed.host:
        raise UsageError(f"{plain(url)!r} is not the address of a portal", remedy="It begins with https://.")
    if ca_file is None and session.options.as_local is not None:
        ca_file = LocalStack.require(session.outside.environ).ca_file
    return Portal(parsed, ca_file)


def _host(text: str) -> str:
    try:
        return parse_host(text)
    except InvalidValueError as error:
        raise UsageError(error.message, remedy=error.remedy) from error


def _local_portal(session: Session, server: str) -> Portal:
    """Return the local stack's portal; a credential for any other cluster is none of its business."""
    stack = LocalStack.find(session.outside.environ)
    if stack is None or stack.server() != server:
        raise UsageError("the portal's address isn't known", remedy="Give --portal URL, or set JITGRESS_PORTAL_URL.")
    return Portal(httpx2.URL(stack.portal_url), stack.ca_file)


def _reachable(url: httpx2.URL) -> tuple[httpx2.URL, dict[str, Any]]:
    """Return where to connect to: names below localhost are this machine, whatever DNS says (RFC 6761, 6.3)."""
    if not url.host.endswith(".localhost"):
        return url, {}
    return url.copy_with(host="127.0.0.1"), {"sni_hostname": url.host}


def _tls(portal: Portal) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(portal.ca_file) if portal.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise CliError(f"{portal.ca_file} holds no certificate: {error}", remedy="Check --portal-ca.") from error
