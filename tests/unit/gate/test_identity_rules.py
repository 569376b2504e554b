"""What a client said about itself is gone before anything passes, whatever else the request has in it."""

import re
from pathlib import Path

import pytest

from jitgress.gate.configuration import render
from jitgress.gate.settings import GateSettings
from tests.unit.gate.builders import ISSUER
from tests.unit.gate.haproxy_configuration import Line, Section, condition_of, parse


@pytest.fixture(scope="module")
def front() -> Section:
    settings = GateSettings(gate_id="g", folder=Path("/run/jitgress"), issuer=ISSUER)
    (found,) = (section for section in parse(render(settings)) if section.kind == "frontend")
    return found


def always_removed(front: Section) -> list[re.Pattern[str]]:
    """The names of headers that go from every request, in the order and before any may pass."""
    patterns: list[re.Pattern[str]] = []
    for line in front.lines[: front.position("http-request", "allow")]:
        if line[:2] == ("http-request", "del-header") and not condition_of(line):
            exact = re.escape(line[2]) + ("" if line[3:] == ("-m", "beg") else r"\Z")
            patterns.append(re.compile(exact, re.IGNORECASE))
    return patterns


@pytest.mark.parametrize(
    "name",
    [
        "Jitgress-Authorization",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Preferred-Username",
        "X-Auth-Request-User",
        "X-Auth-Request-Access-Token",
        "Remote-User",
        "Remote-Groups",
        "X-Remote-User",
        "X-Remote-Extra-Scopes",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Connection",
    ],
)
def test_it_never_reaches_the_target(front: Section, name: str) -> None:
    assert [pattern for pattern in always_removed(front) if pattern.match(name)]


def test_the_user_is_the_grants_whatever_the_client_said(front: Section) -> None:
    """`set-header` replaces; `add-header` would leave the client's beside it."""
    (rule,) = front.rules("http-request", "set-header", "X-Forwarded-User")
    assert condition_of(rule) == ()
    assert "var(txn.entry)" in rule[3]


def test_groups_are_the_grants_alone(front: Section) -> None:
    removed = front.position("http-request", "del-header", "X-Forwarded-Groups")
    assert removed < front.position("http-request", "add-header", "X-Forwarded-Groups")


def test_names_that_some_servers_read_as_another_name_are_dropped(front: Section) -> None:
    assert ("option", "http-restrict-req-hdr-names", "delete") in front.lines


def test_the_token_is_read_before_it_is_removed(front: Section) -> None:
    read = min(number for number, line in enumerate(front.lines) if "set-var(txn.token)" in line)
    assert read < front.position("http-request", "del-header", "Jitgress-Authorization")


def test_a_request_with_our_cookie_or_an_upgrade_never_takes_the_short_way(front: Section) -> None:
    (rule,) = front.rules("http-request", "allow")
    assert " ".join(condition_of(rule)) == (
        "if { var(txn.passes) -m bool } !{ req.fhdr(cookie) -m sub __Host-jitgress } !{ req.fhdr(upgrade) -m found }"
    )


def test_only_a_websocket_keeps_its_wish_for_another_protocol(front: Section) -> None:
    removed = front.position("http-request", "del-header", "Upgrade")
    assert " ".join(condition_of(front.lines[removed])) == "unless { req.fhdr(upgrade) -m str -i websocket }"
    assert ("option", "disable-h2-upgrade") in front.lines


HEADERS = {
    "__Host-jitgress=t": "",
    "__Host-jitgress=t; a=b": "a=b",
    "a=b; __Host-jitgress=t": "a=b",
    "a=b; __Host-jitgress=t; c=d": "a=b; c=d",
    "a=b;__Host-jitgress = t;c=d": "a=b;c=d",
    "; __Host-jitgress=t": "",
    "a=__Host-jitgress; b=c": None,
    "__Host-jitgress=t; __Host-jitgress=u; __Host-jitgress=v": None,
}


@pytest.mark.parametrize("header", HEADERS)
def test_our_cookie_goes_and_the_others_stay(front: Section, header: str) -> None:
    """None: the header goes as a whole."""
    after: str | None = header
    for rule in front.lines:
        if rule[:2] == ("http-request", "replace-header") and after is not None:
            after = replaced(rule, after)
    whole = after if after is None or "__Host-jitgress" not in after else None
    assert whole == HEADERS[header]


def replaced(rule: Line, value: str) -> str:
    """`replace-header`: the whole value is the template where the pattern is found."""
    _, _, name, pattern, template = rule[:5]
    assert name == "Cookie"
    found = re.search(pattern, value)
    return found.expand(template) if found else value
