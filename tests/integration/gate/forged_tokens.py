"""Tokens that the portal would never issue."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt

from jitgress.domain.grant import Grant
from jitgress.identity.keys import SigningKey
from tests.unit.gate.builders import ISSUER


def claims_of(grant: Grant, now_s: int) -> dict[str, Any]:
    return {
        "grant": grant.id,  # first, as in ours: a forgery should get as far as it can
        "iss": ISSUER,
        "aud": grant.host,
        "sub": grant.subject.username,
        "jti": "t1",
        "iat": now_s,
        "nbf": now_s - 10,
        "exp": now_s + 60,
    }


def signed(key: SigningKey, claims: Mapping[str, Any], **header: Any) -> str:
    """A token with a good signature; whether it says the right things is the test's matter."""
    full = {"alg": "ES256", "typ": "jitgress-gate+jwt", "kid": key.kid} | header
    return jwt.encode(full, dict(claims), key.private.reveal(), algorithms=["ES256"])


def unsigned(key: SigningKey, claims: Mapping[str, Any]) -> str:
    return ".".join((_part({"typ": "jitgress-gate+jwt", "alg": "none", "kid": key.kid}), _part(claims), ""))


def signed_with_the_public_key(key: SigningKey, claims: Mapping[str, Any], pem: str) -> str:
    """HS256 with the published key as the secret (CVE-2015-9235)."""
    content = ".".join((_part({"typ": "jitgress-gate+jwt", "alg": "HS256", "kid": key.kid}), _part(claims)))
    return f"{content}.{_text(hmac.digest(pem.encode(), content.encode(), hashlib.sha256))}"


def with_other_claims(token: str, claims: Mapping[str, Any]) -> str:
    """The signature of `token` under other claims."""
    header, _, signature = token.split(".")
    return f"{header}.{_part(claims)}.{signature}"


def _part(content: Mapping[str, Any]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
