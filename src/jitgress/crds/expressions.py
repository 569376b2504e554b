"""Conditions that policies state in CEL, the Common Expression Language (https://cel.dev), on what a request says.

    name                type                       what it is
    subject.username    string                     who asks, as the API server authenticated them
    subject.groups      list<string>               all of their groups
    subject.claims      map<string, list<string>>  what else their sign-in said: each key with its values
    target.namespace    string                     where the target is
    target.name         string                     what it is called
    target.host         string                     the host that would be published
    target.labels       map<string, string>        its labels
    request.reason      string                     what the access is for
    request.ticket      string                     the ticket; "" where none is named
    request.duration    duration                   how long it would be open; of an extension until its end
    request.paths       list<string>               the paths that would be open
    request.methods     list<string>               the methods that would be open
    request.breakGlass  bool                       whether it is to open at once
    request.extends     bool                       whether it extends what is open
    request.askedAt     timestamp                  when it was asked for
    request.opensAt     timestamp                  when it would open; asked once more when that is known for certain

With them go CEL's standard functions and the macros `has`, `all`, `exists` and `exists_one`. Left out is what makes new
texts or lists (`+` on them, `map`, `filter`), and `dyn`, which would switch the type check off. There is no "now": the
same request always gets the same answer (invariant 10).

Fail closed: an expression must compile to a bool, have the value of a bool, and that value must be `True`. The library
returns errors as values, which are true in Python's eyes; here whatever isn't a bool raises `InvalidValueError`. As in
CEL's specification `true || x` is true, and `x || true` too, even where x has no value.

What bounds the work: `MAX_EXPRESSION`; the library's own limits (32 levels of brackets, 10,000 rounds of all loops
together); `MAX_DEPTH` of loops in each other; and, since the library has no limit for what one round costs, `MAX_WORK`:
every step that compares or searches, as often as it can be done, times all characters that there are. As nothing makes
new texts or lists, no value is larger than what was there at the start. `matches` is RE2, in time linear in the text,
and takes only patterns that `compile_pattern` takes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

from cel_expr_python import cel  # type: ignore[import-untyped]  # its stubs lack the marker that mypy looks for

from jitgress.crds.expression_tree import ExpressionTree, read_tree
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances

MAX_EXPRESSION: Final = 2048
MAX_DEPTH: Final = 2
MAX_WORK: Final = 200_000_000
"""Characters looked at. Measured at 0.4 to 5 ns each: a second at worst, and far less for what people write: a loop
over 200 groups of 20 characters, each compared with a name, is a million."""

_ROUNDS: Final = 10_000  # of all loops together: the library's `comprehension_max_iterations`
_STEP: Final = 100  # what a step costs that looks at nothing, in characters
_MOST_SHOWN: Final = 80
_FAILURES: Final = (RuntimeError, TypeError, ValueError)  # what the library's binding makes of errors in C++

_STRING: Final = "string"
_TEXTS: Final = "list<string>"
_TYPES: Final = {
    "subject.username": _STRING,
    "subject.groups": _TEXTS,
    "subject.claims": "map<string,list<string>>",
    "target.namespace": _STRING,
    "target.name": _STRING,
    "target.host": _STRING,
    "target.labels": "map<string,string>",
    "request.reason": _STRING,
    "request.ticket": _STRING,
    "request.duration": "duration",
    "request.paths": _TEXTS,
    "request.methods": _TEXTS,
    "request.breakGlass": "bool",
    "request.extends": "bool",
    "request.askedAt": "timestamp",
    "request.opensAt": "timestamp",
}
_LEFT_OUT: Final = """
name: jitgress
stdlib:
  exclude_macros: [map, filter]
  exclude_functions:
  - name: _+_
    overloads: [{id: add_list}, {id: add_string}, {id: add_bytes}]
  - name: dyn
"""
_REMEDY: Final = (
    f"Known are {', '.join(_TYPES)}, CEL's standard functions, and has, all, exists and exists_one; "
    "not map, filter, dyn, or + on texts and lists."
)
_COMPLAINT: Final = re.compile(
    r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \(in container ''\))?(?: \[[A-Z_]+\])?$", re.MULTILINE
)
_STATUS: Final = re.compile(r"(?:[A-Z_]+: )?(.*?)(?: \[[A-Z_]+\])?", re.DOTALL)

Data = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CelExpression:
    """A condition as `compile_expression` returns it. Two are equal if their texts are."""

    text: str
    _compiled: cel.Expression = field(repr=False, compare=False)
    _tree: ExpressionTree = field(repr=False, compare=False)

    def holds(self, circumstances: Circumstances) -> bool:
        """Tell whether the condition is true.

        Raises `InvalidValueError` where it has no value that is true or false, or would take too long.
        """
        data = _data(circumstances)
        self._refuse_long_work(data)
        try:
            found = self._compiled.eval(data=data)
            kind, value = found.type(), cast("object", found.value())
        except _FAILURES as error:
            raise self._failed(str(error)) from error
        if kind != cel.Type.BOOL or not isinstance(value, bool):
            raise self._without_value(str(value))
        return value is True

    def _refuse_long_work(self, data: Data) -> None:
        sizes = [size for value in data.values() for size in _sizes(value)]
        characters = len(self.text) + sum(sizes)
        items = max(len(sizes), self._tree.nodes)
        work = sum(
            min(items**depth, _ROUNDS) * (steps.all * _STEP + steps.looking * characters)
            for depth, steps in enumerate(self._tree.steps)
        )
        if work > MAX_WORK:
            raise self._too_long(f"up to {work:,} characters looked at, {MAX_WORK:,} at most are possible")

    def _failed(self, why: str) -> InvalidValueError:
        return self._too_long(f"more than {_ROUNDS:,} rounds") if "budget" in why else self._without_value(why)

    def _too_long(self, why: str) -> InvalidValueError:
        return InvalidValueError(
            f"expression {_shown(self.text)} would take too long: {why}",
            remedy="Shorten what the request and its requester say, or put fewer steps into the loops.",
        )

    def _without_value(self, why: str) -> InvalidValueError:
        return InvalidValueError(
            f"expression {_shown(self.text)} is neither true nor false here: {_plain(why)}",
            remedy='Ask first whether a value is there: has(target.labels.team) && …, "KEY" in subject.claims && ….',
        )


def compile_expression(text: str) -> CelExpression:
    """Return the condition `text`.

    Raises `InvalidValueError` for one that is too long, can't be understood, isn't a bool, or nests loops too deeply.
    """
    if len(text) > MAX_EXPRESSION:
        raise InvalidValueError(
            f"an expression has {len(text):,} characters, {MAX_EXPRESSION:,} at most are possible", remedy="Shorten it."
        )
    try:
        compiled = _environment().compile(_whole(text))
        kind = compiled.return_type()
        serialized = compiled.serialize()
    except _FAILURES as error:
        raise InvalidValueError(
            f"expression {_shown(text)} can't be understood: {_complaint(str(error))}", remedy=_REMEDY
        ) from error
    if kind != cel.Type.BOOL:
        raise InvalidValueError(
            f"expression {_shown(text)} is of type {kind.name().lower()}, not a bool",
            remedy="Compare it with something, so that it is true or false.",
        )
    return CelExpression(text, compiled, _tree(text, serialized))


def _tree(text: str, serialized: bytes) -> ExpressionTree:
    try:
        tree = read_tree(serialized)
    except InvalidValueError as error:
        raise InvalidValueError(f"expression {_shown(text)}: {error.message}", remedy=error.remedy) from error
    if tree.depth > MAX_DEPTH:
        raise InvalidValueError(
            f"expression {_shown(text)} has {tree.depth} loops in each other, {MAX_DEPTH} at most are possible",
            remedy="Ask for fewer things at once.",
        )
    return tree


@cache
def _environment() -> cel.Env:
    """Return what expressions know. It is made at the first use: nobody should pay for it who has no expression."""
    config = cel.NewEnvConfigFromYaml(_LEFT_OUT)
    return cel.NewEnv(config=config, variables={name: cel.Type(kind) for name, kind in _TYPES.items()})


def _data(found: Circumstances) -> Data:
    """Return the values of all names. What the domain keeps without an order is sorted: each run sees the same."""
    subject, target, request = found.subject, found.target, found.request
    keys = sorted({key for key, _ in subject.claims})
    return {
        "subject.username": _whole(subject.username),
        "subject.groups": _texts(sorted(subject.groups)),
        "subject.claims": {_whole(key): _texts(sorted(subject.values_of(key))) for key in keys},
        "target.namespace": _whole(target.ref.namespace),
        "target.name": _whole(target.ref.name),
        "target.host": _whole(target.host),
        "target.labels": {_whole(key): _whole(value) for key, value in sorted(target.labels.items())},
        "request.reason": _whole(request.reason),
        "request.ticket": _whole(request.ticket),
        "request.duration": found.duration,
        "request.paths": _texts(found.scope.paths),
        "request.methods": _texts(found.scope.sorted_methods()),
        "request.breakGlass": request.break_glass,
        "request.extends": request.extends is not None,
        "request.askedAt": request.created_at,
        "request.opensAt": found.opens_at,
    }


def _texts(found: Iterable[str]) -> list[str]:
    return [_whole(each) for each in found]


def _whole(text: str) -> str:
    """Return `text` as a plain string.

    Raises `InvalidValueError` for what the library can't take: half a surrogate pair, and a NUL, at which it would end
    the text, so that `fine` and `fine` with anything after a NUL were equal.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"{_shown(text)} is not Unicode: it has half a surrogate pair", remedy="Write it in whole characters."
        ) from error
    if "\x00" in text:
        raise InvalidValueError(f"{_shown(text)} has a NUL, which expressions can't take", remedy="Leave it out.")
    return str(text)


def _sizes(value: object) -> Iterator[int]:
    """Yield the size of each text in `value`; other values are as good as nothing."""
    if isinstance(value, str):
        yield len(value)
    elif isinstance(value, Mapping):
        for key, each in cast("Mapping[str, object]", value).items():
            yield len(key)
            yield from _sizes(each)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _sizes(each)


def _complaint(said: str) -> str:
    """Return the first complaint of the compiler, without its drawing of the place."""
    found = _COMPLAINT.search(said)
    if found is None:
        return _plain(said)
    return found[3] if found[1].startswith("-") else f"line {found[1]}, column {found[2]}: {found[3]}"


def _plain(said: str) -> str:
    """Return an error of the library without the names of its kind."""
    found = _STATUS.fullmatch(said)
    return (found[1] if found else said)[: 2 * _MOST_SHOWN]


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…")
