"""Invariant 1, the domain's side: what is inside a scope stays inside, whoever reads the path and however often."""

import posixpath
import re
from collections.abc import Callable
from itertools import permutations
from typing import Final
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from jitgress.domain.scope import Method, Scope, canonical_path

SEGMENTS: Final = st.sampled_from(["a", "b", "api", "apix", "a.b", "v1", "~x"])
PREFIXES: Final = st.lists(SEGMENTS, max_size=3).map(lambda segments: "/" + "/".join(segments))
METHODS: Final = st.sets(st.sampled_from(list(Method)), min_size=1, max_size=3)
SCOPES: Final = st.builds(Scope.of, st.lists(PREFIXES, min_size=1, max_size=3), METHODS)
ENDS: Final = st.sampled_from(["", "/"])
CLEAN_PATHS: Final = st.builds(lambda prefix, end: prefix.rstrip("/") + end or "/", PREFIXES, ENDS)

# Pieces that attackers put together. Escapes are made of their parts, too, so that they arise by chance.
PIECES: Final = st.one_of(
    st.sampled_from(
        ["/", "//", ".", "..", "a", "api", "x", "2e", "2f", "5c", "%", "%2", "+", "~", "*", "?", "#", "\\"]
    ),
    st.sampled_from(
        ["%2e", "%2E", "%2f", "%2F", "%5c", "%3b", "%25", "%252e", "%00", "%41", "%61", "%20", ";", ";a=b"]
    ),
    st.sampled_from(["%c0%ae", "%c0%af", "%e0%80%af", "\u00e9", "\n", "\x00", " "]),
)
NASTY: Final = st.lists(PIECES, max_size=12).map("".join)


def fold_backslashes(path: str) -> str:
    return path.replace("\\", "/")


def strip_parameters(path: str) -> str:
    return "/".join(segment.partition(";")[0] for segment in path.split("/"))


def merge_slashes(path: str) -> str:
    return re.sub("/+", "/", path)


def resolve_dots(path: str) -> str:
    return re.sub("^//", "/", posixpath.normpath(path))


def decode(path: str) -> str:
    return unquote(path, encoding="latin-1")


def decode_overlong(path: str) -> str:
    """Decode as a careless reader of UTF-8 does: any two- or three-byte form, however short it could be."""
    text = decode(path)
    text = re.sub("[\xc0-\xdf][\x80-\xbf]", lambda m: chr((ord(m[0][0]) & 31) << 6 | ord(m[0][1]) & 63), text)
    return re.sub(
        "[\xe0-\xef][\x80-\xbf]{2}",
        lambda m: chr((ord(m[0][0]) & 15) << 12 | (ord(m[0][1]) & 63) << 6 | ord(m[0][2]) & 63),
        text,
    )


def cut_at_query(path: str) -> str:
    return re.split("[?#\x00]", path)[0]


READERS: Final[tuple[Callable[[str], str], ...]] = (
    decode,
    fold_backslashes,
    strip_parameters,
    merge_slashes,
    resolve_dots,
    cut_at_query,
)


def is_inside(prefix: str, path: str) -> bool:
    """Compare segment by segment, without looking at the text as a whole."""
    wanted = [segment for segment in prefix.split("/") if segment]
    return path.split("/")[1:][: len(wanted)] == wanted


@given(scope=SCOPES, method=st.sampled_from([*Method, "get", "CONNECT", ""]), path=CLEAN_PATHS)
def test_a_scope_permits_what_a_comparison_of_segments_permits(scope: Scope, method: str, path: str) -> None:
    expected = method in {str(each) for each in scope.methods} and any(
        is_inside(prefix, path) for prefix in scope.paths
    )

    assert scope.permits(method, path) is expected


@given(one=SCOPES, other=SCOPES, method=st.sampled_from(list(Method)), path=CLEAN_PATHS)
def test_the_meet_permits_exactly_what_both_permit(one: Scope, other: Scope, method: Method, path: str) -> None:
    meet = one.meet(other)
    is_in_both = one.permits(method, path) and other.permits(method, path)

    assert (meet is not None and meet.permits(method, path)) is is_in_both


@given(one=SCOPES, other=SCOPES)
def test_the_meet_is_within_both_and_the_same_from_either_side(one: Scope, other: Scope) -> None:
    meet = one.meet(other)

    assert other.meet(one) == meet
    if meet is not None:
        assert meet.within(one)
        assert meet.within(other)
        assert meet.meet(one) == meet


@given(scope=SCOPES, ceiling=SCOPES)
def test_within_means_that_the_meet_takes_nothing_away(scope: Scope, ceiling: Scope) -> None:
    assert scope.meet(scope) == scope
    if scope.within(ceiling):
        meet = scope.meet(ceiling)
        assert meet is not None
        assert scope.within(meet)


@given(inner=SCOPES, middle=SCOPES, outer=SCOPES)
def test_within_is_reflexive_and_transitive(inner: Scope, middle: Scope, outer: Scope) -> None:
    assert inner.within(inner)
    if inner.within(middle) and middle.within(outer):
        assert inner.within(outer)


@given(scope=SCOPES, ceiling=SCOPES, method=st.sampled_from(list(Method)), path=CLEAN_PATHS)
def test_a_wider_scope_permits_no_less(scope: Scope, ceiling: Scope, method: Method, path: str) -> None:
    if scope.within(ceiling) and scope.permits(method, path):
        assert ceiling.permits(method, path)


@given(scope=SCOPES, ceiling=SCOPES)
def test_what_is_not_within_has_a_witness(scope: Scope, ceiling: Scope) -> None:
    witnesses = [
        (method, path) for method in scope.methods for path in scope.paths if not ceiling.permits(method, path)
    ]

    assert scope.within(ceiling) is not bool(witnesses)


@given(prefix=PREFIXES, tail=NASTY)
@example(prefix="/api", tail="/%252e%252e/admin")
@example(prefix="/api", tail="/%25%32%65%25%32%65/admin")
@example(prefix="/api", tail="/%c0%ae%c0%ae/admin")
def test_no_reader_takes_a_permitted_path_for_one_outside(prefix: str, tail: str) -> None:
    scope, raw = Scope.of([prefix], ["GET"]), prefix + tail
    if not scope.permits("GET", raw):
        return

    for order in permutations(READERS):
        seen = raw
        for read in (*order, *order):  # twice: behind one server stands another
            seen = read(seen)
        assert is_inside(prefix, seen), (order, seen)
    assert is_inside(prefix, resolve_dots(decode_overlong(decode_overlong(raw))))


@given(raw=st.one_of(NASTY, st.text()).map(lambda text: "/" + text))
def test_every_reader_sees_the_same_segments_in_a_canonical_path(raw: str) -> None:
    if canonical_path(raw) is None:
        return

    seen = resolve_dots(merge_slashes(strip_parameters(fold_backslashes(decode(decode(raw))))))

    assert seen.rstrip("/").count("/") == raw.rstrip("/").count("/")
    assert raw.isascii()


@given(segments=st.lists(st.text("abcXYZ019-_~.!$&'()*+,=:@", min_size=1), max_size=5), slash=ENDS)
def test_ordinary_paths_are_not_refused(segments: list[str], slash: str) -> None:
    if {".", ".."} & set(segments):
        return
    raw = "/" + "/".join(segments) + (slash if segments else "")

    assert canonical_path(raw) == raw
