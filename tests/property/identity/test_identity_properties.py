"""Tokens never outlive or leave their grant, and keys never sign before gates have them nor leave too soon."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.errors import TokenInvalidError, TokenNotMintedError
from jitgress.identity.keys import KeySet, SigningKey
from jitgress.identity.rotation import RotationTerms, rotate
from jitgress.identity.tokens import mint, verify

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = SigningKey.generate(START, START)
JWKS = json.loads(KeySet((KEY,)).public_jwks())
ISSUER = "https://portal.example.com"
HOSTS = [parse_host(f"{name}.example.com") for name in ("orders", "billing", "grafana")]
PEOPLE = ["alice", "bob", "system:serviceaccount:ci:deployer"]
MILLISECONDS = st.integers(0, 120_000).map(lambda ms: timedelta(milliseconds=ms))
GRANT = st.builds(
    lambda number, person, host, start, length: Grant(
        id=GrantId(f"uid-{number}"),
        request=RequestRef("shop", f"r{number}", f"uid-{number}"),
        target=TargetRef("shop", "orders"),
        policy="p",
        subject=Subject(person),
        host=host,
        address="10.0.0.1:80",
        scope=Scope.of(["/"], ["GET"]),
        window=Window.starting(START + start, length),
        since=START + start,
    ),
    st.integers(0, 3),
    st.sampled_from(PEOPLE),
    st.sampled_from(HOSTS),
    MILLISECONDS,
    MILLISECONDS.filter(bool),
)
LIFETIME = st.integers(1, 90_000).map(lambda ms: timedelta(milliseconds=ms))


@given(GRANT, st.sampled_from(PEOPLE), MILLISECONDS, LIFETIME)
def test_a_token_is_for_its_grant_only_and_never_outlives_it(
    grant: Grant, subject: str, after: timedelta, lifetime: timedelta
) -> None:
    now = START + after
    try:
        token = mint(grant, subject=subject, now=now, key=KEY, issuer=ISSUER, token_id="t", lifetime=lifetime)
    except TokenNotMintedError:
        whole_second_left = int(min(now + lifetime, grant.window.not_after).timestamp()) > now.timestamp()
        is_open = grant.window.not_before <= now < grant.window.not_after
        assert subject != grant.subject.username or not is_open or not whole_second_left
        return
    claims = verify(token.text.reveal(), host=grant.host, now=now, jwks=JWKS, issuer=ISSUER)
    assert claims.subject == subject == grant.subject.username
    assert (claims.grant, claims.host) == (grant.id, grant.host)
    assert now < claims.expires_at == token.expires_at <= min(grant.window.not_after, now + lifetime)
    assert claims.not_before > grant.window.not_before - timedelta(seconds=1)
    for host in HOSTS:
        if host != grant.host:
            with pytest.raises(TokenInvalidError):
                verify(token.text.reveal(), host=host, now=now, jwks=JWKS, issuer=ISSUER)
    with pytest.raises(TokenInvalidError):
        verify(token.text.reveal(), host=grant.host, now=grant.window.not_after, jwks=JWKS, issuer=ISSUER)


@given(st.data())
def test_a_token_with_any_other_character_is_refused(data: st.DataObject) -> None:
    grant = data.draw(GRANT)
    now = grant.window.not_before
    try:
        text = mint(grant, subject=grant.subject.username, now=now, key=KEY, issuer=ISSUER, token_id="t").text.reveal()
    except TokenNotMintedError:
        return
    position = data.draw(st.integers(0, len(text) - 1))
    changed = text[:position] + data.draw(st.sampled_from("A._-9~ \x00é")) + text[position + 1 :]
    if changed == text:
        return
    with pytest.raises(TokenInvalidError):
        verify(changed, host=grant.host, now=now, jwks=JWKS, issuer=ISSUER)


TERMS = RotationTerms(
    max_age=timedelta(hours=10), publish_lead=timedelta(minutes=5), token_lifetime=timedelta(minutes=10)
)
SHARED = SigningKey.generate(
    START, START
).private  # rotation looks at times only; making pairs would take most of the time


def a_new_key(created_at: datetime, signs_from: datetime) -> SigningKey:
    return SigningKey(f"{created_at.isoformat()}", created_at, signs_from, SHARED)


@given(st.lists(st.integers(1, 900).map(lambda minutes: timedelta(minutes=minutes)), min_size=1, max_size=60))
def test_rotation_publishes_before_use_and_keeps_keys_while_their_tokens_live(pauses: list[timedelta]) -> None:
    now, keys = START, rotate(None, START, TERMS, a_new_key)
    published_at = {keys.newest.kid: START - TERMS.publish_lead}  # the first has nothing to wait for
    signed_last: dict[str, datetime] = {}
    for pause in pauses:
        signed_until = now + min(pause, timedelta(minutes=1))  # replicas read the keys anew every minute
        for moment in (now, signed_until):
            key = keys.signing_key(moment)
            signed_last[key.kid] = moment
            assert moment >= published_at[key.kid] + TERMS.publish_lead
        now += pause
        keys = rotate(keys, now, TERMS, a_new_key)
        kids = {key.kid for key in keys.keys}
        assert 1 <= len(kids) <= 2
        for key in keys.keys:
            published_at.setdefault(key.kid, now)
        for kid, moment in signed_last.items():
            assert kid in kids or now >= moment + TERMS.token_lifetime - timedelta(minutes=1)
        assert rotate(keys, now, TERMS, a_new_key) is keys
    assert now - keys.newest.signs_from < TERMS.max_age
