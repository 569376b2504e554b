"""Conditions in CEL say what a plain reading of them in Python says, over everything that a small grammar can form.

The oracle follows CEL's specification where it differs from Python: `&&` and `||` are settled by either side alone,
whatever the other is, and so are `all` and `exists` by one item. `None` stands for "has no value".
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from jitgress.crds.expressions import compile_expression
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.subject import Subject
from tests.builders import NOW, a_request, a_target, what_is_seen

Truth = bool | None
Meaning = Callable[[Circumstances, str], Truth]
"""What a condition says of the circumstances, and of the item that the innermost loop is at."""

WORDS: Final = ("dev", "on call", "it's", 'a "b"', "a\\b", "größer", "🔥", "")
words: Final = st.sampled_from(WORDS)


@dataclass(frozen=True)
class Condition:
    text: str
    means: Meaning


def quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def both(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    return opposite(both(opposite(left), opposite(right)))


def opposite(of: Truth) -> Truth:
    return None if of is None else not of


def label_is(word: str) -> Meaning:
    return lambda found, _: found.target.labels["team"] == word if "team" in found.target.labels else None


def first_claim_is(word: str) -> Meaning:
    def means(found: Circumstances, _: str) -> Truth:
        values = sorted(value for key, value in found.subject.claims if key == "amr")
        return values[0] == word if values else None

    return means


def lasts_at_most(seconds: int) -> Meaning:
    return lambda found, _: (found.request.duration or timedelta(hours=1)) <= timedelta(seconds=seconds)


SIMPLE: Final = st.one_of(
    st.sampled_from([Condition("true", lambda *_: True), Condition("false", lambda *_: False)]),
    st.just(Condition("request.breakGlass", lambda found, _: found.request.break_glass)),
    words.map(lambda w: Condition(f"subject.username == {quoted(w)}", lambda found, _: found.subject.username == w)),
    words.map(lambda w: Condition(f"{quoted(w)} in subject.groups", lambda found, _: w in found.subject.groups)),
    words.map(lambda w: Condition(f"request.reason.contains({quoted(w)})", lambda found, _: w in found.request.reason)),
    words.map(lambda w: Condition(f"target.labels.team == {quoted(w)}", label_is(w))),
    words.map(lambda w: Condition(f'subject.claims["amr"][0] == {quoted(w)}', first_claim_is(w))),
    st.integers(0, 3).map(lambda s: Condition(f'request.duration <= duration("{s}s")', lasts_at_most(s))),
    st.just(Condition("has(target.labels.team)", lambda found, _: "team" in found.target.labels)),
    st.integers(0, 2).map(
        lambda n: Condition(f"size(request.paths) > {n}", lambda f, _: max(1, len(f.request.paths)) > n)
    ),
)
OF_ITEMS: Final = words.map(lambda w: Condition(f"item == {quoted(w)}", lambda _, item: item == w))


def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        inner.map(lambda a: Condition(f"!({a.text})", lambda *on: opposite(a.means(*on)))),
        st.tuples(inner, inner).map(lambda ab: joined("&&", both, *ab)),
        st.tuples(inner, inner).map(lambda ab: joined("||", either, *ab)),
        st.tuples(inner, inner, inner).map(lambda abc: chosen(*abc)),
    )


def joined(sign: str, rule: Callable[[Truth, Truth], Truth], a: Condition, b: Condition) -> Condition:
    return Condition(f"({a.text}) {sign} ({b.text})", lambda *on: rule(a.means(*on), b.means(*on)))


def chosen(question: Condition, a: Condition, b: Condition) -> Condition:
    def means(found: Circumstances, item: str) -> Truth:
        answer = question.means(found, item)
        return None if answer is None else (a if answer else b).means(found, item)

    return Condition(f"(({question.text}) ? ({a.text}) : ({b.text}))", means)


def looped(macro: str, inner: Condition) -> Condition:
    rule = both if macro == "all" else either
    start: Truth = macro == "all"

    def means(found: Circumstances, _: str) -> Truth:
        said = [inner.means(found, group) for group in sorted(found.subject.groups)]
        return reduce(rule, said, start)

    return Condition(f"subject.groups.{macro}(item, {inner.text})", means)


in_loops: Final = st.recursive(OF_ITEMS | SIMPLE, combined, max_leaves=4)
loops: Final = st.builds(looped, st.sampled_from(["all", "exists"]), in_loops)
conditions: Final = st.recursive(SIMPLE | loops, combined, max_leaves=6).filter(lambda each: len(each.text) <= 2048)


@st.composite
def found_circumstances(draw: st.DrawFn) -> Circumstances:
    claims = draw(st.frozensets(st.tuples(st.sampled_from(["amr", "acr"]), words), max_size=3))
    subject = Subject(draw(words), draw(st.frozensets(words, max_size=4)), claims)
    request = replace(
        a_request(requester=subject, reason=" ".join(draw(st.lists(words, max_size=3)))),
        duration=draw(st.none() | st.integers(1, 4).map(lambda s: timedelta(seconds=s))),
        paths=draw(st.sampled_from([(), ("/a",), ("/a", "/b")])),
        break_glass=draw(st.booleans()),
    )
    labels = draw(st.dictionaries(st.sampled_from(["team", "tier"]), words, max_size=2))
    return what_is_seen(subject, a_target(labels=labels or {"other": "x"}), request, NOW)


def said_of(condition: Condition, circumstances: Circumstances) -> Truth:
    """Return what the library says, with None where it raises."""
    try:
        return compile_expression(condition.text).holds(circumstances)
    except InvalidValueError as error:
        if "neither true nor false" in error.message:
            return None
        raise


@given(conditions, found_circumstances())
def test_a_condition_holds_exactly_where_a_plain_reading_says_so(
    condition: Condition, circumstances: Circumstances
) -> None:
    assert said_of(condition, circumstances) is condition.means(circumstances, "")


@given(st.text(max_size=40), found_circumstances())
@example("true || [1,2,3].all(x, x > 0) ? 'x' : 'y'", what_is_seen(Subject("a"), a_target(), a_request(), NOW))
def test_any_text_is_a_condition_or_is_refused_as_none(text: str, circumstances: Circumstances) -> None:
    try:
        found: object = compile_expression(text).holds(circumstances)
    except InvalidValueError as error:
        found = bool(error.remedy)

    assert isinstance(found, bool)


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_are_equal_exactly_if_they_are_the_same_or_are_refused(reason: str, ticket: str) -> None:
    request = replace(a_request(reason=reason), ticket=ticket)
    condition = compile_expression("request.reason == request.ticket")

    try:
        holds = condition.holds(what_is_seen(Subject("a"), a_target(), request, NOW))
    except InvalidValueError:
        assert "\x00" in reason + ticket
    else:
        assert holds == (reason == ticket)
