"""What grants, keys and the time make of the maps and servers: neither more nor less than each grant says."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from jitgress.domain.grant import Grant
from jitgress.gate.keys import GateKey
from jitgress.gate.layout import MAX_GROUPS_BYTES, MapName
from jitgress.gate.programme import Programme, next_end, programme
from tests.unit.gate.builders import NOW, a_grant

KEYS_FOLDER: Final = Path("/gate/keys")
KEY: Final = GateKey("key-1", "PEM 1")
OTHER_KEY: Final = GateKey("key-2", "PEM 2")
AN_HOUR: Final = timedelta(hours=1)
MILLISECOND: Final = timedelta(milliseconds=1)


def programme_of(*grants: Grant, keys: tuple[GateKey, ...] = (KEY,)) -> Programme:
    return programme(grants, keys, KEYS_FOLDER, NOW)


def entry_of(grant: Grant) -> list[str]:
    """The parts of its entry: times, key file, user, groups."""
    (entry,) = programme_of(grant).entries[MapName.GRANTS].values()
    return entry.split("|")


def test_without_grants_nothing_is_permitted() -> None:
    found = programme_of()
    assert found.servers == {}
    assert found.entries == {name: {} for name in MapName}


def test_without_keys_nobody_gets_in() -> None:
    found = programme_of(a_grant(), keys=())
    assert found.entries[MapName.GRANTS] == {}


def test_a_grant_has_an_entry_for_every_key() -> None:
    found = programme_of(a_grant(), keys=(KEY, OTHER_KEY)).entries[MapName.GRANTS]
    files = {entry.split("|")[1] for entry in found.values()}
    assert files == {str(KEYS_FOLDER / key.file_name) for key in (KEY, OTHER_KEY)}
    assert len(found) == 2


def test_a_scope_is_every_method_on_every_prefix_with_its_boundary() -> None:
    grant = a_grant(paths=["/api", "/b/c"], methods=["GET", "PUT"])
    wanted = {f"{method}:{grant.id}:{prefix}/" for method in ("GET", "PUT") for prefix in ("/api", "/b/c")}
    assert set(programme_of(grant).entries[MapName.SCOPES]) == wanted


def test_the_root_is_one_slash() -> None:
    grant = a_grant(paths=["/"], methods=["GET"])
    assert set(programme_of(grant).entries[MapName.SCOPES]) == {f"GET:{grant.id}:/"}


def test_grants_on_one_host_share_nothing_but_the_host() -> None:
    one, two = a_grant(1, paths=["/one"]), a_grant(2, paths=["/two"])
    both, alone = programme_of(one, two), [programme_of(one), programme_of(two)]
    for name in MapName:
        assert both.entries[name] == {**alone[0].entries[name], **alone[1].entries[name]}
        shared = set(alone[0].entries[name]) & set(alone[1].entries[name])
        assert shared == ({one.host} if name is MapName.HOSTS else set())
    assert both.servers == {**alone[0].servers, **alone[1].servers}


def test_no_entry_is_in_the_map_of_the_lease() -> None:
    """A programme that wrote there could lengthen a lease."""
    assert programme_of(a_grant(1), a_grant(2)).entries[MapName.STATE] == {}


@pytest.mark.parametrize(
    ("not_before", "has_server"),
    [
        (NOW - AN_HOUR, False),
        (NOW - AN_HOUR + MILLISECOND, True),
        (NOW - MILLISECOND, True),
        (NOW, True),
        (NOW + AN_HOUR, True),
    ],
)
def test_a_grant_has_a_server_until_its_end_which_is_outside(not_before: datetime, *, has_server: bool) -> None:
    grant = a_grant(not_before=not_before, duration=AN_HOUR)
    assert bool(programme_of(grant).servers) is has_server


def test_a_grant_that_has_ended_is_still_known_so_that_its_subject_is_told() -> None:
    grant = a_grant(not_before=NOW - AN_HOUR, duration=timedelta(minutes=1))
    found = programme_of(grant).entries
    assert all(found[name] for name in MapName if name not in {MapName.STATE, MapName.BOUND})
    bound = a_grant(sources=["192.0.2.0/24"], not_before=NOW - AN_HOUR, duration=timedelta(minutes=1))
    assert programme_of(bound).entries[MapName.BOUND]


def test_the_entry_tells_grant_end_and_beginning_in_milliseconds() -> None:
    grant = a_grant(not_before=NOW, duration=timedelta(minutes=5))
    times, file, *_ = entry_of(grant)
    assert times == f"{grant.id}.1767261900000.1767261600000."
    assert file == str(KEYS_FOLDER / KEY.file_name)


def test_a_grant_is_in_one_of_two_maps_as_it_is_bound_to_networks_or_not() -> None:
    free, bound = a_grant(1), a_grant(2, sources=["192.0.2.0/24"])
    found = programme_of(free, bound, keys=(KEY, OTHER_KEY)).entries
    ids = {name: {entry.partition(".")[0] for entry in found[name].values()} for name in MapName}
    assert (ids[MapName.GRANTS], ids[MapName.BOUND]) == ({free.id}, {bound.id})
    assert len(found[MapName.BOUND]) == 2
    assert not set(found[MapName.GRANTS]) & set(found[MapName.BOUND])


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (["192.0.2.0/24"], "c0000200-c00002ff"),
        (["192.0.2.7/32"], "c0000207-c0000207"),
        (["0.0.0.0/0"], "00000000-ffffffff"),
        (["10.0.0.0/8", "192.0.2.0/24"], "0a000000-0affffff,c0000200-c00002ff"),
        (["2001:db8:9::/48"], f"20010db80009{'0' * 20}-20010db80009{'f' * 20}"),
        (["::/0"], f"{'0' * 32}-{'f' * 32}"),
    ],
    ids=str,
)
def test_networks_are_told_by_their_first_and_last_address(sources: list[str], told: str) -> None:
    (entry,) = programme_of(a_grant(sources=sources)).entries[MapName.BOUND].values()
    free, networks = entry.rsplit("|", 1)
    assert networks == told
    assert [free] == list(programme_of(a_grant()).entries[MapName.GRANTS].values())


def test_both_families_whole_are_anywhere() -> None:
    """They bind nobody, so that such a grant's requests cost no more than others."""
    assert programme_of(a_grant(sources=["0.0.0.0/1", "128.0.0.0/1", "::/0"])) == programme_of(a_grant())


def test_the_longest_entry_fits_into_one_command() -> None:
    """HAProxy reads a command into a buffer of 32 kB (`tune.bufsize`)."""
    networks = [f"2001:db8:{number:x}:1::/64" for number in range(128)]
    (entry,) = (
        programme_of(a_grant(username="ü" * 512, groups=["ü" * 2048], sources=networks)).entries[MapName.BOUND].values()
    )
    assert len(entry) < 24 * 1024


@pytest.mark.parametrize("name", ["alice", "zoë", "a|b", "a.b@c", "a b", "%41", "a;b\\c", "${x}", "\u202e", "|||"])
def test_a_name_cannot_be_taken_for_the_entrys_form_and_comes_back(name: str) -> None:
    _, _, user, _ = entry_of(a_grant(username=name))
    assert unquote(user) == name
    assert user.isascii()
    assert not set(user) & set("|; \\\t")


def test_groups_are_told_in_order_and_those_that_could_be_taken_for_two_are_not() -> None:
    *_, groups = entry_of(a_grant(groups=["ops", "dev", "x,platform-admins"]))
    assert unquote(groups) == "dev,ops"


def test_groups_that_do_not_fit_are_left_out_as_a_whole() -> None:
    """A part of them could read as another set of rights; none is none."""
    name = "g" * (MAX_GROUPS_BYTES // 2)
    assert entry_of(a_grant(groups=[name]))[3] == name
    assert not entry_of(a_grant(groups=[f"{name}1", f"{name}2"]))[3]


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[0:0::1]:80", "[::1]:80"),
        ("[2001:DB8::7]:80", "[2001:db8::7]:80"),
        ("[1:0:0:2:0:0:0:3]:80", "[1:0:0:2::3]:80"),
        ("[1:2:3:4:5:6:0:8]:80", "[1:2:3:4:5:6:0:8]:80"),
        ("[::ffff:c000:201]:80", "[::ffff:192.0.2.1]:80"),
        ("[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80"),
        ("[::192.0.2.1]:80", "[::192.0.2.1]:80"),
    ],
)
def test_an_address_has_the_form_in_which_haproxy_tells_it(address: str, normal: str) -> None:
    """As HAProxy 2.8 prints them. Otherwise the gate would find another address at every look, and cut streams."""
    assert list(programme_of(a_grant(address=address)).servers.values()) == [normal]


def test_the_next_end_is_the_nearest_that_is_not_past() -> None:
    ends = [-5, 0, 7, 30]
    grants = [a_grant(n, not_before=NOW - AN_HOUR, duration=AN_HOUR + end * MILLISECOND) for n, end in enumerate(ends)]
    assert next_end(grants, NOW) == NOW + 7 * MILLISECOND


def test_without_an_end_ahead_there_is_none() -> None:
    assert next_end([a_grant(not_before=NOW - AN_HOUR, duration=AN_HOUR)], NOW) is None
