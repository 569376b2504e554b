"""Networks that a request may come from: examples, and properties against plain sets of addresses."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import combinations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.sources import ANYWHERE, Network, Sources, parse_address, parse_network

UNIVERSE: Final = (
    *(f"10.0.0.{last}" for last in range(16)),
    *(f"2001:db8::{last:x}" for last in range(16)),
)
"""The addresses of two small worlds."""


def networks_of(first: str, bits: int) -> st.SearchStrategy[str]:
    """Return all networks that begin in the sixteen addresses of a world, as texts."""

    def a_network(last: int, length: int) -> str:
        return f"{first}{last >> (4 - length) << (4 - length):{'x' if ':' in first else 'd'}}/{bits - 4 + length}"

    return st.builds(a_network, st.integers(0, 15), st.integers(0, 4))


TEXTS: Final = st.lists(
    st.one_of(networks_of("10.0.0.", 32), networks_of("2001:db8::", 128)), min_size=1, max_size=6
)  # fmt: skip


def addresses(texts: list[str]) -> frozenset[str]:
    """Return which addresses of both worlds are in any of the networks: by what follows the last dot or colon."""
    found = set[str]()
    for text in texts:
        first, _, length = text.partition("/")
        head, base = (first[:10], 16) if ":" in first else (first[:7], 10)
        size = 2 ** ((128 if ":" in first else 32) - int(length))
        begin = int(first[len(head) :] or "0", base)
        found |= {f"{head}{last:{'x' if base == 16 else 'd'}}" for last in range(begin, begin + size)}
    return frozenset(found)


@given(texts=TEXTS)
def test_sources_permit_the_addresses_of_their_networks_and_no_other(texts: list[str]) -> None:
    sources = Sources.of(texts)

    assert {address for address in UNIVERSE if sources.permits(address)} == addresses(texts)


@given(one=TEXTS, other=TEXTS)
def test_what_two_share_is_what_both_permit(one: list[str], other: list[str]) -> None:
    shared = addresses(one) & addresses(other)

    met = Sources.of(one).meet(Sources.of(other))

    assert (addresses(list(met.texts())) if met else frozenset()) == shared
    assert met == Sources.of(other).meet(Sources.of(one))


@given(one=TEXTS, other=TEXTS)
def test_sources_are_within_others_that_permit_all_of_them(one: list[str], other: list[str]) -> None:
    inner, outer = Sources.of(one), Sources.of(other)

    assert inner.within(outer) is (addresses(one) <= addresses(other))
    assert (addresses([str(network) for network in inner.outside(outer)]) == frozenset()) is inner.within(outer)


@given(one=TEXTS, other=TEXTS)
def test_sources_are_equal_where_they_permit_the_same(one: list[str], other: list[str]) -> None:
    assert (Sources.of(one) == Sources.of(other)) is (addresses(one) == addresses(other))


@given(texts=TEXTS)
def test_the_texts_say_the_same_in_order_and_each_address_once(texts: list[str]) -> None:
    told = Sources.of(texts).texts()

    begins = [min(UNIVERSE.index(address) for address in addresses([text])) for text in told]

    assert addresses(list(told)) == addresses(texts)
    assert sum(len(addresses([text])) for text in told) == len(addresses(texts))
    assert begins == sorted(begins)


@given(texts=TEXTS)
def test_no_two_of_the_texts_could_be_one(texts: list[str]) -> None:
    single = {addresses([network]) for network in every_network()}

    pairs = combinations(Sources.of(texts).texts(), 2)

    assert not [pair for pair in pairs if addresses(list(pair)) in single]


def every_network() -> list[str]:
    """Return all networks of both worlds."""
    return [
        f"{head}{last:{kind}}/{bits - free}"
        for head, kind, bits in (("10.0.0.", "d", 32), ("2001:db8::", "x", 128))
        for free in range(5)
        for last in range(0, 16, 2**free)
    ]


ALMOST_NETWORKS: Final = st.from_regex(r"[0-9a-f:.]{1,12}(/[0-9]{1,3})?", fullmatch=True)


@given(text=st.one_of(st.text(max_size=20), ALMOST_NETWORKS))
def test_whatever_is_written_is_read_or_refused_with_a_remedy(text: str) -> None:
    refused, network = None, None
    try:
        network = parse_network(text)
    except InvalidValueError as error:
        refused = error

    assert network is None or parse_network(str(network)) == network
    assert refused is None or refused.remedy.startswith("Write ")


@given(text=st.one_of(st.text(max_size=20), ALMOST_NETWORKS, st.ip_addresses().map(str)))
def test_anywhere_permits_what_is_an_address_and_nothing_else(text: str) -> None:
    assert ANYWHERE.permits(text) is (parse_address(text) is not None)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.7/32", "192.0.2.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:DB8:0:0::/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1/128"),
        ("64:ff9b::192.0.2.0/120", "64:ff9b::c000:200/120"),
        ("::fffe:0:0/95", "::fffe:0:0/95"),
    ],
)
def test_a_network_is_told_in_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_network(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1",
        "2001:db8::1",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0.255.255.255",
        "10.0.0/24",
        "010.0.0.0/8",
        "10.0.0.256/32",
        "10.0.0.0/8/8",
        "/8",
        " 10.0.0.0/8",
        "10.0.0.0/8\n",
        "2001:db8::/129",
        "2001:db8:::/32",
        "fe80::%eth0/64",
        "fe80::%25eth0/64",
        "\u0661\u0660.0.0.0/8",
        "10.0.0.0/\u0668",
        "*",
        "any",
    ],
    ids=ascii,
)
def test_what_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_network(text)
    assert caught.value.message == f"{text!r} is not a network"
    assert caught.value.remedy == (
        "Write its first address and its length, such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32."
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [("10.0.0.1/8", "10.0.0.0/8"), ("0.0.0.1/0", "0.0.0.0/0"), ("2001:db8::1/32", "2001:db8::/32")],
)
def test_a_network_with_bits_of_a_host_is_refused(text: str, meant: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_network(text)
    assert caught.value.message == f"{text!r} has bits set after its length"
    assert caught.value.remedy == f"Write {meant}."


@pytest.mark.parametrize(
    ("text", "told", "meant"),
    [
        ("::ffff:0:0/96", "::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:10.0.0.0/104", "::ffff:a00:0/104", "10.0.0.0/8"),
        ("::ffff:c000:207/128", "::ffff:c000:207/128", "192.0.2.7/32"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [parse_network, lambda text: Sources((IPv6Network(text),))],
    ids=["as text", "made by hand"],
)
def test_a_network_of_mapped_addresses_is_refused(
    make: Callable[[str], object], text: str, told: str, meant: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make(text)
    assert caught.value.message.removesuffix(" is a network of IPv4 written as IPv6") in {told, text}
    assert caught.value.remedy == f"Write {meant}."


@pytest.mark.parametrize("parse", [parse_network, lambda text: Sources.of([text])], ids=["a network", "sources"])
def test_a_refused_text_is_told_short(parse: Callable[[str], object]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse("1" * 1000)
    assert caught.value.message == f"'{'1' * 80}' is not a network"


def test_a_long_text_with_bits_of_a_host_is_told_whole() -> None:
    text = "2001:0db8:0000:0000:0000:0000:255.255.255.255/32"

    with pytest.raises(InvalidValueError) as caught:
        parse_network(text)
    assert caught.value.message == f"'{text}' has bits set after its length"


def test_sources_without_a_network_cannot_be_made() -> None:
    with pytest.raises(InvalidValueError, match=r"^the sources name no network$") as caught:
        Sources.of([])
    assert caught.value.remedy == "Name at least one, or leave them out."


def test_a_mapped_address_is_the_ipv4_address_that_it_stands_for() -> None:
    sources = Sources.of(["10.0.0.0/8"])

    assert sources.permits("::ffff:10.1.2.3")
    assert sources.permits("::FFFF:a01:203")
    assert not sources.permits("::ffff:11.1.2.3")
    assert not sources.permits("::10.1.2.3")
    assert not Sources.of(["::/0"]).permits("::ffff:10.1.2.3")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "10.0.0",
        "10.0.0.1/32",
        "10.0.0.01",
        "10.0.0.1:80",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "::ffff:10.0.0.1%1",
        " 10.0.0.1",
        "10.0.0.1\n",
        "10.0.0.1, 10.0.0.2",
        "0x0a000001",
        "167772161",
        "localhost",
        "\u0661\u0660.0.0.1",
        "1" * 100_000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_an_address_that_cannot_be_read_is_nowhere_inside(address: str) -> None:
    assert not ANYWHERE.permits(address)
    assert parse_address(address) is None


@pytest.mark.parametrize("address", ["0.0.0.1", "255.255.255.255", "::", "::1", "ffff::", "::ffff:1.2.3.4"])
def test_anywhere_permits_each_address(address: str) -> None:
    assert ANYWHERE.permits(address)


def test_anywhere_is_the_outermost() -> None:
    sources = Sources.of(["10.0.0.0/8", "2001:db8::/32"])

    assert sources.within(ANYWHERE)
    assert not ANYWHERE.within(sources)
    assert ANYWHERE.meet(sources) == sources.meet(ANYWHERE) == sources
    assert ANYWHERE.texts() == ("0.0.0.0/0", "::/0")


def test_the_networks_of_both_kinds_share_nothing() -> None:
    four, six = Sources.of(["0.0.0.0/0"]), Sources.of(["::/0"])

    assert four.meet(six) is six.meet(four) is None
    assert not four.within(six)
    assert not six.within(four)


def test_what_is_outside_is_named() -> None:
    sources = Sources.of(["10.0.0.0/24", "192.0.2.0/24", "2001:db8::/32"])

    assert sources.outside(Sources.of(["10.0.0.0/8"])) == (IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8::/32"))


def test_sources_are_told_in_order_of_their_addresses_ipv4_first() -> None:
    sources = Sources.of(["2001:db8::/32", "192.0.2.0/24", "9.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16"])

    assert str(sources) == "9.0.0.0/8, 10.0.0.0/8, 192.0.2.0/24, 2001:db8::/32"
    assert hash(sources) == hash(Sources.of(sources.texts()))


def test_sources_made_by_hand_are_the_fewest_too() -> None:
    networks: tuple[Network, ...] = (IPv4Network("10.0.0.1/32"), IPv4Network("10.0.0.0/32"))

    assert Sources(networks).networks == (IPv4Network("10.0.0.0/31"),)


def test_an_address_is_read_as_it_is_written() -> None:
    assert parse_address("2001:DB8::1") == ip_address("2001:db8::1")
    assert parse_address("::ffff:1.2.3.4") == ip_address("1.2.3.4")
