"""What a client said about itself is gone before anything passes, whatever else the request has in it."""

import re
from pathlib import Path

import pytest

from jitgress.gate.configuration import render
from jitgress.gate.identity_headers import TAKEN_AWAY
from jitgress.gate.settings import GateSettings
from tests.unit.gate.builders import ISSUER
from tests.unit.gate.haproxy_configuration import Line, Section, condition_of, parse


@pytest.fixture(scope="module")
def front() -> Section:
    settings = GateSettings(gate_id="g", folder=Path("/run/jitgress"), issuer=ISSUER)
    (found,) = (section for section in parse(render(settings)) if section.kind == "frontend")
    return found


def always_removed(front: Section) -> list[re.Pattern[str]]:
    """What matches the names of headers, in lower case as HAProxy has them, that go before any request may pass."""
    rules = front.lines[: front.position("http-request", "allow")]
    removing = [line for line in rules if line[:2] == ("http-request", "del-header") and not condition_of(line)]
    return [
        re.compile(line[2] if line[3:] == ("-m", "reg") else re.escape(line[2].lower()) + r"\Z") for line in removing
    ]


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
        "X-WebAuth-User",
        "X-authentik-username",
        "X-Goog-Authenticated-User-Email",
        "Cf-Access-Authenticated-User-Email",
        "X-Amzn-Oidc-Identity",
        "X-Vouch-User",
        "X-Pomerium-Claim-Email",
        "Tailscale-User-Login",
        "Impersonate-User",
        "X-Forwarded-Access-Token",
        "X-Forwarded-Client-Cert",
        "Ssl-Client-Verify",
        "X-User",
        "X-Email",
        "X-Original-Uri",
        "X-Override-Url",
        "X-Original-Method",
        "Connection",
    ],
)
def test_it_never_reaches_the_target(front: Section, name: str) -> None:
    assert [pattern for pattern in always_removed(front) if pattern.match(name.lower())]


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",  # of the target's own, if it has a sign-in
        "Cookie",
        "Host",
        "X-User-Agent",
        "X-Emailed",
        "X-Requested-With",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "My-Remote-User",
    ],
)
def test_what_says_nothing_of_who_somebody_is_stays(front: Section, name: str) -> None:
    assert not [pattern for pattern in always_removed(front) if pattern.match(name.lower())]


def test_the_user_is_the_grants_whatever_the_client_said(front: Section) -> None:
    """`set-header` replaces; `add-header` would leave the client's beside it."""
    (rule,) = front.rules("http-request", "set-header", "X-Forwarded-User")
    assert condition_of(rule) == ()
    assert "var(txn.entry)" in rule[3]


def test_groups_are_the_grants_alone(front: Section) -> None:
    removed = front.position("http-request", "del-header", TAKEN_AWAY)
    assert removed < front.position("http-request", "add-header", "X-Forwarded-Groups")


def test_names_that_some_servers_read_as_another_name_are_dropped(front: Section) -> None:
    assert ("option", "http-restrict-req-hdr-names", "delete") in front.lines


def test_the_token_is_read_before_it_is_removed(front: Section) -> None:
    read = min(number for number, line in enumerate(front.lines) if "set-var(txn.token)" in line)
    assert read < front.position("http-request", "del-header", TAKEN_AWAY)


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
