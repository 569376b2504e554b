"""Errors as problem details (RFC 9457), from the same three parts that the CLI prints: code, message, remedy."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jitgress.domain.errors import JitgressError
from jitgress.portal.errors import MalformedError, MethodError, NotFoundError, NotSignedInError, PortalError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_ROOT: Final = "https://jitgress.dev/problems/"
RETRY_AFTER_S: Final = 5

_log: Final = structlog.get_logger()


def problem(error: JitgressError) -> Response:
    """Return the answer that tells of `error`. Errors of parts behind the portal mean: not now (503)."""
    status = HTTPStatus(error.status if isinstance(error, PortalError) else HTTPStatus.SERVICE_UNAVAILABLE)
    body = {
        "type": TYPE_ROOT + error.code,
        "title": status.phrase,
        "status": status.value,
        "detail": error.message,
        "remedy": error.remedy,
        "code": error.code,
    }
    headers: dict[str, str] = {}
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = 'Bearer realm="jitgress"'  # RFC 9110, 11.6.1
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(body, status.value, headers, MEDIA_TYPE)


def handlers() -> Mapping[Any, Callable[[Request, Any], Response]]:
    """Return Starlette's exception handlers: no answer of the portal is an error in any other form."""
    return {JitgressError: _ours, HTTPException: _starlettes, Exception: _defect}


def _ours(_request: Request, error: JitgressError) -> Response:
    if not isinstance(error, PortalError):
        _log.warning("portal_part_failed", code=error.code, error=error.message)
    return problem(error)


def _starlettes(_request: Request, error: HTTPException) -> Response:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return problem(NotFoundError("there is nothing at this address", remedy="The API is below /api/v1/."))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            answer = problem(MethodError("this address does not take the method", remedy="See the Allow header."))
            answer.headers.update(error.headers or {})
            return answer
        case _:
            return problem(MalformedError("the request is not valid HTTP for this address", remedy="Correct it."))


def _defect(_request: Request, _error: Exception) -> Response:
    return problem(PortalDefectError())


class PortalDefectError(PortalError):
    """A defect: nothing of it is shown to the caller."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__("the portal failed", remedy="Try again; if it stays, report it with the time.")
