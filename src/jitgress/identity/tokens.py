"""Gate tokens: what a subject shows at a gate for one host, under one grant, and never past its end.

Invariant 1 begins here: the audience is the grant's host, the subject is the grant's subject. The gate checks the grant
and its window to the millisecond itself; a token alone opens nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import Host
from jitgress.identity.errors import TokenInvalidError, TokenNotMintedError
from jitgress.identity.keys import ALGORITHM, SigningKey
from jitgress.identity.secret import Secret

TYPE: Final = "jitgress-gate+jwt"
HEADER: Final = "Jitgress-Authorization"
LIFETIME: Final = timedelta(minutes=5)  # asking again costs one call; a token that got away is soon worth nothing
LEEWAY: Final = timedelta(seconds=30)  # clocks of portal and gate; hosts without NTP drift about a second a day
MAX_TOKEN_LENGTH: Final = 4096  # ours have about 500 characters; HAProxy takes 16 kB of headers

# RFC 7515, 7.1. An ES256 signature has 64 bytes; the 4 unused bits of its last character are zero: one token, one text.
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
_TEXTS: Final = ("iss", "aud", "sub", "grant", "jti")
_TIMES: Final = ("iat", "nbf", "exp")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateToken:
    """A signed token and what it says. `text` is the credential."""

    text: Secret[str] = field(repr=False)
    id: str
    grant: GrantId
    host: Host
    subject: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClaims:
    """The claims of a token whose signature, key, audience, issuer and times were checked."""

    id: str
    grant: GrantId
    host: Host
    subject: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime


def mint(
    grant: Grant,
    *,
    subject: str,
    now: datetime,
    key: SigningKey,
    issuer: str,
    token_id: str,
    lifetime: timedelta = LIFETIME,
) -> GateToken:
    """Return a token for `grant`, or raise `TokenNotMintedError` if it is not `subject`'s or not open at `now`.

    Times are whole seconds, rounded down, so that `exp` is never past the window's end. `nbf` may be up to a second
    before its beginning, where only the gate's own check of the window, in milliseconds, is as sharp.
    """
    if subject != grant.subject.username:
        raise TokenNotMintedError("the grant is somebody else's", remedy="Ask for access yourself.")
    if not grant.window.contains(now):
        raise TokenNotMintedError("the grant is not open now", remedy="Ask again while its window is open.")
    expires_s = _seconds(min(now + lifetime, grant.window.not_after))
    if expires_s <= now.timestamp():
        raise TokenNotMintedError("the grant ends within this second", remedy="Ask for access again.")
    claims = {
        "grant": grant.id,  # first: the gate reads it from the beginning of the payload (jitgress.gate.layout)
        "iss": issuer,
        "aud": grant.host,
        "sub": subject,
        "jti": token_id,
        "iat": _seconds(now),
        "nbf": _seconds(max(now - LEEWAY, grant.window.not_before)),
        "exp": expires_s,
    }
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    text = jwt.encode(header, claims, key.private.reveal(), algorithms=[ALGORITHM])
    expires_at = datetime.fromtimestamp(expires_s, UTC)
    return GateToken(
        text=Secret(text), id=token_id, grant=grant.id, host=grant.host, subject=subject, expires_at=expires_at
    )


def verify(text: str, *, host: Host, now: datetime, jwks: Mapping[str, Any], issuer: str) -> VerifiedClaims:
    """Return the claims of a token for `host` at `now`, as strictly as a gate, or raise `TokenInvalidError`.

    `jwks` is the public key set. Nothing but our own header is taken: no other algorithm, type, or key in the token.
    """
    if len(text) > MAX_TOKEN_LENGTH or not _COMPACT.fullmatch(text):
        raise _invalid("it is not a compact JWT")
    keys = {jwk["kid"]: jwk for jwk in jwks["keys"]}
    claims = _signed_claims(text, keys)
    times = [claims.get(name) for name in _TIMES]
    if any(not isinstance(claims.get(name), str) for name in _TEXTS) or any(type(at) is not int for at in times):
        raise _invalid("a claim is missing or of the wrong type")
    if claims["iss"] != issuer or claims["aud"] != host:
        raise _invalid("it was issued by or for somebody else")
    try:
        issued_at, not_before, expires_at = (datetime.fromtimestamp(int(claims[name]), UTC) for name in _TIMES)
    except (ValueError, OverflowError, OSError):
        raise _invalid("a time is out of range") from None
    if not not_before <= now < expires_at:
        raise _invalid("it is not valid now")
    return VerifiedClaims(
        id=claims["jti"],
        grant=GrantId(claims["grant"]),
        host=host,
        subject=claims["sub"],
        issued_at=issued_at,
        not_before=not_before,
        expires_at=expires_at,
    )


def _signed_claims(text: str, keys: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    try:
        token = jwt.decode(text, lambda signed: _named_key(signed, keys), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError) as error:
        raise _invalid(f"its signature or form is wrong ({type(error).__name__})") from None
    if token.header.keys() != {"alg", "typ", "kid"} or token.header["typ"] != TYPE:
        raise _invalid("its header is not a gate token's")
    return token.claims


def _named_key(signed: Any, keys: Mapping[str, Mapping[str, Any]]) -> ECKey:
    jwk = keys.get(str(signed.headers().get("kid")))
    if jwk is None:
        raise _invalid("its key is not published")
    return ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})


def _seconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def _invalid(why: str) -> TokenInvalidError:
    return TokenInvalidError(f"the token is not valid: {why}", remedy="Ask for a new one.")
