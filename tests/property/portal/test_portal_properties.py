"""Whatever happens to grants, clock, groups and ledger: nobody gets a token but for their own open grant."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from prometheus_client import CollectorRegistry

from jitgress.domain.errors import JitgressError
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.keys import KeySet, SigningKey
from jitgress.identity.secret import Secret
from jitgress.identity.tokens import verify
from jitgress.portal.app import Parts, create_app
from jitgress.portal.choice import AskedHost, AskedRequest, ClaimsChanged, GroupsChanged, Refusal, choose
from jitgress.portal.metrics import PortalMetrics

START = datetime(2026, 1, 1, tzinfo=UTC)
ISSUER = "https://portal.example.com"
KEYS = KeySet((SigningKey.generate(START, START),))
JWKS = json.loads(KEYS.public_jwks())
PEOPLE = st.sampled_from(["alice", "bob", "alice@example.test", "Alice"])
HOSTS = st.sampled_from([parse_host("orders.example.com"), parse_host("billing.example.com")])
GROUPS = st.frozensets(st.sampled_from(["alice", "bob", "dev"]))
CLAIMS = st.frozensets(
    st.tuples(st.sampled_from(["example.com/ref", "jitgress.dev/auth-time"]), st.sampled_from(["1", "2"]))
)
NUMBERS = st.integers(0, 4)
MILLISECONDS = st.integers(0, 20_000).map(lambda ms: timedelta(milliseconds=ms))


@dataclass
class World:
    """All that the portal sees, changed by the rules."""

    grants: dict[str, Grant]
    recorded: set[Any]
    now_: datetime = START
    monotonic_s: float = 0.0
    has_ledger: bool = True
    is_synced: bool = True
    is_ready: bool = True
    groups: frozenset[str] = frozenset({"alice", "bob"})
    """Everybody's now; some are called like people."""

    async def authenticate(self, credential: Secret[str]) -> Subject | None:
        return Subject(credential.reveal().replace("~", "@"), self.groups)

    def current(self) -> Iterable[Grant]:
        return tuple(self.grants.values())

    async def append(self, event: Event) -> None:
        await self.head()
        self.recorded.add(event.data.get("token"))

    async def head(self) -> None:
        if not self.has_ledger:
            raise JitgressError("down")

    def keys(self) -> KeySet:
        return KEYS

    def now(self) -> datetime:
        return self.now_

    def monotonic(self) -> float:
        return self.monotonic_s


class Asking(RuleBasedStateMachine):
    """People ask while grants come and go; the oracle is a plain look at the grants that there are."""

    def __init__(self) -> None:
        super().__init__()
        self.world = world = World({}, set())
        metrics = PortalMetrics(CollectorRegistry())
        parts = Parts(
            authenticator=world, grants=world, keys=world, ledger=world, clock=world, metrics=metrics, issuer=ISSUER
        )
        self.app = create_app(parts)

    @rule(
        number=NUMBERS,
        person=PEOPLE,
        groups=GROUPS,
        host=HOSTS,
        start=MILLISECONDS,
        length=MILLISECONDS.filter(bool),
    )
    def open(
        self, *, number: int, person: str, groups: frozenset[str], host: Any, start: timedelta, length: timedelta
    ) -> None:
        uid = f"uid-{len(self.world.recorded)}-{number}"
        self.world.grants[str(number)] = Grant(
            id=GrantId(uid),
            request=RequestRef("shop", f"r{number}", uid),
            target=TargetRef("shop", "orders"),
            policy="p",
            subject=Subject(person, groups),
            host=host,
            address="10.0.0.1:80",
            scope=Scope.of(["/"], ["GET"]),
            window=Window.starting(self.world.now_ + start - timedelta(seconds=5), length),
            since=self.world.now_ + start - timedelta(seconds=5),
        )

    @rule(number=NUMBERS)
    def revoke(self, number: int) -> None:
        self.world.grants.pop(str(number), None)

    @rule(groups=GROUPS)
    def change_the_groups(self, groups: frozenset[str]) -> None:
        self.world.groups = groups

    @rule(pause=MILLISECONDS)
    def wait(self, pause: timedelta) -> None:
        self.world.now_ += pause

    @rule(back=MILLISECONDS)
    def set_the_clock_back(self, back: timedelta) -> None:
        self.world.now_ -= back

    @rule(has_ledger=st.booleans(), is_synced=st.booleans())
    def break_or_mend(self, *, has_ledger: bool, is_synced: bool) -> None:
        self.world.has_ledger, self.world.is_synced = has_ledger, is_synced

    @rule(person=PEOPLE, host=HOSTS)
    def ask_for_a_host(self, person: str, host: str) -> None:
        self._check(person, {"host": host}, [grant for grant in self.world.grants.values() if grant.host == host])

    @rule(person=PEOPLE, number=NUMBERS)
    def ask_for_a_request(self, person: str, number: int) -> None:
        named = [grant for key, grant in self.world.grants.items() if key == str(number)]
        self._check(person, {"request": {"namespace": "shop", "name": f"r{number}"}}, named)

    def _check(self, person: str, body: dict[str, Any], named: list[Grant]) -> None:
        world = self.world
        world.monotonic_s += 1000  # allowances are another test's matter
        answer = asyncio.run(self._ask(person, body))
        now = world.now_
        rightful = {
            grant.id: grant
            for grant in named
            if grant.subject.username == person and grant.window.not_before <= now < grant.window.not_after
        }
        if answer.status_code == 200:
            assert world.is_synced
            assert world.has_ledger
            grant = rightful[answer.json()["grant"]]
            assert all(group in world.groups for group in grant.subject.groups)
            claims = verify(answer.json()["token"], host=grant.host, now=now, jwks=JWKS, issuer=ISSUER)
            assert (claims.grant, claims.subject) == (grant.id, person)
            assert claims.expires_at <= grant.window.not_after
            assert claims.id in world.recorded
        elif answer.status_code == 403:
            assert rightful
            assert all(any(group not in world.groups for group in g.subject.groups) for g in rightful.values())
        elif answer.status_code == 404:
            # Within the last second of a window there may be no whole second left for a token.
            assert all(int(grant.window.not_after.timestamp()) <= now.timestamp() for grant in rightful.values())
        else:
            assert answer.status_code == 503
            assert not (world.is_synced and world.has_ledger)
        assert answer.status_code == 200 or '"token"' not in answer.text

    async def _ask(self, person: str, body: dict[str, Any]) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
            headers = {"Authorization": f"Bearer {person.replace('@', '~')}"}
            return await client.post("/api/v1/token", json=body, headers=headers)


TestAsking = Asking.TestCase

GRANT = st.builds(
    lambda number, person, groups, claims, start, length: Grant(
        id=GrantId(f"uid-{number}"),
        request=RequestRef("shop", f"r{number}", f"uid-{number}"),
        target=TargetRef("shop", "orders"),
        policy="p",
        subject=Subject(person, groups, claims),
        host=parse_host("orders.example.com"),
        address="10.0.0.1:80",
        scope=Scope.of(["/"], ["GET"]),
        window=Window.starting(START + start, length),
        since=START + start,
    ),
    NUMBERS,
    PEOPLE,
    GROUPS,
    CLAIMS,
    MILLISECONDS,
    MILLISECONDS.filter(bool),
)


def refs(claims: Iterable[tuple[str, str]]) -> set[str]:
    """Return the values of the one claim that has to hold still."""
    return {value for key, value in claims if key == "example.com/ref"}


@given(st.lists(GRANT, max_size=6), st.builds(Subject, PEOPLE, GROUPS, CLAIMS), MILLISECONDS, st.none() | NUMBERS)
def test_the_choice_is_the_callers_own_open_grant_that_lasts_longest(
    grants: list[Grant], caller: Subject, after: timedelta, number: int | None
) -> None:
    now = START + after
    asked = AskedHost(parse_host("orders.example.com")) if number is None else AskedRequest("shop", f"r{number}")
    running = [
        grant
        for grant in grants
        if grant.subject.username == caller.username
        and grant.window.not_before <= now < grant.window.not_after
        and number in (None, int(grant.request.name[1:]))
    ]
    ends = [
        grant.window.not_after
        for grant in running
        if all(group in caller.groups for group in grant.subject.groups)
        and all(ref in refs(caller.claims) for ref in refs(grant.subject.claims))
    ]
    chosen = choose(grants, caller, asked, now)
    if isinstance(chosen, Grant):
        assert set(chosen.subject.groups) <= caller.groups
        assert refs(chosen.subject.claims) <= refs(caller.claims)
        assert chosen.subject.username == caller.username
        assert chosen.window.not_before <= now < chosen.window.not_after == max(ends)
        assert number in (None, int(chosen.request.name[1:]))
    else:
        assert ends == []
        assert isinstance(chosen, GroupsChanged | ClaimsChanged) == bool(running)


@given(st.lists(GRANT, max_size=6), MILLISECONDS)
def test_nobody_without_a_name_gets_a_grant(grants: list[Grant], after: timedelta) -> None:
    nameless = [replace(grant, subject=Subject("")) for grant in grants]
    chosen = choose(nameless, Subject(""), AskedHost(parse_host("orders.example.com")), START + after)
    assert isinstance(chosen, Refusal)
