"""Signing keys as values and as JWKS, and that nobody sees a private half by accident."""

import json
import logging
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey

from jitgress.domain.errors import InvalidValueError
from jitgress.identity.errors import KeysUnreadableError
from jitgress.identity.keys import KeySet, SigningKey, read_private_jwks
from jitgress.identity.secret import Secret

NOW = datetime(2026, 1, 1, 10, 0, 0, 123_456, tzinfo=UTC)


def a_key(signs_from: datetime = NOW) -> SigningKey:
    return SigningKey.generate(NOW, signs_from)


def test_the_public_set_has_exactly_what_gates_need() -> None:
    key = a_key()
    (jwk,) = json.loads(KeySet((key,)).public_jwks())["keys"]
    assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
    assert (
        jwk["kid"] == key.kid == ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}).thumbprint()
    )


def test_the_stored_set_reads_back_as_it_was() -> None:
    keys = KeySet((a_key(), a_key(NOW + timedelta(minutes=5))))
    again = read_private_jwks(keys.private_jwks().reveal())
    assert again == keys
    assert again.public_jwks() == keys.public_jwks()
    assert (
        again.newest.private.reveal().as_dict(private=True)["d"]
        == (keys.newest.private.reveal().as_dict(private=True)["d"])
    )


def test_the_newest_key_that_may_sign_signs() -> None:
    old, new = a_key(), a_key(NOW + timedelta(minutes=5))
    keys = KeySet((old, new))
    assert keys.signing_key(NOW + timedelta(minutes=4)) is old
    assert keys.signing_key(NOW + timedelta(minutes=5)) is new
    assert keys.signing_key(NOW - timedelta(days=1)) is old


def test_a_private_half_has_no_readable_form(caplog: pytest.LogCaptureFixture) -> None:
    key = a_key()
    half = str(key.private.reveal().as_dict(private=True)["d"])
    stored = KeySet((key,)).private_jwks()
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", key, KeySet((key,)), stored)
    assert half not in caplog.text + repr(key) + str(stored) + f"{stored}"
    with pytest.raises(TypeError):
        pickle.dumps(stored)


def test_secrets_are_not_compared_by_value() -> None:
    assert Secret("a") != Secret("a")


def test_a_set_of_no_keys_or_one_key_twice_cannot_be_made() -> None:
    key = a_key()
    for keys in ((), (key, key)):
        with pytest.raises(InvalidValueError):
            KeySet(keys)


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "another"},
        {"crv": "P-384"},
        {"kty": "oct"},
        {"d": None},
        {"created_at": "yesterday"},
        {"signs_from": None},
    ],
)
def test_stored_keys_that_are_not_what_we_store_are_refused_without_quoting_them(change: dict[str, str | None]) -> None:
    document = json.loads(KeySet((a_key(),)).private_jwks().reveal())
    half = document["keys"][0]["d"]
    document["keys"][0] = {name: value for name, value in (document["keys"][0] | change).items() if value is not None}
    with pytest.raises(KeysUnreadableError) as caught:
        read_private_jwks(json.dumps(document))
    assert caught.value.remedy
    assert half not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": []}', '{"keys": [1]}', "\ud800"])
def test_stored_text_that_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(KeysUnreadableError):
        read_private_jwks(text)
