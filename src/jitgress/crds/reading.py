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
    value: object = found.get(key) or []
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise _wrong(key, "a list of texts")
    return tuple(cast("list[str]", items))


def whole_number(found: Mapping[str, Any], key: str) -> int:
    """Return the whole number in field `key`. Raises `InvalidValueError`."""
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(key, "a whole number")
    return value


def _wrong(key: str, wanted: str) -> InvalidValueError:
    return InvalidValueError(f"field {key} is not {wanted}", remedy="Install the resources of this version.")
