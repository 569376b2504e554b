"""What HAProxy prints of itself. The samples are HAProxy 2.8's; whatever has another form is an error, not nothing."""

from pathlib import Path

import pytest

from jitgress.gate.errors import UnexpectedAnswerError
from jitgress.gate.layout import MapName
from jitgress.gate.observe import Observed, ServerState, questions, understand

HEAD = (
    "1\n"
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port\n"
)
GRANT = "6ffdbc1e-9a16-4d50-9a70-000000000001"
SERVER = f"{GRANT}.1767261900000"


def server_line(
    *, backend: str = "targets_6f", name: str = SERVER, ip: str = "127.0.0.1", port: int = 9001, admin_state: int = 0
) -> str:
    return f"7 {backend} 1 {name} {ip} 2 {admin_state} 0 1 12 1 0 2 0 0 0 0 - {port} - 0 0 - - 0\n"


def answers(maps: dict[MapName, str] | None = None, servers: str = HEAD) -> list[str]:
    return [*((maps or {}).get(name, "") for name in MapName), servers]


def servers_of(*lines: str) -> dict[str, ServerState]:
    found = understand(answers(servers=HEAD + "".join(lines)))
    return {str(server): state for server, state in found.servers.items()}


def test_every_map_and_the_servers_are_asked_for_in_the_order_in_which_they_are_understood() -> None:
    asked = questions(Path("/gate"))
    assert asked == (*(f"show map /gate/{name.value}.map" for name in MapName), "show servers state")


def test_a_new_haproxy_has_nothing() -> None:
    assert understand(answers()) == Observed({name: {} for name in MapName}, {})


def test_entries_are_told_by_map() -> None:
    found = understand(answers({MapName.HOSTS: "0x55d0 orders.example.test 1\n0x55d1 b.example.test 1\n"}))
    assert found.entries[MapName.HOSTS] == {"orders.example.test": "1", "b.example.test": "1"}
    assert {name for name in MapName if found.entries[name]} == {MapName.HOSTS}


def test_a_value_may_have_blanks() -> None:
    assert understand(answers({MapName.PARTS: "0x1 key a value with blanks"})).entries[MapName.PARTS] == {
        "key": "a value with blanks"
    }


def test_a_key_that_is_there_twice_is_equal_to_nothing_that_could_be_wanted() -> None:
    entries = understand(answers({MapName.SCOPES: "0x1 key 1\n0x2 key 1"})).entries[MapName.SCOPES]
    assert set(entries) == {"key"}
    assert not entries["key"].isprintable()


def test_the_lease_is_no_part_of_the_programme_but_whatever_else_is_in_its_map_is() -> None:
    found = understand(answers({MapName.STATE: "0x1 lease_until 1767261900000\n0x2 stranger 1"}))
    assert found.entries[MapName.STATE] == {"stranger": "1"}


@pytest.mark.parametrize(
    "answer",
    [
        "Unknown map identifier. Please use #<id> or <file>.",
        "Permission denied",
        "Unknown command: 'show map', but maybe one of the following ones is a better match:",
        "0x1 key",
        "0x1",
        "key value more",
        "0x1 key 1\n<html>",
    ],
)
@pytest.mark.parametrize("name", list(MapName))
def test_a_map_that_cannot_be_read_is_an_error(name: MapName, answer: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        understand(answers({name: answer}))


def test_a_server_is_open_only_if_no_reason_to_be_closed_is_told() -> None:
    """srv_admin_state is a mask of reasons: 0x01 forced maintenance, 0x08 forced drain, 0x20 by its name's address."""
    states = {state: servers_of(server_line(admin_state=state)) for state in (0, 1, 4, 8, 16, 32, 33)}
    assert [state for state, found in states.items() if found[f"targets_6f/{SERVER}"].is_open] == [0]


def test_an_address_of_ipv6_has_brackets() -> None:
    assert servers_of(server_line(ip="::1", port=80))[f"targets_6f/{SERVER}"] == ServerState("[::1]:80", is_open=True)


def test_servers_of_other_back_ends_are_not_the_gates() -> None:
    assert servers_of(server_line(backend="targets_zz"), server_line(backend="tokens")) == {}


def test_a_server_of_ours_that_nobody_made_is_seen() -> None:
    """What is not seen could never be closed."""
    assert set(servers_of(server_line(name="stranger"))) == {"targets_6f/stranger"}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Permission denied",
        "Unknown command: 'show servers state'",
        "Can't find backend.",
        "1",
        "2\n# be_id be_name another_column",
        server_line(),
        HEAD + "7 targets_6f 1 " + SERVER,
        HEAD + "nonsense",
    ],
)
def test_servers_that_cannot_be_read_are_an_error(answer: str) -> None:
    """Taken for none, they would stay open after their grant is gone."""
    with pytest.raises(UnexpectedAnswerError):
        understand(answers(servers=answer))


def test_columns_that_a_later_haproxy_put_elsewhere_are_an_error() -> None:
    moved = HEAD.replace("srv_addr srv_op_state srv_admin_state", "srv_op_state srv_admin_state srv_addr")
    with pytest.raises(UnexpectedAnswerError):
        understand(answers(servers=moved + server_line()))


@pytest.mark.parametrize("number", [0, 1, 6, 8])
def test_too_few_or_too_many_answers_are_an_error(number: int) -> None:
    given = [*answers(), ""][:number]
    with pytest.raises((UnexpectedAnswerError, ValueError)):
        understand(given)
