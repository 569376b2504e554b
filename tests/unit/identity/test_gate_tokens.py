"""Gate tokens by example: what is in one, and what a strict reader refuses."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import Host, parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.errors import TokenInvalidError, TokenNotMintedError
from jitgress.identity.keys import KeySet, SigningKey
from jitgress.identity.tokens import GateToken, mint, verify

NOW = datetime(2026, 1, 1, 10, 0, 0, 500_000, tzinfo=UTC)
HOST = parse_host("orders.example.com")
KEY = SigningKey.generate(NOW, NOW)
ISSUER = "https://portal.example.com"
JWKS = json.loads(KeySet((KEY,)).public_jwks())
CLAIMS = {"iss": ISSUER, "aud": HOST, "sub": "alice", "grant": "uid-1", "jti": "t1", "iat": 1, "nbf": 1, "exp": 2**32}
HEADER = {"alg": "ES256", "typ": "jitgress-gate+jwt", "kid": KEY.kid}


def a_grant(minutes: float = 30) -> Grant:
    return Grant(
        id=GrantId("uid-1"),
        request=RequestRef("shop", "r1", "uid-1"),
        target=TargetRef("shop", "orders"),
        policy="p",
        subject=Subject("alice"),
        host=HOST,
        address="10.0.0.1:80",
        scope=Scope.of(["/"], ["GET"]),
        window=Window.starting(NOW, timedelta(minutes=minutes)),
        since=NOW,
    )


def a_token(now: datetime = NOW, subject: str = "alice", grant: Grant | None = None) -> GateToken:
    return mint(grant or a_grant(), subject=subject, now=now, key=KEY, issuer=ISSUER, token_id="t1")


def check(text: str, now: datetime = NOW, host: Host = HOST) -> Any:
    return verify(text, host=host, now=now, jwks=JWKS, issuer=ISSUER)


def signed(claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
    claims, header = CLAIMS | (claims or {}), HEADER | (header or {})
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, present, KEY.private.reveal(), algorithms=["ES256"])


def test_a_token_says_exactly_what_gates_read() -> None:
    header, payload, _ = a_token().text.reveal().split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == HEADER
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {
        "iss": ISSUER,
        "aud": HOST,
        "sub": "alice",
        "grant": "uid-1",
        "jti": "t1",
        "iat": 1767261600,
        "nbf": 1767261600,
        "exp": 1767261900,
    }


def test_a_token_ends_with_its_window_when_that_is_sooner() -> None:
    token = a_token(grant=a_grant(minutes=1))
    assert token.expires_at == datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
    claims = check(token.text.reveal())
    assert (claims.subject, claims.grant, claims.expires_at) == ("alice", "uid-1", token.expires_at)


@pytest.mark.parametrize(
    ("now", "subject"),
    [
        (NOW, "mallory"),
        (NOW - timedelta(milliseconds=1), "alice"),
        (NOW + timedelta(minutes=30), "alice"),
        (NOW + timedelta(minutes=30) - timedelta(milliseconds=1), "alice"),
    ],
    ids=["somebody else's", "not yet open", "ended", "ends within the second"],
)
def test_no_token_is_minted_outside_its_grant(now: datetime, subject: str) -> None:
    with pytest.raises(TokenNotMintedError):
        a_token(now, subject)


def test_the_credential_is_not_in_what_a_log_would_show() -> None:
    token = a_token()
    assert token.text.reveal() not in repr(token) + str(token)


def test_a_good_token_made_by_hand_is_taken() -> None:
    assert check(signed()).subject == "alice"


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"iss": "https://elsewhere.example.com"}, {}),
        ({"aud": "other.example.com"}, {}),
        ({"aud": [HOST]}, {}),
        ({"exp": int(NOW.timestamp())}, {}),
        ({"exp": "2999999999"}, {}),
        ({"exp": 2.0**32}, {}),
        ({"exp": True}, {}),
        ({"exp": 10**30}, {}),
        ({"nbf": int(NOW.timestamp()) + 1}, {}),
        ({"nbf": None}, {}),
        ({"sub": None}, {}),
        ({"sub": 1}, {}),
        ({"grant": None}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"kid": "unknown"}),
        ({}, {"cty": "JWT"}),
        ({}, {"jwk": JWKS["keys"][0]}),
    ],
)
def test_a_token_that_differs_in_one_thing_is_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalidError):
        check(signed(claims, header))


def test_a_token_signed_by_another_key_in_our_keys_name_is_refused() -> None:
    forged = jwt.encode(HEADER, CLAIMS, ECKey.generate_key("P-256"), algorithms=["ES256"])
    with pytest.raises(TokenInvalidError):
        check(forged)


def test_the_public_key_taken_as_a_shared_secret_signs_nothing() -> None:
    secret = OctKey.import_key(json.dumps(JWKS["keys"][0]).encode())
    forged = jwt.encode(HEADER | {"alg": "HS256"}, CLAIMS, secret, algorithms=["HS256"])
    with pytest.raises(TokenInvalidError):
        check(forged)


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "a.b.c.d.e", "é.b.c", "a" * 5000, "a.b.c\n"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenInvalidError):
        check(text)


def test_a_signature_has_one_spelling() -> None:
    text = signed()
    twin = text[:-1] + chr(ord(text[-1]) + 1)  # differs in bits that base64url leaves unused
    with pytest.raises(TokenInvalidError):
        check(twin)


def test_a_token_without_a_signature_is_refused() -> None:
    header = base64.urlsafe_b64encode(json.dumps(HEADER | {"alg": "none"}).encode()).rstrip(b"=").decode()
    payload = signed().split(".")[1]
    for text in (f"{header}.{payload}.", f"{header}.{payload}.AA"):
        with pytest.raises(TokenInvalidError):
            check(text)
