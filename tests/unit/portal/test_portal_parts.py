"""The portal's small parts: allowances, whose token it is, and the view of the grants."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.identity.secret import Secret
from jitgress.kube.errors import UnreachableError
from jitgress.kube.resources import Resource
from jitgress.portal.allowance import Allowance, Rate
from jitgress.portal.reflected_grants import ReflectedGrants, Subscriber
from jitgress.portal.token_review import TokenReviewAuthenticator


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    allowance = Allowance(Rate(burst=2, per_second=0.5))
    assert [allowance.take("alice", 0.0) for _ in range(3)] == [True, True, False]
    assert allowance.take("bob", 0.0)
    assert [allowance.take("alice", now_s) for now_s in (1.0, 2.0, 2.0, 4.0)] == [False, True, False, True]


def test_a_long_pause_fills_a_bucket_no_further_than_its_burst() -> None:
    allowance = Allowance(Rate(burst=2, per_second=1))
    assert allowance.take("alice", 0.0)
    assert [allowance.take("alice", 1e6) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    allowance = Allowance(Rate(burst=1, per_second=1))
    assert [allowance.take("alice", now_s) for now_s in (100.0, 50.0)] == [True, False]


def test_buckets_are_forgotten_in_the_order_of_their_last_use() -> None:
    allowance = Allowance(Rate(burst=1, per_second=0), max_keys=2)
    assert all(allowance.take(key, 0.0) for key in ("a", "b"))
    assert not allowance.take("a", 0.0)
    assert allowance.take("c", 0.0)  # forgets b
    assert not allowance.take("a", 0.0)
    assert allowance.take("b", 0.0)


class ReviewingApi:
    """The API server, as far as TokenReviews go: answers with the status that it is given."""

    def __init__(self, status: Any) -> None:
        self.status = status
        self.sent: Mapping[str, Any] = {}

    async def create(
        self, resource: Resource, body: Mapping[str, Any], namespace: str | None = None
    ) -> Mapping[str, Any]:
        assert (resource.path(namespace), body["kind"]) == (
            "/apis/authentication.k8s.io/v1/tokenreviews",
            "TokenReview",
        )
        self.sent = body
        if isinstance(self.status, Exception):
            raise self.status
        return {**body, "status": self.status}


async def test_a_token_is_whose_the_api_server_says() -> None:
    api = ReviewingApi({"authenticated": True, "user": {"username": "alice", "groups": ["dev"]}})
    subject = await TokenReviewAuthenticator(api).authenticate(Secret("kube-token"))
    assert subject == Subject("alice", frozenset({"dev"}))
    assert api.sent["spec"] == {"token": "kube-token"}


async def test_the_claims_of_a_token_are_the_extra_of_its_user() -> None:
    extra = {"jitgress.dev/amr": ["pwd", "otp"], "example.com/ref": ["refs/heads/main"], "example.com/none": []}
    api = ReviewingApi({"authenticated": True, "user": {"username": "alice", "extra": extra}})

    subject = await TokenReviewAuthenticator(api).authenticate(Secret("t"))

    assert subject is not None
    assert subject.claims == {
        ("jitgress.dev/amr", "pwd"),
        ("jitgress.dev/amr", "otp"),
        ("example.com/ref", "refs/heads/main"),
    }


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        [],
        {"authenticated": False, "user": {"username": "alice"}},
        {"authenticated": "true", "user": {"username": "alice"}},
        {"authenticated": 1, "user": {"username": "alice"}},
        {"authenticated": True},
        {"authenticated": True, "user": {}},
        {"authenticated": True, "user": {"username": ""}},
        {"authenticated": True, "user": {"username": 7}},
        {"authenticated": True, "user": {"username": "alice", "groups": "dev"}},
        {"authenticated": True, "user": {"username": "alice", "extra": {"a": "b"}}},
        {"authenticated": True, "user": {"username": "alice", "extra": ["a"]}},
        {"authenticated": True, "user": {"username": "alice"}, "error": "lookup failed"},
    ],
)
async def test_anything_but_a_clear_yes_is_nobody(status: Any) -> None:
    assert await TokenReviewAuthenticator(ReviewingApi(status)).authenticate(Secret("t")) is None


async def test_an_api_server_that_cannot_be_asked_is_an_error_and_not_a_no() -> None:
    with pytest.raises(UnreachableError):
        await TokenReviewAuthenticator(ReviewingApi(UnreachableError("gone"))).authenticate(Secret("t"))


class Source:
    """A reflector, driven by hand."""

    def __init__(self) -> None:
        self.synced = asyncio.Event()
        self.heard_at: float | None = None
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        self.subscribers.append(subscriber)

    def values(self) -> Iterable[Mapping[str, Any]]:
        return tuple(self.objects.values())

    def tell(self, name: str, new: Mapping[str, Any] | None) -> None:
        old = self.objects.pop(name, None)
        if new is not None:
            self.objects[name] = new
        for subscriber in self.subscribers:
            subscriber(old, new)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def as_grant(found: Mapping[str, Any]) -> Grant:
    if "spec" not in found:
        raise InvalidValueError("no spec")
    name = found["metadata"]["name"]
    return Grant(
        id=GrantId(name),
        request=RequestRef("shop", name, name),
        target=TargetRef("shop", "orders"),
        policy="p",
        subject=Subject(found["spec"]["subject"]),
        host=parse_host("orders.example.com"),
        address="10.0.0.1:80",
        scope=Scope.of(["/"], ["GET"]),
        window=Window.starting(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)),
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )


def an_object(name: str, subject: str = "alice", **metadata: str) -> Mapping[str, Any]:
    return {"metadata": {"name": name, **metadata}, "spec": {"subject": subject}}


def subjects(grants: ReflectedGrants) -> dict[str, str]:
    return {grant.id: grant.subject.username for grant in grants.current()}


def test_the_view_follows_the_reflector() -> None:
    source = Source()
    source.tell("a", an_object("a"))
    grants = ReflectedGrants(source, as_grant, Clock())
    source.tell("b", an_object("b", "bob"))
    assert subjects(grants) == {"a": "alice", "b": "bob"}
    source.tell("a", None)
    assert subjects(grants) == {"b": "bob"}


@pytest.mark.parametrize("new", [{"metadata": {"name": "a"}}, an_object("a", deletionTimestamp="2026-01-01T00:00:00Z")])
def test_a_grant_that_is_not_understood_or_is_going_is_none_any_more(new: Mapping[str, Any]) -> None:
    source = Source()
    grants = ReflectedGrants(source, as_grant, Clock())
    source.tell("a", an_object("a"))
    source.tell("a", new)
    assert subjects(grants) == {}


def test_a_view_counts_after_the_first_list_and_while_it_is_confirmed() -> None:
    source, clock = Source(), Clock()
    plain = ReflectedGrants(source, as_grant, clock)
    strict = ReflectedGrants(source, as_grant, clock, staleness=timedelta(seconds=30))
    assert (plain.is_synced, strict.is_synced) == (False, False)
    source.synced.set()
    assert (plain.is_synced, strict.is_synced) == (True, False)
    source.heard_at = 0.0
    clock.seconds = 30.0
    assert strict.is_synced
    clock.seconds = 30.1
    assert (plain.is_synced, strict.is_synced) == (True, False)
