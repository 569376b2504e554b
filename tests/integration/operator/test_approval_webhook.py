"""External approval systems over real HTTP on loopback: the contract that the simulator keeps as well."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from jitgress.domain.answer import AnswerVerdict
from jitgress.operator.consults.consultant import Consultant, Decided, Reply, Trouble, Undecided, Unheard
from tests.builders import a_request, seconds
from tests.integration.operator.approval_server import (
    APPROVES,
    KEY,
    SECRET,
    Received,
    an_answer,
    as_told,
    asked,
    asking,
    serving,
)
from tests.simulators.approvals import ApprovalSystem, Said, SimulatedConsultant
from tests.simulators.clock import HandClock
from tests.unit.operator.questions import a_question


@dataclass(frozen=True, slots=True)
class Side:
    """One half of the contract: a system, and who asks it."""

    system: ApprovalSystem
    consultant: Consultant


@pytest.fixture(params=["simulated", "real"])
async def side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Side]:
    system, clock = ApprovalSystem(), HandClock()
    async with AsyncExitStack() as stack:
        if request.param == "simulated":
            yield Side(system, SimulatedConsultant({"change": system}, clock))
            return
        server = await stack.enter_async_context(serving(as_told(system)))
        yield Side(system, await stack.enter_async_context(asking(tmp_path, server.url, clock)))


def test_the_webhooks_that_can_be_asked_are_named(side: Side) -> None:
    assert side.consultant.webhooks == {"change"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            Said("approve", "CHG-7", "2026-01-01T18:00:00+01:00"),
            Decided(AnswerVerdict.APPROVE, "CHG-7", datetime(2026, 1, 1, 17, tzinfo=UTC)),
        ),
        (Said("approve"), Decided(AnswerVerdict.APPROVE)),
        (Said("deny", "freeze"), Decided(AnswerVerdict.DENY, "freeze")),
        (Said("pending"), Undecided()),
        (Said("pending", retry_after_s=90), Undecided(seconds(90))),
        (Said(None, status=503), Unheard(Trouble.STATUS, "status 503")),
        (Said(None, status=429, retry_after_s=7), Unheard(Trouble.STATUS, "status 429", seconds(7))),
    ],
    ids=["approved with an end", "approved", "denied", "pending", "pending with a wish", "broken", "overloaded"],
)
async def test_what_the_system_says_is_heard(side: Side, said: Said, expected: Reply) -> None:
    side.system.otherwise = said

    assert await side.consultant.ask(a_question()) == expected


async def test_the_system_hears_which_request_it_is_about_and_knows_a_repetition(side: Side) -> None:
    side.system.says["request-2"] = Said("deny")
    other = a_question(request=a_request(uid="request-2"))

    replies = [await side.consultant.ask(question) for question in (a_question(), a_question(), other)]

    assert replies == [Undecided(), Undecided(), Decided(AnswerVerdict.DENY)]
    first, again, another = side.system.heard
    assert first == again != another


async def test_what_is_sent_is_one_signed_post_without_a_credential(tmp_path: Path) -> None:
    async with asked(tmp_path, an_answer("200 OK", body=APPROVES)) as (server, _):
        (received,) = server.received

    assert received.line == "POST /approvals HTTP/1.1"
    assert received.is_signed_with(KEY)
    assert not received.is_signed_with(KEY[::-1])
    assert received.headers.keys() == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert json.loads(received.body)["type"] == "approval.requested"


async def test_a_secret_that_was_replaced_is_used_from_the_next_question_on(tmp_path: Path) -> None:
    async with (
        serving(lambda _: an_answer("200 OK", body=APPROVES)) as server,
        asking(tmp_path, server.url, HandClock()) as consultant,
    ):
        await consultant.ask(a_question())
        (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        await consultant.ask(a_question())

    assert [received.is_signed_with(KEY) for received in server.received] == [True, False]


async def test_a_cookie_is_not_kept_and_a_proxy_or_netrc_of_the_machine_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login alice password wonder\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answer = an_answer("200 OK", "Set-Cookie: session=secret; Path=/", body=b'{"decision": "pending"}')
    async with serving(lambda _: answer) as server, asking(tmp_path, server.url, HandClock()) as consultant:
        await consultant.ask(a_question())
        await consultant.ask(a_question())

    assert len(server.received) == 2
    assert not any({"cookie", "authorization"} & received.headers.keys() for received in server.received)


async def test_the_system_of_the_story_takes_nothing_that_is_signed_otherwise(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET.replace("A", "B"))
    system = ApprovalSystem(otherwise=Said("approve"))
    async with serving(as_told(system)) as server, asking(tmp_path, server.url, HandClock()) as consultant:
        assert await consultant.ask(a_question()) == Unheard(Trouble.STATUS, "status 401")


async def test_each_question_is_counted_by_what_came_of_it(tmp_path: Path) -> None:
    def answer(received: Received) -> bytes:
        uid = json.loads(received.body)["request"]["uid"]
        return an_answer("200 OK", body=b'{"decision": "%s"}' % uid.encode())

    registry = CollectorRegistry()
    async with serving(answer) as server, asking(tmp_path, server.url, HandClock(), registry=registry) as consultant:
        for decision in ("approve", "deny", "deny", "pending", "perhaps"):
            await consultant.ask(a_question(request=a_request(uid=decision)))

    counted = {
        sample.labels["outcome"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "jitgress_approval_webhook_asked_total"
    }
    assert counted == {"approve": 1, "deny": 2, "pending": 1, "not_understood": 1}
