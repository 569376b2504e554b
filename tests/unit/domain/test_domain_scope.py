"""Path prefixes, raw paths and scopes, example by example."""

from collections.abc import Callable
from typing import cast

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.scope import (
    MAX_PATH_LENGTH,
    Method,
    PathPrefix,
    Scope,
    canonical_path,
    covers,
    parse_method,
    parse_path_prefix,
)
from tests.builders import a_scope


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("/", "/"),
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/a/b.c/~d", "/a/b.c/~d"),
        ("/...", "/..."),
        ("/.well-known", "/.well-known"),
        ("/X/", "/X"),
    ],
)
def test_a_path_prefix_loses_its_final_slash(text: str, prefix: str) -> None:
    assert parse_path_prefix(text) == prefix


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api",
        "//",
        "/a//b",
        "/a/../b",
        "/..",
        "/./a",
        "/.",
        "/a*",
        "/a?b",
        "/a%20b",
        "/a;b",
        "/a b",
        "/a\\b",
        "/\u00fc",
        "/a\n",
        "/" + "a" * 1024,
    ],
)
def test_what_is_not_a_path_prefix_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a path prefix"):
        parse_path_prefix(text)


def test_a_path_prefix_of_the_greatest_length_is_taken() -> None:
    longest = "/" + "a" * (MAX_PATH_LENGTH - 1)

    assert parse_path_prefix(longest) == longest
    assert MAX_PATH_LENGTH == 1024


def test_a_method_is_one_of_seven_in_upper_case() -> None:
    assert [parse_method(name) for name in Method] == list(Method)
    for text in ("get", "CONNECT", "TRACE", "", "GET ", "*"):
        with pytest.raises(InvalidValueError, match="is not a method that can be granted") as caught:
            parse_method(text)
        assert caught.value.remedy == "Use one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS."


@pytest.mark.parametrize(
    "raw",
    ["/", "/api", "/api/", "/a/b.c", "/...", "/..a", "/a.", "/a..", "/%20", "/%C3%BC", "/a:b@c!$&'()*+,=~|<>^", "/%41"],
)
def test_a_path_that_every_server_reads_alike_is_taken(raw: str) -> None:
    assert canonical_path(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "*",
        "a",
        "http://x/",
        "/a//b",
        "//",
        "/a\\b",
        "/a;b",
        "/a#b",
        "/a?b",
        "/.",
        "/..",
        "/./a",
        "/../a",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/%",
        "/%2",
        "/%g0",
        "/%0g",
        "/%2e",
        "/%2E",
        "/%2f",
        "/%2F",
        "/%5c",
        "/%5C",
        "/%3b",
        "/%3B",
        "/%00",
        "/%1f",
        "/%7f",
        "/%25",
        "/%252e",
        "/%c0%ae",
        "/%C1%81",
        "/%e0%80%ae",
        "/%E0%9f%bf",
        "/%F0%8f%bf%bf",
        "/a b",
        "/\x7f",
        "/\u00fc",
        "/a\n",
        "/\t",
    ],
)
def test_an_ambiguous_path_is_refused(raw: str) -> None:
    assert canonical_path(raw) is None


@pytest.mark.parametrize(
    ("prefix", "path", "is_covered"),
    [
        ("/", "/x", True),
        ("/", "/", True),
        ("/api", "/api", True),
        ("/api", "/api/", True),
        ("/api", "/api/x", True),
        ("/api", "/apix", False),
        ("/api", "/", False),
        ("/api", "/API", False),
        ("/api/v1", "/api", False),
        ("/api", "/x/api", False),
    ],
)
def test_a_prefix_covers_whole_segments(prefix: str, path: str, *, is_covered: bool) -> None:
    assert covers(parse_path_prefix(prefix), path) is is_covered


def test_a_scope_permits_its_methods_on_its_paths_only() -> None:
    scope = a_scope("/api", "/app", methods=["GET", "HEAD"])

    assert scope.permits("GET", "/api/x")
    assert scope.permits("HEAD", "/app")
    for method, path in (
        ("POST", "/api"),
        ("get", "/api"),
        ("GET", "/"),
        ("GET", "/api/../x"),
        ("GET", "/api?x"),
        ("", "/api"),
    ):
        assert not scope.permits(method, path)


@pytest.mark.parametrize(("paths", "methods"), [([], ["GET"]), (["/"], []), ([], [])])
def test_an_empty_scope_cannot_be_made(paths: list[str], methods: list[str]) -> None:
    with pytest.raises(InvalidValueError, match=r"^a scope names no path or no method$") as caught:
        Scope.of(paths, methods)
    assert caught.value.remedy == "Name at least one of each."


def test_a_scope_made_by_hand_takes_prefixes_without_final_slash() -> None:
    with pytest.raises(InvalidValueError) as caught:
        Scope((PathPrefix("/" + "a" * 100 + "/"),), frozenset({Method.GET}))
    assert caught.value.message == f"'/{'a' * 79}' ends in a slash"
    assert caught.value.remedy == "Make scopes with Scope.of."


@pytest.mark.parametrize(
    ("parse", "limit", "what"),
    [(parse_path_prefix, 80, "path prefix"), (parse_method, 40, "method that can be granted")],
)
def test_a_refused_text_is_told_short(parse: Callable[[str], object], limit: int, what: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse("*" * 1000)
    assert caught.value.message == f"'{'*' * limit}' is not a {what}"


def test_a_scope_is_sorted_and_without_repetition() -> None:
    scope = Scope.of(["/b", "/a/", "/a"], ["POST", "GET", "GET"])

    assert scope.paths == ("/a", "/b")
    assert scope.sorted_methods() == ("GET", "POST")
    assert str(scope) == "GET, POST on /a, /b"


def test_a_scope_takes_known_methods_only() -> None:
    with pytest.raises(InvalidValueError, match="CONNECT"):
        Scope(a_scope("/").paths, cast("frozenset[Method]", frozenset({"CONNECT"})))


def test_what_two_scopes_share_is_the_narrower_of_each_path() -> None:
    one, other = a_scope("/api", "/app/x", methods=["GET", "PUT"]), a_scope("/api/v1", "/app", "/z", methods=["GET"])

    assert one.meet(other) == other.meet(one) == a_scope("/api/v1", "/app/x", methods=["GET"])
    assert one.meet(a_scope("/z", methods=["GET"])) is None
    assert one.meet(a_scope("/api", methods=["HEAD"])) is None


def test_what_is_outside_a_ceiling_is_named() -> None:
    scope, ceiling = a_scope("/a", "/b", "/c/d", methods=["GET", "PUT", "DELETE"]), a_scope("/a", "/c", methods=["GET"])

    assert scope.paths_outside(ceiling) == ("/b",)
    assert scope.methods_outside(ceiling) == ("DELETE", "PUT")
    assert not scope.within(ceiling)
    assert not a_scope("/b", methods=["GET"]).within(ceiling)
    assert not a_scope("/a", methods=["PUT"]).within(ceiling)
    assert a_scope("/c/d", methods=["GET"]).within(ceiling)
