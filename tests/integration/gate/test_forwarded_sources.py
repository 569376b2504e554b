"""What proxies in front of the gate say of where a request comes from: whom it is believed, and how far."""

from collections.abc import Sequence

import pytest

from tests.integration.gate.asking_from import OFFICE, PROXY, a_bound_grant, ask_from, told
from tests.integration.gate.raw_client import request, send, send_in_turn
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate

pytestmark = pytest.mark.real

TOLD: dict[str, tuple[Sequence[str], bool]] = {
    "an address": (["192.0.2.1"], True),
    "the first of the network": (["192.0.2.0"], True),
    "the last of the network": (["192.0.2.255"], True),
    "the one before": (["192.0.1.255"], False),
    "the one after": (["192.0.3.0"], False),
    "with a port": (["192.0.2.1:51234"], True),
    "spaces and tabs": ([" \t192.0.2.1\t "], True),
    "ipv6": (["2001:db8:1::7"], True),
    "ipv6 in capitals": (["2001:DB8:1:0:0:0:0:7"], True),
    "ipv6 elsewhere": (["2001:db8:2::7"], False),
    "ipv6 in brackets": (["[2001:db8:1::7]"], True),
    "ipv6 with a port": (["[2001:db8:1::7]:443"], True),
    "ipv4 inside ipv6": (["::ffff:192.0.2.1"], True),
    "ipv4 inside ipv6 in hex": (["::FFFF:c000:0201"], True),
    "ipv4 inside ipv6 elsewhere": (["::ffff:192.0.3.1"], False),
    "ipv4 as an old ipv6": (["::192.0.2.1"], False),
    "ipv4 translated": (["64:ff9b::192.0.2.1"], False),
    "what the client made up before it": (["192.0.2.1, 203.0.113.5"], False),
    "made up in a line before": (["192.0.2.1", "203.0.113.5"], False),
    "made up before the true one": (["203.0.113.5, 192.0.2.1"], True),
    "garbage before the true one": (['", , x\\, 192.0.2.1'], True),
    "garbage in a line before": (["<>", "192.0.2.1"], True),
    "one more proxy": (["192.0.2.1, 10.9.3.4"], True),
    "one more proxy in a line of its own": (["192.0.2.1", "10.9.3.4"], True),
    "proxies of both kinds": (["203.0.113.5,192.0.2.1 ,10.9.3.4:80, [2001:db8:9::1]:443,127.0.0.1"], True),
    "made up before a proxy": (["192.0.2.1, 203.0.113.5, 10.9.3.4"], False),
    "garbage before a proxy": (["192.0.2.1, x, 10.9.3.4"], False),
    "an unknown proxy": (["192.0.2.1, 10.8.3.4"], False),
    "a proxy by itself": (["10.9.3.4"], False),
    "no header": ([], False),
    "nothing in it": ([""], False),
    "nothing after a comma": (["192.0.2.1,"], False),
    "nothing in the last line": (["192.0.2.1", ""], False),
    "commas": ([",,,"], False),
    "quotes": (['"192.0.2.1"'], False),
    "a quote over two addresses": (['"203.0.113.5, 192.0.2.1"'], False),
    "two addresses": (["192.0.2.1 192.0.2.1"], False),
    "unknown": (["unknown"], False),
    "a name": (["localhost"], False),
    "a network": (["192.0.2.0/24"], False),
    "leading zeros": (["192.0.02.1"], False),
    "octal": (["0300.0.2.1"], False),
    "hex": (["0xc0.0.2.1"], False),
    "one number": (["3221225985"], False),
    "three numbers": (["192.0.513"], False),
    "five numbers": (["192.0.2.1.1"], False),
    "a number too large": (["192.0.2.256"], False),
    "a negative number": (["192.0.2.-1"], False),
    "a dot at the end": (["192.0.2.1."], False),
    "a port that is none": (["192.0.2.1:x"], False),
    "a port without digits": (["192.0.2.1:"], False),
    "two ports": (["192.0.2.1:1:2"], False),
    "an open bracket": (["[2001:db8:1::7"], False),
    "ipv4 in brackets": (["[192.0.2.1]"], False),
    "something behind brackets": (["[2001:db8:1::7]x"], False),
    "a zone": (["2001:db8:1::7%eth0"], False),
    "two gaps": (["2001:db8:1::7::8"], False),
    "a gap for nothing": (["2001:db8:1:4:5::6:7:8"], False),
    "a gap for one group": (["2001:db8:1::5:6:7:8"], True),
    "nine groups": (["2001:db8:1:4:5:6:7:8:9"], False),
    "seven groups": (["2001:db8:1:4:5:6:7"], False),
    "a group too long": (["2001:0db80:1::7"], False),
    "colons": ([":::"], False),
    "obsolete folding": (["203.0.113.5,\r\n 192.0.2.1"], True),
    "ninety spaces": ([" " * 90 + "192.0.2.1"], True),
    "a kilobyte of spaces": (["203.0.113.5," + "x" + " " * 1000 + "192.0.2.1"], False),
    "a page of spaces before a proxy": (["192.0.2.1," + " " * 20000 + ",10.9.3.4"], False),
    "a page of groups before a proxy": (["192.0.2.1," + "a:" * 9000 + ":a,10.9.3.4"], False),
    "an arabic digit": (["192.0.2.\u0661"], False),
    "a byte that ends texts": (["192.0.2.1%00"], False),
}


@pytest.mark.parametrize("name", TOLD)
async def test_of_a_trusted_proxy_the_last_address_that_is_no_proxys_counts(
    behind_proxy: RunningGate, target: RecordingTarget, name: str
) -> None:
    lines, is_inside = TOLD[name]
    grant = a_bound_grant(1, target, OFFICE, "2001:db8:1::/48")
    await behind_proxy.permit(grant)
    answer = await ask_from(behind_proxy, grant, PROXY, *lines)
    assert told(answer) == ((200, "") if is_inside else (403, "source_outside"))
    assert is_inside == bool(target.heads)


async def test_a_proxy_that_asks_by_itself_is_a_client_like_others(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    """The outermost proxy told its address: it is as true as every other that was told by one of ours."""
    grant = a_bound_grant(1, target, "10.9.3.0/24")
    await behind_proxy.permit(grant)
    assert (await ask_from(behind_proxy, grant, PROXY, "10.9.3.4, 10.9.9.9")).status == 200
    assert told(await ask_from(behind_proxy, grant, PROXY, "10.9.4.4, 10.9.9.9")) == (403, "source_outside")


@pytest.mark.parametrize(("proxies", "is_inside"), [(9, True), (10, False), (3000, False)])
async def test_a_chain_without_end_is_followed_so_far_and_no_further(
    behind_proxy: RunningGate, target: RecordingTarget, proxies: int, *, is_inside: bool
) -> None:
    grant = a_bound_grant(1, target, OFFICE)
    await behind_proxy.permit(grant)
    answer = await ask_from(behind_proxy, grant, PROXY, ",".join(["192.0.2.1", *["10.9.1.1"] * proxies]))
    assert (answer.status == 200) == is_inside


async def test_the_target_gets_what_was_said_of_the_way_as_it_was_said(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    grant = a_bound_grant(1, target, OFFICE)
    await behind_proxy.permit(grant)
    content = request(grant.host, "/", token=behind_proxy.token(grant), headers={"X-Forwarded-For": "a, 203.0.113.5"})
    more = b"\r\nX_Forwarded_For: x\r\nConnection: X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.1, 10.9.1.1\r\n\r\n"
    assert (await send(behind_proxy.port, content.replace(b"\r\n\r\n", more))).status == 200
    lines = [line for line in target.heads[-1].decode().lower().split("\r\n") if "forwarded" in line or "conn" in line]
    assert lines == [
        "x-forwarded-for: a, 203.0.113.5",
        "x-forwarded-for: 192.0.2.1, 10.9.1.1",
        "x-forwarded-user: alice@example.test",
        "x-forwarded-groups: dev",
    ]


async def test_every_request_of_a_kept_connection_is_judged_by_what_is_said_of_it(
    behind_proxy: RunningGate, target: RecordingTarget
) -> None:
    """An ingress sends requests of many clients on one connection."""
    grant = a_bound_grant(1, target, OFFICE)
    await behind_proxy.permit(grant)
    token = behind_proxy.token(grant)
    said = ("192.0.2.1", "203.0.113.5", "192.0.2.2", "x", "192.0.2.1")
    contents = [request(grant.host, "/", token=token, headers={"X-Forwarded-For": each}) for each in said]
    answers = await send_in_turn(behind_proxy.port, *contents, source=PROXY)
    assert [answer.status for answer in answers] == [200, 403, 200, 403, 200]
