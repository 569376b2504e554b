"""The gate and `jitgress.domain.sources` agree about every address, and about whose word counts: two readers each."""

import asyncio
import random
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

import pytest

from jitgress.domain.sources import Sources
from tests.integration.gate.asking_from import PROXY, a_bound_grant, ask_from
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate

pytestmark = pytest.mark.real

TRUSTED: Final = Sources.of([f"{PROXY}/32", "10.9.0.0/16", "2001:db8:9::/48"])  # as in the fixture `behind_proxy`
NETWORKS: Final = (
    *("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.8.0.0/15", "10.9.8.0/21", "192.0.2.0/24"),
    *("192.0.2.128/25", "192.0.2.7/32", "255.255.255.255/32", "0.0.0.0/32", "203.0.113.8/29", "::/0", "8000::/1"),
    *("2001:db8::/32", "2001:db8:9:8000::/49", "2001:db8::7/128", "::/96", "::/128", "fe80::/10", "ffff::/16"),
)
PIECES: Final = (
    "0",
    "1",
    "7",
    "9",
    "10",
    "192",
    "255",
    "256",
    "01",
    "a",
    "ffff",
    "db8",
    "00001",
    ".",
    ":",
    "::",
    "%",
    "",
)


def edges(network: str) -> list[IPv4Address] | list[IPv6Address]:
    """First and last address of a network, and their neighbours outside."""
    found = ip_network(network)
    first, last = int(found[0]), int(found[-1])
    highest = 2**found.max_prefixlen - 1
    numbers = [n for n in (first - 1, first, first + 1, last - 1, last, last + 1) if 0 <= n <= highest]
    return [IPv4Address(n) for n in numbers] if found.version == 4 else [IPv6Address(n) for n in numbers]


def spellings(address: IPv4Address | IPv6Address) -> list[str]:
    if isinstance(address, IPv4Address):
        return [str(address), f"::ffff:{address}", f"::FFFF:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"]
    dotted = IPv4Address(int(address) & 0xFFFFFFFF)
    front = address.exploded.rpartition(":")[0].rpartition(":")[0]
    return [str(address), address.exploded.upper(), f"{front}:{dotted}"]


def texts() -> list[str]:
    """Every edge of every network in every spelling, and texts that only look like addresses; always the same."""
    chance = random.Random(20260101)  # noqa: S311  not for secrets
    good = {spelled for network in NETWORKS for address in edges(network) for spelled in spellings(address)}
    odd = {"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9))) for _ in range(300)}
    odd |= {":".join(chance.choice(PIECES) for _ in range(chance.randint(6, 9))) for _ in range(200)}
    odd |= {".".join(chance.choice(PIECES[:9]) for _ in range(chance.randint(3, 5))) for _ in range(100)}
    return sorted(good | {spelled for spelled in odd if not re.fullmatch(r"[\d.]+:\d*", spelled)})


async def test_the_gate_permits_exactly_the_addresses_that_the_sources_permit(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    chance = random.Random(7)  # noqa: S311  not for secrets
    grants = [a_bound_grant(number, target, *chance.sample(NETWORKS, chance.randint(1, 4))) for number in range(12)]
    await behind_proxy.permit(*grants)
    tokens, slots = [behind_proxy.token(grant) for grant in grants], asyncio.Semaphore(20)

    async def is_served(number: int, text: str) -> bool:
        async with slots:
            answer = await ask_from(behind_proxy, grants[number], PROXY, text, token=tokens[number])
            return answer.status == 200

    tried = sorted({(number, text) for text in texts() for number in chance.sample(range(len(grants)), 4)})
    served = dict(zip(tried, await asyncio.gather(*(is_served(*each) for each in tried)), strict=True))
    assert {each for each, was in served.items() if was} == {
        (number, text) for number, text in tried if grants[number].sources.permits(text)
    }
    assert len(tried) > 2000
    assert 300 < sum(served.values()) < len(tried) - 300


def believed(lines: Sequence[str]) -> str | None:
    """Whose request a trusted proxy forwards: the nearest address that is none of ours, else the furthest."""
    chain = [part.strip(" \t") for line in lines for part in line.split(",")]
    nearest: str | None = None
    for part in reversed(chain):
        found = re.fullmatch(r"(?P<v4>[0-9.]+)(:[0-9]+)?|\[(?P<v6>[^\].]*[^\]]*)\](:[0-9]+)?|(?P<plain>[^\[\]]*)", part)
        found_at = [found[name] for name in ("v4", "v6", "plain") if found[name]] if found else []
        nearest = found_at[0] if found_at else None
        if nearest is None or not Sources.of(["0.0.0.0/0", "::/0"]).permits(nearest):
            return None
        if not TRUSTED.permits(nearest):
            return nearest
    return nearest


def chains(count: int) -> list[tuple[str, ...]]:
    """Headers as proxies and liars write them."""
    chance = random.Random(11)  # noqa: S311  not for secrets
    proxies = ("10.9.1.1", "127.0.0.1", "10.9.0.0:80", "2001:db8:9::5", "[2001:db8:9::5]:443", "::ffff:10.9.2.2")
    others = ("192.0.2.7", "192.0.2.9:1", "203.0.113.9", "2001:db8::7", "[2001:db8:8::1]", "::ffff:c000:207")
    garbage = ("", "unknown", "_hidden", '"192.0.2.7"', "192.0.2.7/32", "[192.0.2.7", "192.0.2.7:x", "192.0.2.07")

    def a_part() -> str:
        part = chance.choice(chance.choices((proxies, others, garbage), (5, 4, 1))[0])
        return chance.choice(("", " ", "\t ")) + part + chance.choice(("", " "))

    return sorted(
        {
            tuple(
                ",".join(a_part() for _ in range(chance.randint(1, 4)))
                for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))
            )
            for _ in range(count)
        }
    )


async def test_the_gate_believes_exactly_what_trusted_proxies_say(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    grant = a_bound_grant(1, target, "192.0.2.0/24", "2001:db8::/48", "10.9.1.0/24")
    await behind_proxy.permit(grant)
    token, slots = behind_proxy.token(grant), asyncio.Semaphore(20)

    async def is_served(lines: tuple[str, ...]) -> bool:
        async with slots:
            return (await ask_from(behind_proxy, grant, PROXY, *lines, token=token)).status == 200

    tried = chains(1500)
    served = dict(zip(tried, await asyncio.gather(*map(is_served, tried)), strict=True))
    expected = {lines: grant.sources.permits(believed(lines) or "") for lines in tried}
    assert {lines for lines, was in served.items() if was != expected[lines]} == set()
    assert 100 < sum(served.values()) < len(tried) - 100
