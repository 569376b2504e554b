"""A malformed grant is left out and told of; it never permits more, nor keeps another from being understood."""

from pathlib import Path
from typing import Any

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.gate.grants import MAX_USERNAME_BYTES, normal_address, read_grant, read_grants
from jitgress.gate.keys import GateKey
from jitgress.gate.programme import programme
from tests.unit.gate.builders import NOW, a_grant, an_object, grant_id

ABSENT = object()
KEY = GateKey("key-1", "PEM")
FIELDS = ("request", "target", "policy", "subject", "host", "address", "paths", "methods", "notBefore", "notAfter")
FIELDS_OF_A_CHAIN = ("since", "extensions", "reviewBy")


def named_the_same_everywhere(value: Any) -> str:
    """The workers of a run must find the same tests; an object's address differs in each."""
    return "absent" if value is ABSENT else repr(value)


def damaged(field: str, value: Any) -> dict[str, Any]:
    found = an_object(a_grant(), **{field: value})
    if value is ABSENT:
        del found["spec"][field]
    return found


def named(name: Any, **metadata: Any) -> dict[str, Any]:
    found = an_object(a_grant())
    return found | {"metadata": {**found["metadata"], "name": name, **metadata}}


def test_a_grant_comes_back_as_it_was() -> None:
    grant = a_grant(paths=["/a", "/b"], methods=["GET", "POST"], groups=["dev", "ops"])
    assert read_grants([an_object(grant)]) == ((grant,), ())


def test_networks_come_back_as_they_were() -> None:
    grant = a_grant(sources=["192.0.2.0/24", "2001:db8::/32"])
    assert read_grants([an_object(grant)]) == ((grant,), ())
    assert grant.sources.texts() == ("192.0.2.0/24", "2001:db8::/32")


def test_what_concerns_reviews_and_extensions_changes_nothing_at_the_gate() -> None:
    more = {"since": "2026-01-01T09:00:00.000Z", "extensions": 3, "reviewBy": "2026-01-02T10:00:00.000Z"}
    assert set(more) == set(FIELDS_OF_A_CHAIN)
    found = read_grant(an_object(a_grant(), **more))
    assert programme([found], [KEY], Path("/keys"), NOW) == programme([a_grant()], [KEY], Path("/keys"), NOW)


def test_one_that_is_malformed_costs_nobody_else_anything() -> None:
    good = [a_grant(1), a_grant(3)]
    objects = [an_object(good[0]), an_object(a_grant(2), address="nowhere"), an_object(good[1])]
    grants, unusable = read_grants(objects)
    assert grants == tuple(good)
    assert [each.name for each in unusable] == [grant_id(2)]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [ABSENT, None, "", 0, True, [], {}, [""], {"name": ""}],
    ids=named_the_same_everywhere,
)
def test_a_field_that_says_nothing_makes_it_permit_nothing(field: str, value: Any) -> None:
    grants, unusable = read_grants([damaged(field, value)])
    assert (grants, len(unusable)) == ((), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "*.jit.localhost"),
        ("host", "ORDERS.jit.localhost"),
        ("host", "orders.jit.localhost:80"),
        ("host", "orders.jit.localhost@x"),
        ("paths", ["/", "api"]),
        ("paths", ["/api/*"]),
        ("paths", ["/api/.."]),
        ("paths", ["/%2e"]),
        ("paths", ["/a b"]),
        ("paths", [None]),
        ("paths", "/"),
        ("methods", ["*"]),
        ("methods", ["get"]),
        ("methods", ["CONNECT"]),
        ("methods", ["GET", "BREW"]),
        ("methods", "GET"),
        ("notAfter", "2026-01-01T10:00:00.000Z"),
        ("notAfter", "2026-01-01"),
        ("notAfter", "2026-01-01T10:05:00.000"),
        ("notAfter", "2026-W01-4T10:05:00Z"),
        ("notAfter", "9999-12-31T23:59:59.999Z"),
        ("notBefore", "1969-12-31T23:59:59.999Z"),
        ("notBefore", 1767261600000),
        ("notBefore", "now"),
        ("sourceCIDRs", None),
        ("sourceCIDRs", []),
        ("sourceCIDRs", {}),
        ("sourceCIDRs", ""),
        ("sourceCIDRs", "192.0.2.0/24"),
        ("sourceCIDRs", [""]),
        ("sourceCIDRs", [None]),
        ("sourceCIDRs", ["192.0.2.0/24", None]),
        ("sourceCIDRs", ["192.0.2.0/24", "anywhere"]),
        ("sourceCIDRs", ["192.0.2.7/24"]),
        ("sourceCIDRs", ["192.0.2.7"]),
        ("sourceCIDRs", ["192.0.2.0/33"]),
        ("sourceCIDRs", ["192.0.2.0/255.255.255.0"]),
        ("sourceCIDRs", ["::ffff:192.0.2.0/120"]),
        ("sourceCIDRs", ["2001:db8::/129"]),
        ("sourceCIDRs", ["fe80::%eth0/64"]),
        ("since", "yesterday"),
        ("since", 0),
        ("extensions", "1"),
        ("extensions", -1),
        ("extensions", True),
        ("reviewBy", "tomorrow"),
        ("reviewBy", None),
    ],
)
def test_a_form_that_could_be_read_as_more_makes_it_permit_nothing(field: str, value: Any) -> None:
    grants, unusable = read_grants([damaged(field, value)])
    assert (grants, len(unusable)) == ((), 1)


@pytest.mark.parametrize("place", ["spec", "request", "target", "subject"])
def test_a_field_of_tomorrow_may_be_a_restriction(place: str) -> None:
    found = an_object(a_grant())
    (found["spec"] if place == "spec" else found["spec"][place])["onlyFrom"] = "192.0.2.0/24"
    assert read_grants([found])[0] == ()


@pytest.mark.parametrize("part", ["metadata", "spec"])
@pytest.mark.parametrize("value", [ABSENT, None, [], "text"], ids=named_the_same_everywhere)
def test_an_object_without_its_parts_is_told_of_too(part: str, value: Any) -> None:
    found = {key: each for key, each in an_object(a_grant()).items() if key != part}
    grants, unusable = read_grants([found if value is ABSENT else found | {part: value}])
    assert (grants, len(unusable)) == ((), 1)


@pytest.mark.parametrize("name", ["", "grant-1", "6FFDBC1E-9A16-4D50-9A70-000000000001", f"{grant_id(1)} ", 7, None])
def test_a_name_that_is_no_uid_makes_it_permit_nothing(name: Any) -> None:
    """It ends up in the names of servers, where another form could be taken for another grant's end."""
    assert read_grants([named(name)])[0] == ()


def test_one_that_is_being_deleted_permits_nothing() -> None:
    assert read_grants([named(grant_id(1), deletionTimestamp="2026-01-01T10:00:00Z")])[0] == ()


@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x1f", "\x7f", "\x85", "\x9f", "\ud800"], ids=repr)
@pytest.mark.parametrize("place", ["username", "groups"])
def test_a_name_that_does_not_fit_into_a_header_makes_it_permit_nothing(place: str, character: str) -> None:
    subject = {"username": "alice", "groups": ["dev"]}
    name = f"a{character}b"
    assert read_grants([damaged("subject", subject | {place: name if place == "username" else [name]})])[0] == ()


def test_a_username_is_measured_in_bytes() -> None:
    longest = "é" * (MAX_USERNAME_BYTES // 2)
    assert read_grant(an_object(a_grant(username=longest))).subject.username == longest
    with pytest.raises(InvalidValueError, match="header"):
        read_grant(an_object(a_grant(username=f"{longest}a")))


def test_what_is_told_of_an_object_is_bounded() -> None:
    (told,) = read_grants([named("n" * 10_000)])[1]
    assert len(told.name) <= 80
    (told,) = read_grants([damaged("address", "9" * 10_000)])[1]
    assert len(told.reason) < 500


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:080",
        "127.0.0.1:65536",
        "127.0.0.1:123456",
        "127.0.0.1:-1",
        "127.0.0.1:80 ",
        "127.0.0.1:80\n",
        "127.1:80",
        "0127.0.0.1:80",
        "256.0.0.1:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[fe80::1%eth0]:80",
        "localhost:80",
        "unix@/run/x:80",
        "127.0.0.1:80 send-proxy",
        "127.0.0.1:\u0668\u0660",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidValueError):
        normal_address(address)
