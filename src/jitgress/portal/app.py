"""The portal as an ASGI application, put together from its parts. No state outside of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from jitgress.domain.clock import Clock
from jitgress.domain.errors import JitgressError
from jitgress.portal.bodies import grant_body, issued_body, read_asked
from jitgress.portal.choice import open_grants, own_grants
from jitgress.portal.errors import NotReadyError, NotSignedInError
from jitgress.portal.guard import Guard
from jitgress.portal.issuing import ANONYMOUS, Issuing
from jitgress.portal.metrics import PortalMetrics
from jitgress.portal.ports import Authenticator, Grants, Keys, Ledger
from jitgress.portal.problem import handlers
from jitgress.portal.signing_in import caller

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_GRANTS_SHOWN: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the portal is made of. `issuer` is its own address, the `iss` of its tokens."""

    authenticator: Authenticator
    grants: Grants
    keys: Keys
    ledger: Ledger
    clock: Clock
    metrics: PortalMetrics
    issuer: str


def create_app(parts: Parts) -> ASGIApp:
    """Return the portal's application."""
    app = Starlette(
        routes=[
            Route("/api/v1/token", _token(parts), methods=["POST"]),
            Route("/api/v1/grants", _grants(parts), methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz(parts), methods=["GET"]),
            Route("/metrics", _metrics(parts), methods=["GET"]),
        ],
        exception_handlers=handlers(),
    )
    return Guard(app, clock=parts.clock, metrics=parts.metrics)  # around Starlette's own answer to a defect, too


def _token(parts: Parts) -> Endpoint:
    issuing = Issuing(
        grants=parts.grants,
        keys=parts.keys,
        ledger=parts.ledger,
        clock=parts.clock,
        metrics=parts.metrics,
        issuer=parts.issuer,
    )

    async def token(request: Request) -> Response:
        asked = await read_asked(request)
        try:
            subject = await caller(request, parts.authenticator)
        except NotSignedInError as error:
            await issuing.refuse(ANONYMOUS, error.code, str(asked))
            raise
        return JSONResponse(issued_body(await issuing.issue(subject, asked)))

    return token


def _grants(parts: Parts) -> Endpoint:
    async def grants(request: Request) -> Response:
        subject = await caller(request, parts.authenticator)
        if not parts.grants.is_synced:
            raise NotReadyError("the portal does not know the grants now", remedy="Try again in a few seconds.")
        own = open_grants(own_grants(parts.grants.current(), subject.username), parts.clock.now())
        shown = sorted(own, key=lambda grant: (grant.window.not_after, grant.id))[:MAX_GRANTS_SHOWN]
        return JSONResponse({"grants": [grant_body(grant) for grant in shown]})

    return grants


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _readyz(parts: Parts) -> Endpoint:
    async def readyz(_request: Request) -> Response:
        missing = [name for name, is_there in await _readiness(parts) if not is_there]
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return JSONResponse({"ready": not missing, "missing": missing}, status.value)

    return readyz


async def _readiness(parts: Parts) -> list[tuple[str, bool]]:
    try:
        await parts.ledger.head()
        has_ledger = True
    except JitgressError:
        has_ledger = False
    return [("grants", parts.grants.is_synced), ("keys", parts.keys.is_ready), ("ledger", has_ledger)]


def _metrics(parts: Parts) -> Endpoint:
    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return metrics
