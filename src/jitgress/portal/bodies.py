"""What callers send and get, as JSON; turned into values on entry."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant
from jitgress.domain.host import parse_host
from jitgress.domain.window import format_time
from jitgress.identity.tokens import HEADER
from jitgress.portal.choice import AskedHost, AskedRequest
from jitgress.portal.errors import MalformedError, TooLargeError
from jitgress.portal.issuing import Issued

MAX_BODY_BYTES: Final = 4096  # names of at most 253 characters: 1 kB with room for spaces

# Kubernetes, "Object Names and IDs": a DNS subdomain name. The same characters make a host.
_Name = Annotated[str, Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class RequestName(_Strict):
    """Which AccessRequest."""

    namespace: _Name
    name: _Name


class TokenBody(_Strict):
    """The body of POST /api/v1/token: exactly one of the two."""

    request: RequestName | None = None
    host: _Name | None = None


async def read_asked(request: Request) -> AskedRequest | AskedHost:
    """Return what the caller asks a token for, or raise `MalformedError` or `TooLargeError`."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise MalformedError("the body is not declared as JSON", remedy="Send Content-Type: application/json.")
    try:
        body = TokenBody.model_validate_json(await _limited(request))
        if body.request is not None and body.host is None:
            return AskedRequest(body.request.namespace, body.request.name)
        if body.host is not None and body.request is None:
            return AskedHost(parse_host(body.host))
    except (ValidationError, InvalidValueError):
        pass  # one answer for all: it shows the form, and quotes nothing that was sent
    raise MalformedError(
        "the body does not say which grant",
        remedy='Send {"request": {"namespace": "…", "name": "…"}} or {"host": "…"}, and nothing else.',
    )


def issued_body(issued: Issued) -> dict[str, Any]:
    """Return the answer that carries the token: the one place where it is revealed."""
    return {
        "token": issued.token.text.reveal(),
        "header": HEADER,
        "expires_at": format_time(issued.token.expires_at),
        **grant_body(issued.grant),
    }


def grant_body(grant: Grant) -> dict[str, Any]:
    """Return what the owner of a grant may know of it."""
    return {
        "grant": grant.id,
        "request": {"namespace": grant.request.namespace, "name": grant.request.name},
        "target": {"namespace": grant.target.namespace, "name": grant.target.name},
        "host": grant.host,
        "paths": list(grant.scope.paths),
        "methods": list(grant.scope.sorted_methods()),
        "not_before": format_time(grant.window.not_before),
        "not_after": format_time(grant.window.not_after),
    }


async def _limited(request: Request) -> bytes:
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                raise TooLargeError(f"the body has more than {MAX_BODY_BYTES} bytes", remedy="Send what is asked for.")
    except ClientDisconnect:
        raise MalformedError("the body ended early", remedy="Send all of it.") from None
    return bytes(content)
