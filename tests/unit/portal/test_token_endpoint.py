"""The portal's API by example, over ASGI, with honest stand-ins for the parts behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette import types

from jitgress.audit.errors import LedgerFullError
from jitgress.domain.event import Event, EventCode
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.errors import KeysUnavailableError
from jitgress.identity.keys import KeySet, SigningKey
from jitgress.identity.secret import Secret
from jitgress.identity.tokens import verify
from jitgress.kube.errors import UnreachableError
from jitgress.portal.app import Parts, create_app
from jitgress.portal.guard import HEADERS, Guard
from jitgress.portal.metrics import PortalMetrics

START = datetime(2026, 1, 1, 10, tzinfo=UTC)
ISSUER = "https://portal.example.com"
KEYS = KeySet((SigningKey.generate(START, START),))
HOST = parse_host("orders.example.com")
BY_HOST = {"host": HOST}
BY_REQUEST = {"request": {"namespace": "shop", "name": "r1"}}


REF = "example.com/ref"
MAIN = frozenset({(REF, "refs/heads/main")})


def a_grant(
    uid: str = "uid-1",
    name: str = "r1",
    subject: str = "alice",
    minutes: float = 30,
    *,
    groups: Iterable[str] = (),
    claims: Iterable[tuple[str, str]] = (),
) -> Grant:
    return Grant(
        id=GrantId(uid),
        request=RequestRef("shop", name, uid),
        target=TargetRef("shop", "orders"),
        policy="p",
        subject=Subject(subject, frozenset(groups), frozenset(claims)),
        host=HOST,
        address="10.0.0.1:80",
        scope=Scope.of(["/api"], ["GET"]),
        window=Window.starting(START, timedelta(minutes=minutes)),
        since=START,
    )


@dataclass
class Stage:
    """Everything behind the portal, in one place for a test to set."""

    grants: list[Grant] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    is_synced: bool = True
    is_ready: bool = True
    is_ledger_full: bool = False
    is_api_down: bool = False
    groups: tuple[str, ...] = ()
    """Everybody's, as the API server tells them now."""
    claims: frozenset[tuple[str, str]] = frozenset()
    """Everybody's, too."""
    time: datetime = START
    asked: int = 0

    async def authenticate(self, credential: Secret[str]) -> Subject | None:
        self.asked += 1
        if self.is_api_down:
            raise UnreachableError("the API server gave no answer", remedy="Try again.")
        word, _, name = credential.reveal().partition("-")
        return Subject(name, frozenset(self.groups), self.claims) if word == "token" else None

    def current(self) -> Iterable[Grant]:
        return tuple(self.grants)

    async def append(self, event: Event) -> Event:
        await self.head()
        self.events.append(event)
        return event

    async def head(self) -> int:
        if self.is_ledger_full:
            raise LedgerFullError("the ledger is full", remedy="Make room.")
        return len(self.events)

    def keys(self) -> KeySet:
        if not self.is_ready:
            raise KeysUnavailableError("no keys yet", remedy="Try again.")
        return KEYS

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def client(self, metrics: PortalMetrics | None = None) -> httpx2.AsyncClient:
        parts = Parts(
            authenticator=self,
            grants=self,
            keys=self,
            ledger=self,
            clock=self,
            metrics=metrics or PortalMetrics(CollectorRegistry()),
            issuer=ISSUER,
        )
        transport = httpx2.ASGITransport(create_app(parts), raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="https://portal.example.com")


@pytest.fixture
def stage() -> Stage:
    return Stage(grants=[a_grant()])


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    async with stage.client() as opened:
        yield opened


def as_person(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-{name}"}


async def ask(client: httpx2.AsyncClient, body: Any, name: str = "alice") -> httpx2.Response:
    return await client.post("/api/v1/token", json=body, headers=as_person(name))


def assert_problem(answer: httpx2.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"https://jitgress.dev/problems/{code}"
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["remedy"]


@pytest.mark.parametrize("body", [BY_HOST, BY_REQUEST])
async def test_the_owner_of_an_open_grant_gets_a_token_for_it(
    stage: Stage, client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await ask(client, body)
    assert answer.status_code == 200
    sent = answer.json()
    claims = verify(sent["token"], host=HOST, now=START, jwks=json.loads(KEYS.public_jwks()), issuer=ISSUER)
    assert (claims.subject, claims.grant) == ("alice", "uid-1")
    assert {name: value for name, value in sent.items() if name != "token"} == {
        "header": "Jitgress-Authorization",
        "expires_at": "2026-01-01T10:05:00.000Z",
        "grant": "uid-1",
        "request": {"namespace": "shop", "name": "r1"},
        "target": {"namespace": "shop", "name": "orders"},
        "host": HOST,
        "paths": ["/api"],
        "methods": ["GET"],
        "not_before": "2026-01-01T10:00:00.000Z",
        "not_after": "2026-01-01T10:30:00.000Z",
    }
    (event,) = stage.events
    assert (event.code, event.actor, event.subject) == (EventCode.TOKEN_ISSUED, "alice", "alice")
    assert event.request == RequestRef("shop", "r1", "uid-1")
    assert event.data == {"token": claims.id, "host": HOST, "expires_at": "2026-01-01T10:05:00.000Z"}


async def test_of_several_grants_the_one_that_lasts_longest_is_used(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants = [a_grant("uid-1", minutes=3), a_grant("uid-2", "r2", minutes=9), a_grant("uid-3", "r3", "bob", 99)]
    assert (await ask(client, BY_HOST)).json()["grant"] == "uid-2"
    assert (await ask(client, BY_REQUEST)).json()["grant"] == "uid-1"


LOST_GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "one of two": (("dev", "oncall"), ("dev",), "oncall"),
    "both": (("oncall", "dev"), (), "dev, oncall"),
    "one that everybody has": (("dev", "system:authenticated"), ("dev",), "system:authenticated"),
    "a name that only looks alike": (("dev",), ("Dev", "dev "), "dev"),
}


@pytest.mark.parametrize(("then", "now", "lost"), LOST_GROUPS.values(), ids=list(LOST_GROUPS))
async def test_who_has_left_a_group_gets_no_token_for_what_was_granted_before(
    stage: Stage, client: httpx2.AsyncClient, then: tuple[str, ...], now: tuple[str, ...], lost: str
) -> None:
    stage.grants, stage.groups = [a_grant(groups=then)], now
    answer = await ask(client, BY_HOST)
    assert_problem(answer, 403, "groups_changed")
    assert answer.json()["detail"] == f"your groups have changed since you asked: {lost}"
    assert answer.json()["remedy"].startswith("Ask again with `jitgress request`")
    (event,) = stage.events
    assert (event.code, event.actor) == (EventCode.TOKEN_REFUSED, "alice")
    assert event.data == {"reason": "groups_changed", "asked": HOST, "unrecorded_before": 0}


async def test_who_has_come_into_further_groups_gets_their_token(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants, stage.groups = [a_grant(groups=("dev",))], ("dev", "oncall")
    assert (await ask(client, BY_HOST)).status_code == 200


async def test_a_grant_whose_groups_still_hold_is_taken_before_a_longer_one(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    stage.grants = [
        a_grant("uid-1", minutes=9, groups=("oncall",)),
        a_grant("uid-2", "r2", minutes=3, groups=("dev",)),
    ]
    stage.groups = ("dev",)
    assert (await ask(client, BY_HOST)).json()["grant"] == "uid-2"
    assert_problem(await ask(client, BY_REQUEST), 403, "groups_changed")


async def test_nobody_learns_of_the_groups_of_anothers_grant(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants = [a_grant(groups=("oncall",))]
    answer = await ask(client, BY_HOST, "mallory")
    assert_problem(answer, 404, "no_grant")
    assert "oncall" not in answer.text


async def test_a_grant_that_has_ended_says_nothing_of_groups(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants, stage.time = [a_grant(groups=("oncall",))], START + timedelta(minutes=30)
    assert_problem(await ask(client, BY_HOST), 404, "no_grant")


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (MAIN, frozenset({(REF, "refs/heads/mine")})),
        (MAIN, frozenset[tuple[str, str]]()),
        (MAIN, frozenset({(f"{REF}s", "refs/heads/main"), ("example.com/other", "refs/heads/main")})),
        (MAIN | {(REF, "refs/tags/v1")}, MAIN),
    ],
    ids=["another branch", "no branch", "other keys with that value", "one value of two"],
)
async def test_whose_token_says_other_things_than_when_they_asked_gets_none(
    stage: Stage,
    client: httpx2.AsyncClient,
    then: frozenset[tuple[str, str]],
    now: frozenset[tuple[str, str]],
) -> None:
    """Two runs of a pipeline have one user name; what tells them apart is the claims."""
    stage.grants, stage.claims = [a_grant(claims=then)], now
    answer = await ask(client, BY_HOST)
    assert_problem(answer, 403, "claims_changed")
    assert answer.json()["detail"] == f"you are signed in otherwise than when you asked: {REF} differs"
    (event,) = stage.events
    assert (event.code, event.actor) == (EventCode.TOKEN_REFUSED, "alice")
    assert event.data == {"reason": "claims_changed", "asked": HOST, "unrecorded_before": 0}


async def test_a_session_without_the_second_factor_gets_no_token(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants = [a_grant(claims=[("jitgress.dev/amr", "pwd"), ("jitgress.dev/amr", "otp")])]
    stage.claims = frozenset({("jitgress.dev/amr", "pwd")})
    answer = await ask(client, BY_REQUEST)
    assert_problem(answer, 403, "claims_changed")
    assert "jitgress.dev/amr" in answer.json()["detail"]


@pytest.mark.parametrize(
    "key",
    [
        "jitgress.dev/auth-time",
        *(f"authentication.kubernetes.io/{key}" for key in ("credential-id", "pod-name", "pod-uid")),
        *(f"authentication.kubernetes.io/{key}" for key in ("node-name", "node-uid")),
    ],
)
async def test_what_differs_from_sign_in_to_sign_in_is_no_matter(
    stage: Stage, client: httpx2.AsyncClient, key: str
) -> None:
    stage.grants, stage.claims = [a_grant(claims=MAIN | {(key, "1")})], MAIN | {(key, "2")}
    assert (await ask(client, BY_HOST)).status_code == 200
    stage.claims = MAIN
    assert (await ask(client, BY_HOST)).status_code == 200


@pytest.mark.parametrize(
    "key",
    [
        "jitgress.dev/auth-time/x",
        "jitgress.dev/acr",
        "authentication.kubernetes.io/ref",
        "authentication.kubernetes.io/issued-credential-id",
        "example.com/authentication.kubernetes.io/pod-name",
    ],
)
async def test_any_other_claim_is_looked_at(stage: Stage, client: httpx2.AsyncClient, key: str) -> None:
    stage.grants, stage.claims = [a_grant(claims={(key, "1")})], frozenset({(key, "2")})
    assert_problem(await ask(client, BY_HOST), 403, "claims_changed")


async def test_who_says_more_than_when_they_asked_gets_their_token(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants, stage.claims = [a_grant(claims=MAIN)], MAIN | {(REF, "refs/tags/v1"), ("jitgress.dev/amr", "hwk")}
    assert (await ask(client, BY_HOST)).status_code == 200


async def test_a_grant_whose_claims_still_hold_is_taken_before_a_longer_one(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    stage.grants = [
        a_grant("uid-1", minutes=9, claims=[(REF, "refs/heads/x")]),
        a_grant("uid-2", "r2", minutes=3, claims=MAIN),
    ]
    stage.claims = MAIN
    assert (await ask(client, BY_HOST)).json()["grant"] == "uid-2"
    assert_problem(await ask(client, BY_REQUEST), 403, "claims_changed")


async def test_nobody_learns_of_claims_from_a_refusal_or_its_record(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants, stage.claims = [a_grant(claims={(REF, "s3cret")})], frozenset({(REF, "oth3r")})
    own = await ask(client, BY_HOST)
    others = await ask(client, BY_HOST, "mallory")
    assert_problem(others, 404, "no_grant")
    assert REF not in others.text
    assert not any(word in f"{own.text}{stage.events}" for word in ("s3cret", "oth3r"))


async def test_many_changed_claims_are_told_in_bounds(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants = [a_grant(claims=[(f"k{number:02}", "v") for number in range(32)])]
    detail = (await ask(client, BY_HOST)).json()["detail"]
    assert detail.endswith("k08, k09 and 22 more differ")


async def test_many_lost_groups_are_told_in_bounds(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants = [a_grant(groups=[f"g{number:03}" for number in range(200)])]
    detail = (await ask(client, BY_HOST)).json()["detail"]
    assert detail.endswith("g008, g009 and 190 more")


async def test_what_others_have_cannot_be_told_from_what_nobody_has(stage: Stage, client: httpx2.AsyncClient) -> None:
    others = await ask(client, BY_HOST, "mallory")
    nobodys = await ask(client, {"host": "nothing.example.com"}, "mallory")
    stage.time = START + timedelta(minutes=30)
    ended = await ask(client, BY_HOST, "alice")
    assert_problem(others, 404, "no_grant")
    assert others.content == nobodys.content == ended.content
    assert others.headers == nobodys.headers == ended.headers
    assert [event.data["reason"] for event in stage.events] == ["not_yours", "no_grant", "not_open"]
    assert {event.code for event in stage.events} == {EventCode.TOKEN_REFUSED}


async def test_no_token_leaves_that_is_not_in_the_ledger(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.is_ledger_full = True
    answer = await ask(client, BY_HOST)
    assert_problem(answer, 503, "ledger_full")
    assert "token" not in answer.json()
    stage.is_ledger_full = False
    assert (await ask(client, BY_HOST)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dG9rZW4tYWxpY2U6"},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Bearer token-alice token-bob"},
        {"Authorization": "Bearer token-"},
        {"Authorization": "Bearer token-system:anonymous"},
        {"Authorization": "Bearer " + "x" * 20_000},
    ],
)
async def test_nobody_gets_nothing(stage: Stage, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/api/v1/token", json=BY_HOST, headers=headers)
    assert_problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert [event.actor for event in stage.events] == ["system:anonymous"]
    assert (await client.get("/api/v1/grants", headers=headers)).status_code == 401


async def test_two_credentials_are_nobodys(stage: Stage, client: httpx2.AsyncClient) -> None:
    headers = [("Authorization", "Bearer token-alice"), ("Authorization", "Bearer token-bob")]
    assert_problem(await client.post("/api/v1/token", json=BY_HOST, headers=headers), 401, "not_signed_in")
    assert stage.asked == 0


@pytest.mark.parametrize(
    ("part", "code"),
    [("is_synced", "not_ready"), ("is_ready", "signing_keys_unavailable"), ("is_api_down", "unreachable")],
)
async def test_without_one_of_its_parts_the_portal_says_later(
    stage: Stage, client: httpx2.AsyncClient, part: str, code: str
) -> None:
    setattr(stage, part, part == "is_api_down")
    answer = await ask(client, BY_HOST)
    assert_problem(answer, 503, code)
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"host": "*.example.com"}',
        b'{"host": "Orders.example.com"}',
        b'{"host": 1}',
        b'{"host": "a.example.com", "request": {"namespace": "shop", "name": "r"}}',
        b'{"request": {"namespace": "shop"}}',
        b'{"request": {"namespace": "shop", "name": "r", "uid": "u"}}',
        b'{"request": {"namespace": "shop", "name": "../r"}}',
        b'{"host": "a.example.com", "subject": "bob"}',
        b'{"host": "\xff"}',
    ],
)
async def test_a_body_that_does_not_say_which_is_refused_before_anything_is_asked(
    stage: Stage, client: httpx2.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json", **as_person("alice")}
    assert_problem(await client.post("/api/v1/token", content=body, headers=headers), 400, "malformed")
    assert (stage.asked, stage.events) == (0, [])


async def test_a_form_is_not_taken_for_json(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/token", data={"host": HOST}, headers=as_person("alice"))
    assert_problem(answer, 400, "malformed")


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_without_end_is_cut_short(client: httpx2.AsyncClient, *, is_chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    content = chunks() if is_chunked else b" " * 5000
    headers = {"Content-Type": "application/json", **as_person("alice")}
    assert_problem(await client.post("/api/v1/token", content=content, headers=headers), 413, "too_large")


async def test_own_open_grants_are_listed_and_nobody_elses(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.grants += [
        a_grant("uid-2", "r2", "bob"),
        a_grant("uid-3", "r3", minutes=5),
        a_grant("uid-4", "r4", minutes=1),
    ]
    stage.time = START + timedelta(minutes=1)
    answer = await client.get("/api/v1/grants", headers=as_person("alice"))
    assert [grant["grant"] for grant in answer.json()["grants"]] == ["uid-3", "uid-1"]
    assert (await client.get("/api/v1/grants", headers=as_person("mallory"))).json() == {"grants": []}


async def test_asking_without_end_does_not_fill_the_ledger(stage: Stage, client: httpx2.AsyncClient) -> None:
    answers = [await ask(client, {"host": "no.example.com"}, "mallory") for _ in range(40)]
    assert {answer.status_code for answer in answers} == {404, 429}
    assert len(stage.events) == 5
    issued = [await ask(client, BY_HOST) for _ in range(40)]
    assert [answer.status_code for answer in issued] == [200] * 30 + [429] * 10
    assert_problem(issued[-1], 429, "too_many")
    stage.time += timedelta(minutes=1)
    await ask(client, {"host": "no.example.com"}, "mallory")
    assert stage.events[-1].data["unrecorded_before"] == 25


async def test_every_answer_carries_the_headers_that_protect_it(stage: Stage, client: httpx2.AsyncClient) -> None:
    stage.is_synced = False
    for path in ("/healthz", "/readyz", "/metrics", "/nowhere", "/api/v1/grants"):
        answer = await client.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(client: httpx2.AsyncClient) -> None:
    assert_problem(await client.get("/nowhere"), 404, "not_found")
    answer = await client.get("/api/v1/token")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_defect_shows_nothing_of_itself() -> None:
    class Defective(Stage):
        def current(self) -> Iterable[Grant]:
            raise RuntimeError("the inside of the portal")

    async with Defective().client() as client:
        answer = await ask(client, BY_HOST)
    assert_problem(answer, 500, "internal")
    assert "inside" not in answer.text
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


async def test_an_answer_that_takes_too_long_is_given_up(stage: Stage) -> None:
    async def never(_scope: types.Scope, _receive: types.Receive, _send: types.Send) -> None:
        await asyncio.Event().wait()

    guard = Guard(never, clock=stage, metrics=PortalMetrics(CollectorRegistry()), timeout_s=0)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url="https://a.example") as client:
        assert_problem(await client.get("/"), 503, "not_ready")


async def test_readiness_names_what_is_missing(stage: Stage, client: httpx2.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"ready": True, "missing": []}
    stage.is_synced, stage.is_ready, stage.is_ledger_full = False, False, True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["grants", "keys", "ledger"])
    assert (await client.get("/healthz")).status_code == 200


async def test_figures_name_no_person_and_no_host(stage: Stage) -> None:
    async with stage.client(PortalMetrics(CollectorRegistry())) as client:
        await ask(client, BY_HOST)
        await ask(client, BY_HOST, "mallory")
        text = (await client.get("/metrics")).text
    assert "jitgress_tokens_issued_total 1.0" in text
    assert 'jitgress_tokens_refused_total{reason="not_yours"} 1.0' in text
    assert not any(word in text for word in ("alice", "mallory", HOST))


async def test_no_credential_is_ever_logged(stage: Stage, client: httpx2.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        token = (await ask(client, BY_HOST)).json()["token"]
        await client.get("/nowhere?token=hidden", headers=as_person("alice"))
        stage.is_api_down = True
        await ask(client, BY_HOST)
    text = repr(lines)
    assert {line["event"] for line in lines} >= {"token_issued", "request_served", "portal_part_failed"}
    assert not any(secret in text for secret in (token, "token-alice", "hidden"))
    assert token not in repr(stage.events)
