"""Conditions in CEL hold only if they are true. Each way in which the library would let somebody in is tried."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any, Final

import pytest
from cel_expr_python import cel  # type: ignore[import-untyped]  # see jitgress.crds.expressions

from jitgress.crds.expressions import MAX_EXPRESSION, CelExpression, compile_expression
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances, Expression
from jitgress.domain.subject import Subject
from tests.builders import NOW, a_request, a_target, after, what_is_seen

HALF_A_PAIR: Final = "\ud800"
ALICE: Final = Subject(
    "alice", frozenset({"dev", "oncall"}), frozenset({("jitgress.dev/amr", "otp"), ("jitgress.dev/amr", "pwd")})
)


def circumstances(*, subject: Subject = ALICE, labels: dict[str, str] | None = None, **changes: Any) -> Circumstances:
    """Return alice's request for shop/orders, a payment service, with these fields of the request changed."""
    request = replace(a_request(requester=subject), **changes)
    return what_is_seen(subject, a_target(labels=labels or {"tier": "payment"}), request, after(600))


def holds(text: str, **changes: Any) -> bool:
    return compile_expression(text).holds(circumstances(**changes))


def complaint(text: str, **changes: Any) -> InvalidValueError:
    """Return why `text` can't be compiled, or has no value."""
    with pytest.raises(InvalidValueError) as caught:
        holds(text, **changes)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        'subject.username == "alice"',
        '"oncall" in subject.groups',
        'subject.groups == ["dev", "oncall"]',
        '"otp" in subject.claims["jitgress.dev/amr"]',
        'subject.claims == {"jitgress.dev/amr": ["otp", "pwd"]}',
        'target.namespace == "shop"',
        'target.name == "orders"',
        'target.host.endsWith(".example.test")',
        'target.labels.tier == "payment"',
        'request.reason.startsWith("INC-123")',
        r'request.reason.matches("^INC-\\d+ ")',
        'request.ticket == "CHG-7"',
        'request.duration <= duration("30m")',
        'request.paths == ["/api"]',
        'request.methods == ["GET"]',
        "request.breakGlass",
        'request.askedAt == timestamp("2026-01-01T10:00:00Z")',
        'request.opensAt - request.askedAt == duration("10m")',
        "request.askedAt.getHours() == 10",
        'request.askedAt.getHours("+02:00") == 12',
    ],
)
def test_each_name_of_the_environment_says_what_the_request_says(text: str) -> None:
    condition: Expression = compile_expression(text)

    assert condition.holds(circumstances(ticket="CHG-7", paths=("/api",), methods=("GET",), break_glass=True))


def test_what_a_request_leaves_out_is_what_it_would_be_given() -> None:
    assert holds('request.duration == duration("1h")', duration=None)
    assert holds('request.paths == ["/"] && request.methods == ["GET", "POST"]')
    assert holds('!request.breakGlass && !request.extends && request.ticket == ""')


def test_a_condition_that_is_false_does_not_hold() -> None:
    assert not holds('subject.username == "bob"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1"),
        ("subject.username ==", "line 1, column 20"),
        ("true\n&& &&", "line 2, column 4"),
        ("request.nope", "undeclared reference to 'request.nope'"),
        ("now > request.askedAt", "undeclared reference to 'now'"),
        ("subject", "undeclared reference to 'subject'"),
        ("subject.username == 1", "no matching overload"),
        ("request.breakGlass == 'true'", "no matching overload"),
        ("subject.username", "of type string, not a bool"),
        ("1", "of type int, not a bool"),
        ("'true'", "of type string, not a bool"),
        ("null", "of type null, not a bool"),
        ("[true]", "not a bool"),
        ("[true, 1][0]", "of type dyn, not a bool"),
        ("true ? true : 'x'", "no matching overload"),
        ("dyn(true)", "undeclared reference to 'dyn'"),
        ("optional.of(true)", "undeclared reference"),
        ("target.labels[?'x'].orValue('y') == 'y'", "unsupported syntax"),
        ("'a' + 'b' == 'ab'", "no matching overload for '_+_'"),
        ("[1] + [2] == [1, 2]", "no matching overload for '_+_'"),
        ("subject.groups.map(g, g) == []", "undeclared reference"),
        ("subject.groups.filter(g, g == 'dev') == []", "undeclared reference"),
        ("(" * 40 + "true" + ")" * 40, "recursion limit exceeded"),
        ("true" + " " * MAX_EXPRESSION, "2,052 characters, 2,048 at most"),
        (f"'{HALF_A_PAIR}' == ''", "half a surrogate pair"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_no_condition_is_refused_when_it_is_compiled(text: str, words: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        compile_expression(text)

    assert words in caught.value.message
    assert caught.value.remedy


def test_a_complaint_names_what_is_known() -> None:
    assert "subject.username" in complaint("request.nope").remedy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('target.labels.team == "x"', "Key not found"),
        ('target.labels.team != "x"', "Key not found"),
        ('!(target.labels.team == "x")', "Key not found"),
        ('subject.claims["mfa"][0] == "yes"', "Key not found"),
        ('subject.claims["jitgress.dev/amr"][9] == "otp"', "index"),
        ("subject.groups[-1] != 'contractors'", "index"),
        ("1 / (size(request.ticket)) == 1", "divide by zero"),
        ("int(request.ticket) == 1", "cannot convert"),
        ("timestamp(request.ticket) < request.askedAt", "timestamp"),
        ('request.askedAt.getHours("Nowhere/Atall") >= 0', "timezone"),
        ("9223372036854775807 + size(subject.groups) > 0", "overflow"),
        ('true && target.labels.team == "x"', "Key not found"),
        ('false || target.labels.team == "x"', "Key not found"),
        ('subject.groups.all(g, target.labels[g] == "x")', "Key not found"),
        ('target.labels.team == "x" ? true : true', "Key not found"),
        ("request.duration > duration('1h')", "duration"),
    ],
)
def test_an_expression_without_a_value_raises_and_never_holds(text: str, words: str) -> None:
    longest = timedelta.max if "duration" in text else timedelta(minutes=5)

    assert words in complaint(text, duration=longest).message.lower().replace("key", "Key")


def test_the_library_gives_errors_as_values_that_python_takes_for_true() -> None:
    """Why `holds` looks at the type: where this fails one day, the library has changed its ways."""
    found = cel.NewEnv().compile("{'a': true}['b']").eval()

    assert bool(found.value())
    assert found.type() == cel.Type.ERROR


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (cel.Type.BOOL, "true"),
        (cel.Type.BOOL, 1),
        (cel.Type.BOOL, None),
        (cel.Type.ERROR, True),
        (cel.Type.UNKNOWN, True),
        (cel.Type.DYN, True),
        (cel.Type.NULL, None),
        (cel.Type.INT, 1),
    ],
    ids=["bool-text", "bool-number", "bool-none", "error", "unknown", "dyn", "null", "int"],
)
def test_only_a_bool_that_is_true_holds_whatever_the_library_returns(kind: Any, value: object) -> None:
    class Found:
        def type(self) -> Any:
            return kind

        def value(self) -> object:
            return value

    class Compiled:
        def eval(self, data: object) -> Found:
            assert data
            return Found()

    condition = compile_expression("true")
    object.__setattr__(condition, "_compiled", Compiled())

    with pytest.raises(InvalidValueError, match="neither true nor false"):
        condition.holds(circumstances())


def test_as_cel_says_or_is_true_where_one_side_is_whatever_the_other_is() -> None:
    assert holds('target.labels.team == "x" || subject.username == "alice"')
    assert not holds('target.labels.team == "x" && subject.username == "bob"')


def test_a_value_may_be_asked_for_first() -> None:
    text = 'has(target.labels.team) && target.labels.team == "x"'

    assert not holds(text)
    assert holds(text, labels={"team": "x"})
    assert not holds('"mfa" in subject.claims && "yes" in subject.claims["mfa"]')


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": HALF_A_PAIR},
        {"ticket": HALF_A_PAIR},
        {"subject": Subject("alice", frozenset({HALF_A_PAIR}))},
        {"subject": Subject("alice", claims=frozenset({("key", HALF_A_PAIR)}))},
        {"labels": {"key": HALF_A_PAIR}},
    ],
    ids=["reason", "ticket", "group", "claim", "label"],
)
def test_half_a_surrogate_pair_never_holds(changes: dict[str, Any]) -> None:
    assert "half a surrogate pair" in complaint("true", **changes).message


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "fine\x00evil"},
        {"ticket": "\x00"},
        {"subject": Subject("alice\x00")},
        {"subject": Subject("alice", frozenset({"dev\x00"}))},
        {"subject": Subject("alice", claims=frozenset({("key\x00", "value")}))},
        {"labels": {"key": "value\x00"}},
    ],
    ids=["reason", "ticket", "username", "group", "claim", "label"],
)
def test_a_text_with_a_nul_never_holds(changes: dict[str, Any]) -> None:
    """The library ends a text there: `request.reason == "fine"` would be true of `fine`, a NUL and anything."""
    assert "NUL" in complaint("true", **changes).message


def test_a_time_is_the_same_in_every_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))

    assert holds('request.askedAt == timestamp("2026-01-01T12:00:00+02:00")', created_at=elsewhere)
    assert holds('request.askedAt < timestamp("2026-01-01T10:00:00.001Z")', created_at=elsewhere)


def test_expressions_are_equal_if_their_texts_are() -> None:
    assert compile_expression("true") == compile_expression("true")
    assert compile_expression("true") != compile_expression("true ")
    assert len({compile_expression("true"), compile_expression("true")}) == 1
    assert isinstance(compile_expression("true"), CelExpression)
