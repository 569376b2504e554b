"""What an expression may cost is bounded, whatever its author, the requester and their identity provider write."""

from typing import Final

import pytest

from jitgress.crds.expression_tree import read_tree
from jitgress.crds.expressions import compile_expression
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.subject import Subject
from tests.builders import NOW, a_request, a_target, what_is_seen

GROUPS: Final = "subject.groups"


def somebody_in(groups: int, *, reason: str = "INC-1", length: int = 5) -> Circumstances:
    subject = Subject("alice", frozenset(f"{number:0{length}}" for number in range(groups)))
    return what_is_seen(subject, a_target(), a_request(requester=subject, reason=reason), NOW)


def nested(depth: int, inner: str = "true") -> str:
    for number in range(depth):
        inner = f"{GROUPS}.all(g{number}, {inner})"
    return inner


def test_two_loops_in_each_other_are_possible_and_three_are_not() -> None:
    assert compile_expression(nested(2)).holds(somebody_in(9))

    with pytest.raises(InvalidValueError, match="3 loops in each other, 2 at most"):
        compile_expression(nested(3))


@pytest.mark.parametrize(
    "text",
    [
        "[1].all(a, [2].exists(b, [3].exists_one(c, c == 3)))",
        "{1: 2}.all(a, {2: {3: 4}.all(b, [3].all(c, true))}[2])",
        "true || [[1].all(a, !([2].all(b, has(target.labels.x) || [3].all(c, true)) ? true : false))][0]",
    ],
)
def test_a_loop_is_counted_wherever_it_is_hidden(text: str) -> None:
    with pytest.raises(InvalidValueError, match="3 loops in each other"):
        compile_expression(text)


def test_a_loop_over_what_a_loop_gives_is_not_in_it() -> None:
    text = "[[1].all(a, true)].all(b, b)"

    assert compile_expression(f"[[{text}].all(c, c)].all(d, d)").holds(somebody_in(1))


def test_one_loop_over_five_thousand_groups_is_possible() -> None:
    assert compile_expression(f'{GROUPS}.exists(g, g == "04999")').holds(somebody_in(5000))


def test_two_loops_over_five_thousand_groups_are_not() -> None:
    condition = compile_expression(nested(2, "g0 == g0"))

    with pytest.raises(InvalidValueError, match="would take too long"):
        condition.holds(somebody_in(5000))


@pytest.mark.parametrize("text", ["{}", "{} || true", "true && {}"])
def test_the_rounds_of_all_loops_together_are_counted_and_nothing_covers_their_end_up(text: str) -> None:
    condition = compile_expression(text.format(nested(2, "g0 == g0")))

    assert condition.holds(somebody_in(90, length=2))
    with pytest.raises(InvalidValueError, match="more than 10,000 rounds"):
        condition.holds(somebody_in(110, length=3))


def test_a_megabyte_is_looked_at_a_few_times_but_not_in_a_loop() -> None:
    reason = "x" * 1_000_000

    assert compile_expression("!request.reason.contains('y')").holds(somebody_in(9, reason=reason))
    with pytest.raises(InvalidValueError, match="would take too long"):
        compile_expression(f"{GROUPS}.all(g, request.reason != g)").holds(somebody_in(200, reason=reason))


def test_matching_is_linear_in_the_text() -> None:
    """A matcher that backtracks would not come back; the runner's time-out is the judge."""
    hostile = compile_expression('request.reason.matches("(x+x+)+y")')

    assert not hostile.holds(somebody_in(1, reason="x" * 1_000_000))


@pytest.mark.parametrize(
    "call", ["{text}.matches({pattern})", "matches({text}, {pattern})"], ids=["method", "function"]
)
@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ('"("', "missing )"),
        ('""', "empty"),
        ('"(?=x)"', "invalid perl operator"),
        (r'"(?:\\pL{9}){30}"', "too large"),
        ("subject.username", "takes its pattern from a value"),
        ('(true ? "a" : "b")', "takes its pattern from a value"),
    ],
    ids=["broken", "empty", "look-ahead", "large", "variable", "chosen"],
)
def test_matches_takes_the_patterns_that_a_policy_can_have_elsewhere(call: str, pattern: str, complaint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        compile_expression(call.format(text="request.reason", pattern=pattern))

    assert complaint in caught.value.message
    assert caught.value.remedy


def test_a_large_pattern_costs_more_than_a_small_one() -> None:
    small, large = (f'{GROUPS}.all(g, !g.matches("{pattern}"))' for pattern in (r"\\d{9}", r"\\pL\\pL"))
    found = somebody_in(300, length=8)

    assert compile_expression(small).holds(found)
    with pytest.raises(InvalidValueError, match="would take too long"):
        compile_expression(large).holds(found)


def test_what_is_compared_counts_as_often_as_it_is_written() -> None:
    """A list of many large lists is one comparison, and as much work as many."""
    many = "[" + ", ".join([GROUPS] * 40) + "]"
    condition = compile_expression(f"{GROUPS}.all(g, {many} == {many})")

    assert condition.holds(somebody_in(100))
    with pytest.raises(InvalidValueError, match="would take too long"):
        condition.holds(somebody_in(1000))


@pytest.mark.parametrize("serialized", [b"\x12\x02\x23\x00", b"\x12\x04\x22\x02\x0b\x00"], ids=["group", "inner-group"])
def test_a_tree_that_cannot_be_read_permits_nothing(serialized: bytes) -> None:
    with pytest.raises(InvalidValueError, match="can't be read"):
        read_tree(serialized)
