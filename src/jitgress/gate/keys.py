"""The public keys that tokens are verified with: from the published JWKS (RFC 7517) to PEM files.

Invariant 1: exactly the published keys are good. What is not a P-256 key for signatures is no key; two keys with one
name are none.
"""

import base64
import binascii
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from jitgress.domain.errors import InvalidValueError

_REMEDY: Final = "Publish the signing keys anew: the portal writes the ConfigMap jitgress-gate-keys."
_KID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_COORDINATE_BYTES: Final = 32  # RFC 7518, 6.2.1.2
_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""SubjectPublicKeyInfo of an uncompressed point on P-256, up to the point (RFC 5480, 2). OpenSSL checks the point."""


@dataclass(frozen=True, slots=True)
class GateKey:
    """One public key and its name in token headers."""

    kid: str
    pem: str

    @property
    def file_name(self) -> str:
        """The file's name tells its content: another key under the same `kid` is another file."""
        return f"{hashlib.sha256(self.pem.encode()).hexdigest()[:32]}.pem"


def read_keys(jwks: str | None) -> tuple[GateKey, ...]:
    """Return the keys of a JWKS, sorted by name; raise `InvalidValueError` if one can't be understood: then none is."""
    if jwks is None:
        return ()
    try:
        document: Any = json.loads(jwks)
        entries = cast("list[Mapping[str, Any]]", document["keys"])
        keys = [_read_key(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidValueError("the published keys are not a JWKS of P-256 keys", remedy=_REMEDY) from None
    repeated = [kid for kid, count in Counter(key.kid for key in keys).items() if count > 1]
    if repeated:
        raise InvalidValueError(f"key {repeated[0]} is published twice", remedy=_REMEDY)
    return tuple(sorted(keys, key=lambda key: key.kid))


def _read_key(entry: Mapping[str, Any]) -> GateKey:
    kid = entry["kid"]
    is_ours = (entry["kty"], entry["crv"], entry.get("alg", "ES256"), entry.get("use", "sig")) == (
        "EC",
        "P-256",
        "ES256",
        "sig",
    )
    if not is_ours or not _KID.fullmatch(kid):
        raise ValueError(kid)
    point = _SPKI_PREFIX + _coordinate(entry["x"]) + _coordinate(entry["y"])
    text = base64.b64encode(point).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]  # RFC 7468, 2
    return GateKey(kid, "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]))


def _coordinate(text: str) -> bytes:
    try:
        value = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
    if len(value) != _COORDINATE_BYTES:
        raise ValueError(text)
    return value
