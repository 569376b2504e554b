"""Invariants 6 and 12: through a host's route exactly that can be reached which its running grants permit together."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from jitgress.domain.grant import GrantId
from jitgress.domain.host import Host, parse_host
from jitgress.domain.scope import Scope
from jitgress.operator.hosts import route_name
from jitgress.operator.routes.decide import Sharer, desired_route, is_in_place, union_of_paths
from jitgress.operator.settings import OperatorSettings, RouteKind
from tests.builders import NOW, a_grant, a_window, after, seconds
from tests.simulators.ingress import served

HOST: Final = parse_host("orders.example.test")
SEGMENTS: Final = ("a", "ab", "b")
EVERY_PATH: Final = [
    "/" + "/".join(segments) + end
    for length in range(4)
    for segments in product(SEGMENTS, repeat=length)
    for end in (("", "/") if length else ("",))
]
KINDS: Final = st.sampled_from(list(RouteKind))
PREFIXES: Final = st.lists(st.sampled_from(SEGMENTS), max_size=3).map(lambda segments: "/" + "/".join(segments))
SECONDS: Final = st.integers(0, 8)
LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
HOST_LABELS: Final = st.one_of(
    st.sampled_from(["a", "a-b", "b", "orders", "x" * 63, "1"]),
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
)
HOSTS: Final = st.builds(
    lambda labels, last: parse_host(".".join([*labels, last])),
    st.lists(HOST_LABELS, min_size=1, max_size=3),
    st.sampled_from(["test", "example", "a-b"]),
)


@dataclass(frozen=True)
class Given:
    """One grant as plain facts: what it covers, and when, in seconds from NOW."""

    paths: tuple[str, ...]
    begins_s: int
    lasts_s: int

    def sharer(self, number: int) -> Sharer:
        window = a_window(after(self.begins_s), seconds(self.lasts_s))
        grant = a_grant(scope=Scope.of(self.paths, ["GET"]), window=window)
        return Sharer(replace(grant, id=GrantId(f"grant-{number}")), f"object-{number}")

    def reaches(self, path: str) -> bool:
        return any(is_below(path, prefix) for prefix in self.paths)


GIVEN: Final = st.builds(
    Given, st.lists(PREFIXES, min_size=1, max_size=4).map(tuple), st.integers(-3, 3), st.integers(1, 5)
)


def is_below(path: str, prefix: str) -> bool:
    """Tell whether a Prefix match of Ingress v1, or PathPrefix of Gateway API v1, takes `path`: element by element."""
    mine = [part for part in path.split("/") if part]
    theirs = [part for part in prefix.split("/") if part]
    return mine[: len(theirs)] == theirs


def reachable(route: Mapping[str, Any] | None) -> set[str]:
    """Return the paths that the route serves on HOST, and fail for anything on another host or past the gate."""
    if route is None:
        return set()
    prefixes = set()
    for host, prefix, backend in served(route):
        assert (host, backend) == (HOST, "jitgress-gate")
        prefixes.add(prefix)
    return {path for path in EVERY_PATH if any(is_below(path, prefix) for prefix in prefixes)}


def sharers(grants: Iterable[Given]) -> list[Sharer]:
    return [grant.sharer(number) for number, grant in enumerate(grants)]


@given(st.lists(GIVEN, max_size=5), SECONDS, KINDS)
@example([Given(("/a",), 0, 1), Given(("/a/b",), 0, 5)], 1, RouteKind.INGRESS)
@example([Given(("/a",), 0, 5), Given(("/ab",), 0, 5)], 0, RouteKind.HTTP_ROUTE)
def test_what_is_reachable_is_what_the_grants_that_have_not_ended_cover_together(
    grants: list[Given], later_s: int, kind: RouteKind
) -> None:
    running = [grant for grant in grants if later_s < grant.begins_s + grant.lasts_s]

    route = desired_route(HOST, sharers(grants), OperatorSettings(route_kind=kind), after(later_s))

    assert reachable(route) == {path for path in EVERY_PATH if any(grant.reaches(path) for grant in running)}
    assert (route is not None) == bool(running)


@given(st.lists(GIVEN, min_size=1, max_size=5), SECONDS)
def test_both_apis_say_the_same(grants: list[Given], later_s: int) -> None:
    ingress, http_route = (
        desired_route(HOST, sharers(grants), OperatorSettings(route_kind=kind), after(later_s))
        for kind in (RouteKind.INGRESS, RouteKind.HTTP_ROUTE)
    )

    assert (ingress is None) == (http_route is None)
    if ingress is not None and http_route is not None:
        assert ingress["metadata"] == http_route["metadata"]
        assert sorted(served(ingress)) == sorted(served(http_route))


@given(st.lists(GIVEN, min_size=1, max_size=5), SECONDS, st.data())
def test_neither_the_order_of_the_grants_nor_their_repetition_changes_the_route(
    grants: list[Given], later_s: int, data: st.DataObject
) -> None:
    some = sharers(grants)

    shuffled = data.draw(st.permutations(some))

    assert desired_route(HOST, some, OperatorSettings(), after(later_s)) == desired_route(
        HOST, shuffled, OperatorSettings(), after(later_s)
    )


@given(st.lists(GIVEN, min_size=1, max_size=4), SECONDS, KINDS)
def test_a_route_is_in_place_once_it_is_as_it_should_be_and_not_before(
    grants: list[Given], later_s: int, kind: RouteKind
) -> None:
    settings = OperatorSettings(route_kind=kind)
    before = desired_route(HOST, sharers(grants), settings, NOW)
    now = desired_route(HOST, sharers(grants), settings, after(later_s))

    if now is not None:
        assert is_in_place(now, now)
        assert before is not None
        assert is_in_place(now, before) == (before == now)


@given(st.lists(PREFIXES, min_size=1, max_size=8))
def test_the_union_is_the_shortest_list_that_covers_the_same(paths: list[str]) -> None:
    union = union_of_paths(Scope.of(paths, ["GET"]).paths)

    assert set(union) <= set(paths)
    assert list(union) == sorted(set(union))
    assert not [(one, two) for one in union for two in union if one != two and is_below(one, two)]
    assert all(any(is_below(path, prefix) for prefix in union) for path in paths)


@given(st.sets(st.integers(0, 127), min_size=1).map(sorted))
def test_the_rules_of_an_http_route_hold_every_path_once_and_at_most_64_each(numbers: list[int]) -> None:
    paths = tuple(f"/p{number}" for number in numbers)
    route = desired_route(HOST, sharers([Given(paths, 0, 5)]), OperatorSettings(route_kind=RouteKind.HTTP_ROUTE), NOW)

    assert route is not None
    rules = route["spec"]["rules"]
    assert all(1 <= len(rule["matches"]) <= 64 for rule in rules)
    assert sorted(match["path"]["value"] for rule in rules for match in rule["matches"]) == sorted(paths)


@given(st.sets(HOSTS, min_size=2, max_size=8))
@example({parse_host("a-b.example.test"), parse_host("a.b.example.test")})
@example({parse_host(f"{'x' * 63}.{label}.example.test") for label in "ab"})
def test_every_host_has_a_name_of_its_own_that_kubernetes_takes(hosts: set[Host]) -> None:
    names = {route_name(host) for host in hosts}

    assert len(names) == len(hosts)
    assert all(DNS_LABEL.fullmatch(name) for name in names)


@given(HOSTS, KINDS)
@example(parse_host(f"{'x' * 62}.b.test"), RouteKind.INGRESS)
def test_a_route_is_for_one_exact_host_with_labels_that_kubernetes_takes(host: Host, kind: RouteKind) -> None:
    route = desired_route(host, [Given(("/",), 0, 5).sharer(1)], OperatorSettings(route_kind=kind), NOW)

    assert route is not None
    assert {named for named, _, _ in served(route)} == {host}
    assert "*" not in str(route["spec"])
    assert all(LABEL_VALUE.fullmatch(value) for value in route["metadata"]["labels"].values())
    assert route["metadata"]["annotations"]["jitgress.dev/host"] == host
