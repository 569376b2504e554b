"""What HAProxy's configuration says, read as HAProxy reads it: bounds, silence, and that refusing is the default."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jitgress.gate.checks import CHECKS, HOST
from jitgress.gate.configuration import render
from jitgress.gate.settings import GateSettings
from tests.unit.gate.builders import ISSUER
from tests.unit.gate.haproxy_configuration import Line, Section, condition_of, parse

FOLDER = Path("/run/jitgress")
BIND = "127.0.0.1:8080"
LONGEST_WINDOW_H = 24  # AccessPolicy.spec.maxDurationSeconds is 86400 at most


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    settings = GateSettings(
        gate_id="g", folder=FOLDER, issuer=ISSUER, bind=BIND, staleness=timedelta(seconds=12), max_connections=321
    )
    return parse(render(settings))


@pytest.fixture(scope="module")
def front(sections: list[Section]) -> Section:
    return only(sections, "frontend")


@pytest.fixture(scope="module")
def refuse(sections: list[Section]) -> Section:
    return only(sections, "backend", "refuse")


def only(sections: list[Section], kind: str, name: str | None = None) -> Section:
    (found,) = (each for each in sections if each.kind == kind and name in {None, each.name})
    return found


def every_line(sections: list[Section]) -> Iterator[Line]:
    for section in sections:
        yield from section.lines


# Listeners and bounds


def test_it_listens_where_it_was_told_and_nowhere_else(sections: list[Section]) -> None:
    assert [line for line in every_line(sections) if line[0] == "bind"] == [("bind", BIND)]
    assert not [section.kind for section in sections if section.kind in {"listen", "peers", "resolvers", "program"}]


def test_the_one_way_to_command_it_is_a_socket_for_its_owner(sections: list[Section]) -> None:
    told = [line for line in every_line(sections) if line[0] == "stats" and line[1] != "timeout"]
    assert told == [("stats", "socket", str(FOLDER / "haproxy.sock"), "mode", "600", "level", "admin")]


def test_connections_are_bounded(sections: list[Section]) -> None:
    assert only(sections, "global").rules("maxconn") == [("maxconn", "321")]


@pytest.mark.parametrize("name", ["connect", "client", "server", "http-request", "http-keep-alive", "tunnel"])
def test_every_wait_has_an_end(sections: list[Section], name: str) -> None:
    defaults = only(sections, "defaults")
    assert len(defaults.rules("timeout", name)) == 1
    assert not [line for line in every_line(sections) if line[:2] == ("timeout", name) and line not in defaults.lines]


@pytest.mark.parametrize("name", ["connect", "http-request", "http-keep-alive", "client-fin", "server-fin"])
def test_who_sends_nothing_is_not_waited_for_longer_than_a_minute(sections: list[Section], name: str) -> None:
    ((_, _, duration),) = only(sections, "defaults").rules("timeout", name)
    assert duration.endswith("s")
    assert 0 < int(duration.removesuffix("s")) <= 60


@pytest.mark.parametrize("name", ["client", "server", "tunnel"])
def test_no_idle_timer_cuts_a_stream_before_its_grant_can_end(sections: list[Section], name: str) -> None:
    ((_, _, duration),) = only(sections, "defaults").rules("timeout", name)
    assert int(duration.removesuffix("h")) > LONGEST_WINDOW_H


def test_what_it_remembers_is_bounded_in_number_and_time(sections: list[Section]) -> None:
    tables = [line for line in every_line(sections) if line[0] == "stick-table"]
    assert len(tables) == 1
    assert {"size", "expire"} < set(tables[0])


def test_no_request_is_sent_twice(sections: list[Section]) -> None:
    """A request that was sent again could reach its target after the end, or change something twice."""
    defaults = only(sections, "defaults")
    assert defaults.rules("retries") == [("retries", "0")]
    assert ("no", "option", "redispatch") in defaults.lines
    assert not [line for line in every_line(sections) if line[0] == "retry-on"]


# Silence

TELLING = {"log", "log-format", "log-format-sd", "error-log-format", "log-tag", "capture", "unique-id-header", "filter"}
TELLING_OPTIONS = {"httplog", "tcplog", "httpslog", "http-ignore-probes", "log-separate-errors", "logasap"}
TELLING_ACTIONS = {"capture", "set-log-level", "do-log", "send-spoe-group"}


def test_nothing_of_a_request_is_logged_or_sent_elsewhere(sections: list[Section]) -> None:
    for line in every_line(sections):
        assert line[0] not in TELLING
        assert not (line[0] == "option" and line[1] in TELLING_OPTIONS)
        assert not (line[0] in {"http-request", "http-response"} and line[1] in TELLING_ACTIONS)
        assert "debug" not in " ".join(line)


# Refusing is the default


def test_whatever_no_rule_lets_pass_is_refused(front: Section, sections: list[Section]) -> None:
    assert front.rules("default_backend") == [("default_backend", "refuse")]
    assert not only(sections, "defaults").rules("default_backend")


def test_only_a_request_that_passed_gets_to_a_target(front: Section) -> None:
    ((_, backend, *condition),) = front.rules("use_backend")
    assert backend.startswith("targets_")
    assert condition == ["if", "{", "var(txn.passes)", "-m", "bool", "}"]


def checks_asked() -> list[str]:
    """Every check whose condition no other one has in it."""
    return [check.name for check in CHECKS if not check.is_implied]


def test_a_request_passes_only_if_every_check_holds_or_its_token_was_just_verified(front: Section) -> None:
    passing = [line for line in front.lines if "set-var(txn.passes)" in line]
    assert [condition_of(line) for line in passing] == [
        ("if", *checks_asked()),
        ("if", "{", "sc0_tracked", "}"),
    ]


def test_a_new_token_is_looked_at_only_if_every_other_check_holds(front: Section) -> None:
    (rule,) = [line for line in front.lines if "set-var(txn.key_file)" in line]
    others = [name for name in checks_asked() if name != "token_is_verified"]
    assert condition_of(rule) == ("if", "!{", "var(txn.passes)", "-m", "found", "}", *others)


CLAIMS = {"alg", "typ", "iss", "aud", "grant", "sub", "nbf", "exp"}


def test_a_new_token_is_good_only_with_every_claim_and_its_signature(front: Section) -> None:
    (rule,) = front.rules("http-request", "track-sc0")
    condition = condition_of(rule)
    assert condition[:6] == ("if", "{", "var(txn.key_file)", "-m", "found", "}")
    asked = [" ".join(front.acls()[name][0]) for name in condition[6:]]
    assert set(re.findall(r"\$\.(\w+)", " ".join(asked))) == CLAIMS
    assert [text for text in asked if "jwt_verify" in text] == [
        "var(txn.token),jwt_verify(ES256,txn.key_file) -m int 1"
    ]


def test_no_condition_of_letting_pass_has_an_alternative(front: Section) -> None:
    for line in front.lines:
        assert not {"or", "||"} & set(line)


@pytest.mark.parametrize("where", ["front", "refuse"])
def test_no_check_is_defined_twice(where: str, request: pytest.FixtureRequest) -> None:
    """Of two definitions under one name HAProxy lets either do."""
    section: Section = request.getfixturevalue(where)
    assert [name for name, conditions in section.acls().items() if len(conditions) != 1] == []


def test_no_check_is_named_like_one_that_haproxy_has_by_itself(front: Section) -> None:
    own = {"FALSE", "HTTP", "HTTP_1.0", "HTTP_1.1", "HTTP_CONTENT", "HTTP_URL_ABS", "LOCALHOST", "METH_GET", "TRUE"}
    assert not own & {name.upper() for name in front.acls()}


def test_letting_pass_and_refusing_go_by_the_same_checks(front: Section, refuse: Section) -> None:
    mine, theirs = front.acls(), refuse.acls()
    assert set(theirs) == {check.name for check in CHECKS}
    assert {name: mine[name] for name in theirs} == theirs


def test_refusing_reaches_no_target_and_leaves_nobody_without_an_answer(refuse: Section) -> None:
    assert not [line for line in refuse.lines if line[0] in {"server", "use-server", "dispatch", "server-template"}]
    answers = refuse.rules("http-request", "return")
    assert [condition_of(line) for line in answers] == [
        *(("unless", check.name) for check in CHECKS),
        (),
    ]
    assert refuse.lines[-1] == answers[-1]
    assert {int(line[line.index("status") + 1]) for line in answers} <= {400, 401, 403, 404, 503}


def test_a_gate_begins_without_a_single_target(sections: list[Section]) -> None:
    targets = {section.name: section.lines for section in sections if section.name.startswith("targets_")}
    assert set(targets) == {f"targets_{number:02x}" for number in range(0x100)}
    for lines in targets.values():
        assert [line[0] for line in lines] == ["balance", "use-server"]


def test_nothing_passes_before_the_identity_of_its_sender_is_replaced(front: Section) -> None:
    allow = front.position("http-request", "allow")
    assert condition_of(front.lines[allow])[:5] == ("if", "{", "var(txn.passes)", "-m", "bool")
    assert front.position("http-request", "set-header", "X-Forwarded-User") < allow


def test_checks_and_streams_go_by_the_same_staleness(sections: list[Section], front: Section) -> None:
    (lua,) = only(sections, "global").rules("lua-load", str(FOLDER / "watch.lua"))
    assert lua[-1] == "12000"
    assert front.acls()["lease_is_fresh"][0][-1] == "1:12000"


# Where requests come from


def entry_rules(front: Section) -> list[str]:
    return [" ".join(line) for line in front.lines if "set-var(txn.entry)" in line or "lua.judge_source" in line]


def test_an_entry_that_is_bound_to_networks_counts_only_as_the_judge_of_sources_says(front: Section) -> None:
    """Without an entry nothing passes; no rule but these sets one, and the first asks the map of those that aren't."""
    assert entry_rules(front) == [
        f"http-request set-var(txn.entry) {HOST},concat(@,txn.token),map_beg({FOLDER}/grants.map)",
        "http-request lua.judge_source if { var(txn.bound) -m found }",
    ]
    assert front.acls()["token_begins_as_ours"] == [("var(txn.entry)", "-m", "found")]
    assert "token_begins_as_ours" in checks_asked()


def test_where_a_request_comes_from_is_judged_before_anything_is_taken_away_or_let_pass(front: Section) -> None:
    judged = front.position("http-request", "lua.judge_source")
    assert judged < front.position("http-request", "set-var(txn.grant)")
    assert judged < min(number for number, line in enumerate(front.lines) if line[1] in {"del-header", "set-header"})
    assert judged < min(number for number, line in enumerate(front.lines) if "set-var(txn.passes)" in line)


def test_only_a_request_without_an_entry_is_looked_up_among_bound_ones(front: Section) -> None:
    (rule,) = [line for line in front.lines if "set-var(txn.bound)" in line]
    assert condition_of(rule) == ("if", "!{", "var(txn.entry)", "-m", "found", "}")
    assert f"map_beg({FOLDER}/bound.map)" in rule[2]


@pytest.mark.parametrize(
    ("proxies", "told"),
    [((), ()), (("127.0.0.0/8", "2001:db8::/127"), (f"7f000000-7fffffff,20010db8{'0' * 24}-20010db8{'0' * 23}1",))],
    ids=["none", "two"],
)
def test_nobodys_word_counts_but_that_of_the_proxies_in_the_settings(
    proxies: tuple[str, ...], told: tuple[str, ...]
) -> None:
    settings = GateSettings(gate_id="g", folder=FOLDER, issuer=ISSUER, trusted_proxies=proxies)
    (lua,) = only(parse(render(settings)), "global").rules("lua-load", f"{FOLDER}/sources.lua")
    assert lua[2:] == told
