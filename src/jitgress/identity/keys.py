"""The keys that gate tokens are signed with: ES256, named by their thumbprint, as a value and as JWKS (RFC 7517).

A key's times say what it is for: it is published from `created_at` on, and signs from `signs_from` on. Which key signs
now is derived from them and never stored.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import format_time, parse_time
from jitgress.identity.errors import KeysUnreadableError
from jitgress.identity.secret import Secret

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"  # RFC 7518, 3.4: the one curve of ES256


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair. `kid` is the thumbprint of the public half (RFC 7638)."""

    kid: str
    created_at: datetime
    signs_from: datetime
    private: Secret[ECKey] = field(repr=False, compare=False)

    @classmethod
    def generate(cls, created_at: datetime, signs_from: datetime) -> Self:
        """Return a new key pair that is published at `created_at` and signs from `signs_from` on."""
        pair = ECKey.generate_key(CURVE)
        created_at, signs_from = (parse_time(format_time(at)) for at in (created_at, signs_from))  # as they are stored
        return cls(pair.thumbprint(), created_at, signs_from, Secret(pair))

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as gates take it (RFC 7517, 4)."""
        members = self.private.reveal().as_dict(private=False)
        public = {name: str(members[name]) for name in ("kty", "crv", "x", "y")}
        return public | {"kid": self.kid, "alg": ALGORITHM, "use": "sig"}


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that gates accept, oldest first: one, or two while one succeeds the other."""

    keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        if not self.keys or len({key.kid for key in self.keys}) != len(self.keys):
            raise InvalidValueError("a key set needs keys, each once", remedy="Delete the Secret: a new key is made.")

    @property
    def newest(self) -> SigningKey:
        """The key that signs last."""
        return self.keys[-1]

    def signing_key(self, now: datetime) -> SigningKey:
        """Return the newest key that may sign at `now`; the oldest, should the clock stand before all of them."""
        return next((key for key in reversed(self.keys) if key.signs_from <= now), self.keys[0])

    def public_jwks(self) -> str:
        """Return the public JWKS for the gates: the same keys give the same text."""
        return _text({"keys": [key.public_jwk() for key in self.keys]})

    def private_jwks(self) -> Secret[str]:
        """Return the JWKS to be stored, with the private halves and the times."""
        return Secret(_text({"keys": [_private_jwk(key) for key in self.keys]}))


def read_private_jwks(text: str) -> KeySet:
    """Return the stored keys; raise `KeysUnreadableError`, whose message never quotes them."""
    try:
        document: Any = json.loads(text)
        keys = [_read(cast("Mapping[str, Any]", jwk)) for jwk in document["keys"]]
        return KeySet(tuple(sorted(keys, key=lambda key: key.signs_from)))
    except (ValueError, TypeError, KeyError, AttributeError, JoseError, InvalidValueError) as error:
        kind = type(error).__name__
    raise KeysUnreadableError(
        f"the stored signing keys cannot be read ({kind})",
        remedy="Restore the Secret jitgress-signing-keys, or delete it: a new key is made, tokens are asked for anew.",
    )


def _private_jwk(key: SigningKey) -> dict[str, str]:
    members = key.private.reveal().as_dict(private=True)
    times = {"created_at": format_time(key.created_at), "signs_from": format_time(key.signs_from)}
    return key.public_jwk() | {"d": str(members["d"])} | times


def _read(jwk: Mapping[str, Any]) -> SigningKey:
    if jwk["kty"] != "EC" or jwk["crv"] != CURVE or "d" not in jwk:
        raise ValueError
    pair = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "d")})
    if pair.thumbprint() != jwk["kid"]:
        raise ValueError
    return SigningKey(jwk["kid"], parse_time(jwk["created_at"]), parse_time(jwk["signs_from"]), Secret(pair))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
