"""The tree of a compiled CEL expression: how deep its loops go, how many steps they hold, and what they match.

It is read from `cel.expr.CheckedExpr` in the wire format of Protocol Buffers (cel-spec, `checked.proto` and
`syntax.proto`): a few fields, for which neither the generated classes nor their library are needed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from jitgress.crds.patterns import compile_pattern
from jitgress.domain.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Steps:
    """How many steps there are, and how many of them look at texts or lists: compare, search, take apart."""

    all: int
    looking: int


@dataclass(frozen=True, slots=True)
class ExpressionTree:
    """How much there is to do: `steps[0]` outside of every loop, `steps[1]` in each round of one, `steps[2]` of two."""

    steps: tuple[Steps, ...]

    @property
    def depth(self) -> int:
        """How many loops stand in each other."""
        return len(self.steps) - 1

    @property
    def nodes(self) -> int:
        """How many steps are written; no list that is written has more items."""
        return sum(steps.all for steps in self.steps)


def read_tree(serialized: bytes) -> ExpressionTree:
    """Return the tree of a serialized expression.

    Raises `InvalidValueError` where a pattern isn't a literal, or isn't one that `compile_pattern` takes.
    """
    steps, looking = Counter[int](), Counter[int]()
    waiting = [(_only(_only(memoryview(serialized), _ANY_VALUE), _CHECKED_EXPR), 0)]
    while waiting:
        node, depth = waiting.pop()
        steps[depth] += 1
        for kind, content in _fields(node):
            children = list(_children(kind, content))
            looking[depth] += _looks(kind, content, len(children))
            waiting += ((child, depth + deeper) for child, deeper in children)
    return ExpressionTree(tuple(Steps(steps[depth], looking[depth]) for depth in range(max(steps) + 1)))


class _Kind(IntEnum):
    """What an `Expr` is, by the numbers of its fields. Constants and identifiers have nothing below them."""

    CONSTANT = 3
    SELECT = 5
    CALL = 6
    LIST = 7
    STRUCT = 8
    LOOP = 9


_ANY_VALUE: Final = 2
_CHECKED_EXPR: Final = 4
_CALL_TARGET: Final = 1
_CALL_FUNCTION: Final = 2
_CALL_ARGUMENT: Final = 3
_CONSTANT_STRING: Final = 6
_STRUCT_ENTRY: Final = 2
_CHILDREN: Final[dict[int, set[int]]] = {_Kind.SELECT: {1}, _Kind.CALL: {_CALL_TARGET, _CALL_ARGUMENT}, _Kind.LIST: {1}}
_ENTRY_CHILDREN: Final = {3, 4}  # a key of a map, a value
_LOGIC: Final = {"_&&_", "_||_", "!_", "_?_:_", "@not_strictly_false"}  # what looks at nothing but true and false
_LOOP_CHILDREN: Final = {2: 0, 4: 0, 5: 1, 6: 1, 7: 0}  # range, start, condition, step, result: how much deeper


def _children(kind: int, content: memoryview) -> Iterator[tuple[memoryview, int]]:
    """Yield what stands below a node, with 1 for what is done in each round."""
    for number, child in _fields(content):
        if kind == _Kind.LOOP and number in _LOOP_CHILDREN:
            yield child, _LOOP_CHILDREN[number]
        elif kind == _Kind.STRUCT and number == _STRUCT_ENTRY:
            yield from ((each, 0) for inner, each in _fields(child) if inner in _ENTRY_CHILDREN)
        elif number in _CHILDREN.get(kind, set[int]()):
            yield child, 0


def _looks(kind: int, content: memoryview, children: int) -> int:
    """Return how many times a node looks at every character, at worst: a list or map as often as it has items."""
    if kind in {_Kind.LIST, _Kind.STRUCT}:
        return children
    if kind != _Kind.CALL:
        return 0
    function = bytes(_only(content, _CALL_FUNCTION)).decode()
    if function == "matches":
        return _pattern_size(content)
    return 0 if function in _LOGIC else 1


def _pattern_size(call: memoryview) -> int:
    """Return what a call of `matches` costs for each character, at worst."""
    argument = [argument for number, argument in _fields(call) if number == _CALL_ARGUMENT][-1]
    constants = [content for number, content in _fields(argument) if number == _Kind.CONSTANT]
    texts = [text for constant in constants for number, text in _fields(constant) if number == _CONSTANT_STRING]
    if not texts:
        raise InvalidValueError(
            "matches() takes its pattern from a value", remedy="Write the pattern itself, in quotation marks."
        )
    return compile_pattern(bytes(texts[0]).decode()).size


def _only(message: memoryview, wanted: int) -> memoryview:
    return next(content for number, content in _fields(message) if number == wanted)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each field that has a length; numbers by themselves are of no interest here."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(message, at)
                yield key >> 3, message[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                raise InvalidValueError("the compiled expression can't be read", remedy="Report it: this is a defect.")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and where it ends: seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the last one
            return value, at
        shift += 7
