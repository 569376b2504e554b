"""Server-side apply by one field manager, as far as objects of ours go.

A field belongs to us if it still says what we applied last; a field that says something else was changed by somebody.
What somebody else had said before we said the same belongs to both. What we apply no more is removed, if it is still
ours alone. Lists are taken whole, but for those that are known to have keys.
No managedFields are kept: nobody here reads them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

KEYED_LISTS: Final = {("metadata", "ownerReferences"): "uid", ("status", "conditions"): "type"}
"""Lists that the schemas declare as maps, with the field that is their key (x-kubernetes-list-map-keys)."""

Path = tuple[str, ...]
_ABSENT: Final = object()


def applied(live: Any, before: Any, wanted: Any, path: Path = ()) -> Any:
    """Return `live` after `wanted` was applied by who applied `before`."""
    if path in KEYED_LISTS and isinstance(wanted, list | tuple):
        key = KEYED_LISTS[path]
        merged = applied(_by_key(live, key), _by_key(before, key), _by_key(wanted, key), (*path, "*"))
        return list(merged.values())
    if not isinstance(wanted, Mapping):
        return wanted
    live = live if isinstance(live, Mapping) else {}
    before = before if isinstance(before, Mapping) else {}
    unsaid = {field: _without(value, before.get(field, _ABSENT)) for field, value in live.items()}
    kept = {field: live[field] if field in wanted else left for field, left in unsaid.items()}
    changed = {
        field: applied(live.get(field), before.get(field), value, (*path, field)) for field, value in wanted.items()
    }
    return {field: value for field, value in (kept | changed).items() if value is not _ABSENT}


def conflicts(live: Any, before: Any, wanted: Any, path: Path = ()) -> Iterator[str]:
    """Yield the fields that somebody else set to something other than what is wanted."""
    if path in KEYED_LISTS:
        key = KEYED_LISTS[path]
        live, before, wanted = _by_key(live, key), _by_key(before, key), _by_key(wanted, key)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        before = before if isinstance(before, Mapping) else {}
        for field in wanted.keys() & live.keys():
            yield from conflicts(live[field], before.get(field, _ABSENT), wanted[field], (*path, field))
    elif live not in (wanted, before):
        yield "." + ".".join(path)


def ours_alone(live: Any, before: Any, wanted: Any, path: Path = ()) -> Any:
    """Return what of `wanted` nobody else had said in `live`, when we had said `before`."""
    if path in KEYED_LISTS and isinstance(wanted, list | tuple):
        key = KEYED_LISTS[path]
        items = ours_alone(_by_key(live, key), _by_key(before, key), _by_key(wanted, key), (*path, "*"))
        return [{**item, key: name} for name, item in items.items() if item]
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        before = before if isinstance(before, Mapping) else {}
        parts = {
            field: ours_alone(live.get(field, _ABSENT), before.get(field, _ABSENT), value, (*path, field))
            for field, value in wanted.items()
        }
        return {field: part for field, part in parts.items() if part is not _ABSENT}
    return _ABSENT if before is _ABSENT and live == wanted else wanted


def _without(live: Any, ours: Any) -> Any:
    """Return what is left of a field that we no longer apply: nothing of what is still as we said."""
    if ours is _ABSENT:
        return live
    if isinstance(live, Mapping) and isinstance(ours, Mapping):
        left = {field: _without(value, ours.get(field, _ABSENT)) for field, value in live.items()}
        left = {field: value for field, value in left.items() if value is not _ABSENT}
        return left or _ABSENT
    return _ABSENT if live == ours else live


def _by_key(items: Any, key: str) -> dict[str, Any]:
    return {item[key]: item for item in items or ()}
