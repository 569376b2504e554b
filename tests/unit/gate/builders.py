"""Grants and keys with defaults, so that a test names only what it is about."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from jitgress.crds.grants import grant_object
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import Host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.keys import SigningKey

NOW: Final = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
HOST: Final = Host("orders.jit.localhost")
ISSUER: Final = "https://portal.jit.localhost"


def grant_id(number: int) -> GrantId:
    return GrantId(str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128, version=4)))


def a_grant(  # noqa: PLR0913  a builder: every argument has its default
    number: int = 1,
    *,
    host: str = HOST,
    address: str = "127.0.0.1:9001",
    paths: Iterable[str] = ("/",),
    methods: Iterable[str] = ("GET",),
    username: str = "alice@example.test",
    groups: Iterable[str] = ("dev",),
    not_before: datetime = NOW,
    duration: timedelta = timedelta(minutes=5),
    sources: Iterable[str] = (),
) -> Grant:
    """Return a grant; without `sources` it may be used from anywhere."""
    uid = grant_id(number)
    return Grant(
        id=uid,
        request=RequestRef("shop", f"request-{number}", uid),
        target=TargetRef("shop", "orders", "target-uid"),
        policy="on-call",
        subject=Subject(username, frozenset(groups)),
        host=Host(host),
        address=address,
        scope=Scope.of(paths, methods),
        window=Window.starting(not_before, duration),
        sources=Sources.of(networks) if (networks := tuple(sources)) else ANYWHERE,
        since=Window.starting(not_before, duration).not_before,
    )


def an_object(grant: Grant, **changes: Any) -> dict[str, Any]:
    """The AccessGrant of a grant; `changes` replace fields of its spec."""
    found = grant_object(grant, "jitgress-system")
    return found | {"spec": found["spec"] | changes}


def a_key() -> SigningKey:
    return SigningKey.generate(NOW, NOW)


def a_jwks(*keys: SigningKey) -> str:
    return json.dumps({"keys": [key.public_jwk() for key in keys]})
