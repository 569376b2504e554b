"""Reading fields of objects: a field that is missing or of another type is an error, never a default."""

from collections.abc import Mapping
from typing import Any, cast

from jitgress.domain.errors import InvalidValueError


def mapping(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object in field `key`. Raises `InvalidValueError`."""
    value = found.get(key)
    if not isinstance(value, Mapping):
        raise _wrong(key, "an object")
    return cast("Mapping[str, Any]", value)


def text(found: Mapping[str, Any], key: str) -> str:
    """Return the text in field `key`, which is not empty. Raises `InvalidValueError`."""
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(key, "a text")
    return value


def texts(found: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the list of texts in field `key`; an absent one is empty. Raises `InvalidValueError`."""
    value: object = found.get(key, [])
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise _wrong(key, "a list of texts")
    return tuple(cast("list[str]", items))


def some_texts(found: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the list of texts in field `key`, which has one at least where it is stated.

    For fields whose absence means everything: one that is stated and empty can't mean that. Raises `InvalidValueError`.
    """
    values = texts(found, key)
    if key in found and not values:
        raise _wrong(key, "a list with something in it")
    return values


def text_map(found: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the texts by name in field `key`, such as labels; absent ones are none. Raises `InvalidValueError`."""
    values = mapping(found, key) if key in found else dict[str, Any]()
    if not all(isinstance(value, str) for value in values.values()):
        raise _wrong(key, "an object with texts")
    return dict(values)


def mappings(found: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    """Return the list of objects in field `key`; an absent one is empty. Raises `InvalidValueError`."""
    value: object = found.get(key, [])
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, Mapping) for item in items):
        raise _wrong(key, "a list of objects")
    return tuple(cast("list[Mapping[str, Any]]", items))


def whole_number(found: Mapping[str, Any], key: str, lowest: int, highest: int) -> int:
    """Return the whole number in field `key`, both bounds included. Raises `InvalidValueError`."""
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise _wrong(key, f"a whole number from {lowest} to {highest}")
    return value


def some_whole_number(found: Mapping[str, Any], key: str, lowest: int, highest: int) -> int | None:
    """Return the whole number in field `key`, or None where the field is left out. Raises `InvalidValueError`."""
    return whole_number(found, key, lowest, highest) if key in found else None


def flag(found: Mapping[str, Any], key: str) -> bool:
    """Return whether field `key` says true; left out it doesn't. Raises `InvalidValueError`."""
    value = found.get(key, False)
    if not isinstance(value, bool):
        raise _wrong(key, "true or false")
    return value


def text_lists(found: Mapping[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    """Return the lists of texts by name in field `key`; absent ones are none. Raises `InvalidValueError`."""
    values = mapping(found, key) if key in found else dict[str, Any]()
    return {name: texts(values, name) for name in values}


def nothing_but(found: Mapping[str, Any], *fields: str) -> Mapping[str, Any]:
    """Return `found` if it has no field but these: an unknown one may be a restriction. Raises `InvalidValueError`."""
    unknown = sorted(set(found) - set(fields))
    if unknown:
        raise InvalidValueError(f"unknown fields {', '.join(unknown)[:200]}", remedy="Upgrade jitgress.")
    return found


def _wrong(key: str, wanted: str) -> InvalidValueError:
    return InvalidValueError(f"field {key} is not {wanted}", remedy="Install the resources of this version.")
