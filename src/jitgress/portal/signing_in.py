"""Who calls: the bearer token of a request, and whose it is. Nothing is remembered between calls."""

import re
from typing import Final

from starlette.requests import Request

from jitgress.domain.subject import Subject
from jitgress.identity.secret import Secret
from jitgress.portal.errors import NotSignedInError
from jitgress.portal.issuing import ANONYMOUS
from jitgress.portal.ports import Authenticator

MAX_CREDENTIAL_LENGTH: Final = 16 * 1024  # Kubernetes tokens have 1-2 kB; OIDC ones with many groups some more
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)  # RFC 6750, 2.1


async def caller(request: Request, authenticator: Authenticator) -> Subject:
    """Return who calls, or raise `NotSignedInError`; `JitgressError` if that can't be told now."""
    credential = _credential(request)
    subject = None if credential is None else await authenticator.authenticate(credential)
    if subject is None or subject.username in ("", ANONYMOUS):
        raise NotSignedInError(
            "who you are is not known", remedy="Send `Authorization: Bearer TOKEN` with a Kubernetes token of yours."
        )
    return subject


def _credential(request: Request) -> Secret[str] | None:
    """Return the one bearer token of the request; two are nobody's."""
    sent = request.headers.getlist("authorization")
    if len(sent) != 1 or len(sent[0]) > MAX_CREDENTIAL_LENGTH:
        return None
    match = _BEARER.fullmatch(sent[0])
    return Secret(match.group(1)) if match else None
