"""What is sent to an approval webhook: a JSON body without any credential, signed.

Source: the Standard Webhooks specification 1.0, "Webhook payload" and "Signature scheme".
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import format_time
from jitgress.operator.questions import Question

PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)  # Standard Webhooks, "Signature scheme": between 24 and 64 bytes
_HOW: Final = 'Put one secret on a line: whsec_ and the output of "openssl rand -base64 32".'


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of one webhook: one, or while it is being replaced the new and the old one."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the keys in `text`, one a line. Raises `InvalidValueError`, which tells nothing of them."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            raise InvalidValueError("there is no secret", remedy=_HOW)
        return cls(tuple(map(_key, lines)))

    def signatures(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Return the value of the header webhook-signature: one signature a key, a space between them."""
        signed = f"{message_id}.{timestamp}.".encode() + body
        return " ".join(f"v1,{_base64(hmac.digest(key, signed, hashlib.sha256))}" for key in self.keys)


def headers(question: Question, body: bytes, keys: SigningKeys, now: datetime) -> dict[str, str]:
    """Return what identifies a message and shows who sent it. The id is the same for every repetition."""
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "webhook-id": question.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": keys.signatures(question.id, timestamp, body),
    }


def body(question: Question) -> bytes:
    """Return the question as JSON."""
    request, target = question.request, question.target
    document = {
        "type": "approval.requested",
        "request": {
            "namespace": request.ref.namespace,
            "name": request.ref.name,
            "uid": request.ref.uid,
            "reason": request.reason,
            "ticket": request.ticket,
            "duration_seconds": None if request.duration is None else request.duration // timedelta(seconds=1),
            "end_time": None if request.end_at is None else format_time(request.end_at),
            "extends": None if request.extends is None else request.extends.name,
            "start_time": None if request.start_at is None else format_time(request.start_at),
            "paths": list(request.paths),
            "methods": list(request.methods),
        },
        "requester": _person(request.requester.username, sorted(request.requester.groups)),
        "target": {"namespace": target.ref.namespace, "name": target.ref.name, "host": target.host},
        "policy": question.policy,
        "expires_at": format_time(question.until),
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _person(username: str, groups: Sequence[str]) -> dict[str, str | Sequence[str]]:
    return {"username": username, "groups": groups}


def _key(line: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValueError("a secret is not base64", remedy=_HOW) from None
    if not line.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise InvalidValueError(f"a secret is not {PREFIX} and the base64 of 24 to 64 bytes", remedy=_HOW)
    return key


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
