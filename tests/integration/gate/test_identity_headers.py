"""Invariant 8: credentials and identity headers of the client never reach the target."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from jitgress.gate.identity_headers import OVERRIDES, REMOVED, REMOVED_PREFIXES
from tests.integration.gate.raw_client import WEBSOCKET, ask, open_stream, request, send
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate, until
from tests.unit.gate.builders import a_grant

pytestmark = pytest.mark.real


async def received(gate: RunningGate, target: RecordingTarget, headers: Mapping[str, str]) -> list[str]:
    """The header lines that the target got, in lower case, for a request with `headers`."""
    grant = a_grant(address=target.address, groups=["dev", "on call", "a,b"], not_before=datetime.now(UTC))
    await gate.permit(grant)
    answer = await ask(gate.port, grant.host, token=gate.token(grant), headers=headers)
    assert answer.status == 200
    return target.heads[-1].decode("latin-1").lower().split("\r\n")[1:-2]


async def test_the_target_learns_who_it_is_and_not_by_which_token(gate: RunningGate, target: RecordingTarget) -> None:
    lines = await received(gate, target, {})
    assert sorted(lines) == [
        "host: orders.jit.localhost",
        "x-forwarded-groups: dev,on call",
        "x-forwarded-user: alice@example.test",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *REMOVED[1:],
        "X-Forwarded-User",
        "Remote-User",
        "Remote-Groups",
        "X-Auth-Request-User",
        "X-Auth-Request-Anything",
        "X-Remote-Group",
        "x_forwarded_user",
        "X-Forwarded_Groups",
        "Jitgress_Authorization",
        "REMOTE_USER",
    ],
)
async def test_a_client_cannot_say_who_it_is(gate: RunningGate, target: RecordingTarget, name: str) -> None:
    lines = await received(gate, target, {name: "mallory"})
    assert "mallory" not in "".join(lines)
    assert "x-forwarded-user: alice@example.test" in lines


def spellings(count: int) -> list[dict[str, str]]:
    """Headers that say who somebody is, in every case, with underscores, together and named in `Connection`."""
    chance = random.Random(20260101)  # noqa: S311  not for secrets
    families = (f"{prefix}{rest}" for prefix in REMOVED_PREFIXES for rest in ("User", "Email", "Groups"))
    names = (*REMOVED[1:], *OVERRIDES, *families, "X-Forwarded-User")  # a second token would be refused

    def spelled(name: str) -> str:
        cased = (chance.choice((letter.lower(), letter.upper())) for letter in name)
        return "".join("_" if letter == "-" and chance.random() < 0.2 else letter for letter in cased)

    made = []
    for _ in range(count):
        headers = {spelled(chance.choice(names)): f"mallory-{number}" for number in range(chance.randint(1, 4))}
        nominated = {"Connection": ", ".join((*headers, "X-Forwarded-User"))} if chance.random() < 0.3 else {}
        made.append(headers | nominated)
    return made


async def test_no_spelling_of_an_identity_reaches_the_target(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, groups=["dev"], not_before=datetime.now(UTC))
    await gate.permit(grant)
    token = gate.token(grant)
    expected = [
        "host: orders.jit.localhost",
        "x-forwarded-groups: dev",
        "x-forwarded-user: alice@example.test",
        "x-kept: yes",
    ]

    for headers in spellings(300):
        assert (await ask(gate.port, grant.host, token=token, headers={**headers, "X-Kept": "yes"})).status == 200
        lines = target.heads[-1].decode("latin-1").lower().split("\r\n")[1:-2]
        assert sorted(lines) == expected, headers


@pytest.mark.parametrize(
    "name", [*OVERRIDES, "X-HTTP-Method", "X-HTTP-Method-Override", "x-method-override", "X_HTTP_METHOD_OVERRIDE"]
)
async def test_a_client_cannot_have_the_target_serve_another_method_or_path(
    gate: RunningGate, target: RecordingTarget, name: str
) -> None:
    assert "delete-everything" not in "".join(await received(gate, target, {name: "delete-everything"}))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("__Host-jitgress=T0KEN", None),
        ("__Host-jitgress=T0KEN; a=b", "a=b"),
        ("a=b; __Host-jitgress=T0KEN", "a=b"),
        ("a=b; __Host-jitgress=T0KEN; c=d", "a=b; c=d"),
        ("a=b;__Host-jitgress=T0KEN;c=d", "a=b;c=d"),
        ("a=b; __Host-jitgress = T0KEN; c=d", "a=b; c=d"),
        ("__Host-jitgress=T0KEN; a=b; __Host-jitgress=T0KEN", "a=b"),
        ("a=1; __Host-jitgress=T0KEN; __Host-jitgress=T0KEN; __Host-jitgress=T0KEN", None),
        ("theme=dark; x=y", "theme=dark; x=y"),
        ("a=__host; b=;c", "a=__host; b=;c"),
    ],
)
async def test_our_cookie_goes_and_the_others_stay(
    gate: RunningGate, target: RecordingTarget, sent: str, kept: str | None
) -> None:
    lines = await received(gate, target, {"Cookie": sent})
    assert [line for line in lines if line.startswith("cookie:")] == ([f"cookie: {kept}"] if kept else [])


async def test_our_cookie_goes_from_every_cookie_header(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    content = request(grant.host, "/", token=gate.token(grant), headers={"Cookie": "a=b"})
    more = b"\r\nCookie: __Host-jitgress=T0KEN; c=d\r\nCookie: __Host-jitgress=T0KEN\r\n\r\n"
    assert (await send(gate.port, content.replace(b"\r\n\r\n", more))).status == 200
    assert b"T0KEN" not in target.heads[-1]
    assert b"a=b" in target.heads[-1]
    assert b"c=d" in target.heads[-1]


async def test_nobody_can_have_the_next_hop_drop_our_headers(gate: RunningGate, target: RecordingTarget) -> None:
    lines = await received(gate, target, {"Connection": "close, X-Forwarded-User, X-Forwarded-Groups"})
    assert not [line for line in lines if line.startswith("connection:") and "x-forwarded" in line]


async def test_only_websocket_switches_protocols(gate: RunningGate, target: RecordingTarget) -> None:
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"}
    lines = await received(gate, target, offer)
    assert not [line for line in lines if "h2c" in line or "upgrade" in line]


async def test_a_websocket_passes(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, not_before=datetime.now(UTC))
    await gate.permit(grant)
    stream = await open_stream(gate.port, request(grant.host, "/ws", token=gate.token(grant), headers=WEBSOCKET))
    await until(lambda: stream.bytes_received > 8, "ticks")
    assert stream.status == 101
    await stream.close()


async def test_nobody_can_speak_http_2_past_the_rules(gate: RunningGate, target: RecordingTarget) -> None:
    await gate.permit(a_grant(address=target.address, not_before=datetime.now(UTC)))
    answer = await send(gate.port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert answer.status == 400
    assert target.heads == []


@pytest.mark.parametrize("username", ["zoë@example.test", "système:user", 'a "b" \\ c;d|e,f%41', "  blanks  ", "日本"])
async def test_any_name_reaches_the_target_as_it_is(gate: RunningGate, target: RecordingTarget, username: str) -> None:
    grant = a_grant(address=target.address, username=username, not_before=datetime.now(UTC))
    await gate.permit(grant)
    assert (await gate.ask(grant)).status == 200
    line = next(line for line in target.heads[-1].split(b"\r\n") if line.lower().startswith(b"x-forwarded-user"))
    assert line.split(b": ", 1)[1] == username.encode()
