"""Where a request may come from: networks as values. Invariant 1: an address that can't be read is nowhere inside.

An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is read as the IPv4 address that it stands for, and as nothing else: so
it is inside no IPv6 network, not even in `::/0`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Final, Self

from jitgress.domain.errors import InvalidValueError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NETWORK: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}/(0|[1-9][0-9]{0,2})")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2


def parse_network(text: str) -> Network:
    """Return `text` as a network, or raise `InvalidValueError`: address, slash and prefix length, no bits of a host."""
    network = _read(text)
    if network is None:
        raise InvalidValueError(
            f"{text[:80]!r} is not a network",
            remedy="Write its first address and its length, such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32.",
        )
    if str(network.network_address) != _canonical_address(text):
        raise InvalidValueError(f"{text[:80]!r} has bits set after its length", remedy=f"Write {network}.")
    return _not_mapped(network)


def parse_address(text: str) -> Address | None:
    """Return `text` as an address, an IPv4-mapped one as IPv4, or None: malformed, or with a zone (RFC 4007, 11)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id is not None else address.ipv4_mapped or address


@dataclass(frozen=True, slots=True)
class Sources:
    """Networks, the fewest that say it, in order: two that permit the same are equal.

    An empty one cannot be made: it would permit nothing and look like everything. Everything is `ANYWHERE`.
    """

    networks: tuple[Network, ...]

    def __post_init__(self) -> None:
        if not self.networks:
            raise InvalidValueError("the sources name no network", remedy="Name at least one, or leave them out.")
        object.__setattr__(self, "networks", _fewest(_not_mapped(network) for network in self.networks))

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Return the sources that `texts` name, or raise `InvalidValueError`."""
        return cls(tuple(parse_network(text) for text in texts))

    def permits(self, address: str) -> bool:
        """Tell whether a request from `address` is inside."""
        read = parse_address(address)
        return read is not None and any(read in network for network in self.networks)

    def within(self, outer: Self) -> bool:
        """Tell whether everything that these permit is permitted by `outer`, too."""
        return not self.outside(outer)

    def outside(self, outer: Self) -> tuple[Network, ...]:
        """Return the networks that `outer` does not cover. As `outer` is the fewest, one of its networks covers all."""
        return tuple(mine for mine in self.networks if not any(_covers(theirs, mine) for theirs in outer.networks))

    def meet(self, other: Self) -> Self | None:
        """Return what both permit. None is "nothing is shared", and never "anywhere"."""
        mine = [one for one in self.networks if any(_covers(theirs, one) for theirs in other.networks)]
        theirs = [one for one in other.networks if any(_covers(outer, one) for outer in self.networks)]
        return type(self)((*mine, *theirs)) if mine or theirs else None

    def texts(self) -> tuple[str, ...]:
        """Return the networks as RFC 5952 and RFC 4632 write them, IPv4 first, each address once."""
        return tuple(str(network) for network in self.networks)

    def __str__(self) -> str:
        return ", ".join(self.texts())


def _read(text: str) -> Network | None:
    """Return the network that `text` is in, host bits left out, or None. No netmask, zone or leading zero is read."""
    if not _NETWORK.fullmatch(text):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _canonical_address(text: str) -> str:
    """Return the address of a network that can be read, as RFC 5952 writes it."""
    return str(ip_address(text.partition("/")[0]))


def _not_mapped(network: Network) -> Network:
    """Return `network`, or raise `InvalidValueError`: mapped addresses are read as IPv4, none would ever be inside."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        meant = IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
        raise InvalidValueError(f"{network} is a network of IPv4 written as IPv6", remedy=f"Write {meant}.")
    return network


def _fewest(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Return the fewest networks with the same addresses, in order."""
    all_of_them = tuple(networks)
    return (
        *collapse_addresses(one for one in all_of_them if isinstance(one, IPv4Network)),
        *collapse_addresses(one for one in all_of_them if isinstance(one, IPv6Network)),
    )


def _covers(outer: Network, inner: Network) -> bool:
    """Tell whether all addresses of `inner` are addresses of `outer`."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


ANYWHERE: Final = Sources((IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))
"""Every address. Say this where nothing is stated, not None: `meet` says None for the opposite."""
