"""Fields of a table of cases: what is missing or of another type is wrong usage, with its line."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from jitgress.cli.policy_yaml import Block, items
from jitgress.cli.wording import parse_duration
from jitgress.domain.errors import JitgressError
from jitgress.domain.window import parse_time

Value = TypeVar("Value")


def part(row: Block, key: str, read: Callable[[Block, str], Value]) -> Value | None:
    """Return what `read` makes of a field, or None where it is left out."""
    return read(row, key) if key in row else None


def text(row: Block, key: str) -> str:
    """Return the text in a field, which must be there and say something."""
    value: object = row.get(key)
    if not isinstance(value, str) or not value:
        row.fail(f"{key} is not a text" if key in row else f"{key} is missing", key=key)
    return value


def texts(row: Block, key: str) -> tuple[str, ...]:
    """Return the list of texts in a field; left out it is empty."""
    values = items(row.get(key) or [])
    named = tuple(each for each in values if isinstance(each, str))
    if not isinstance(row.get(key, []), list) or len(named) != len(values):
        row.fail(f"{key} is not a list of texts", key=key)
    return named


def number(row: Block, key: str) -> int:
    """Return the whole number in a field; left out it is 0."""
    value: object = row.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        row.fail(f"{key} is not a whole number", key=key)
    return value


def block(row: Block, key: str) -> Block:
    """Return the object in a field."""
    value: object = row[key]
    if not isinstance(value, Block):
        row.fail(f"{key} is not an object", key=key)
    return value


def blocks(row: Block, key: str) -> list[Block]:
    """Return the list of objects in a field; left out it is empty."""
    values = items(row.get(key) or [])
    found = [each for each in values if isinstance(each, Block)]
    if len(found) != len(values):
        row.fail(f"{key} is not a list of objects", key=key)
    return found


def time(row: Block, key: str) -> datetime:
    """Return the RFC 3339 time in a field."""
    return _read(row, key, parse_time)


def duration(row: Block, key: str) -> timedelta:
    """Return the duration in a field, such as 1h30m."""
    return _read(row, key, parse_duration)


def _read(row: Block, key: str, parse: Callable[[str], Value]) -> Value:
    stated = text(row, key)
    try:
        return parse(stated)
    except JitgressError as error:
        row.fail(error.message, key=key, remedy=error.remedy)
