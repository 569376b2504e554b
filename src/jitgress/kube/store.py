"""The objects of one resource, and which of them have a trait: an index for each, kept with every change.

What an index answers is what a scan over all objects would; it only doesn't look at the others.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from jitgress.kube.client import Object

Key = tuple[str, str]
"""Namespace and name; the namespace is empty for cluster-scoped objects."""

Trait = Callable[[Object], Iterable[str]]
"""What an object can be looked up by, such as the host of a grant: none, one or more texts. Never raises."""

_NOBODY: Final[Mapping[Key, None]] = {}


def key_of(found: Object) -> Key:
    """Return namespace and name; the namespace is empty for cluster-scoped objects."""
    metadata = found["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Store:
    """Objects by key, and keys by what the objects' `traits` say of them."""

    def __init__(self, traits: Iterable[Trait] = ()) -> None:
        self._objects: dict[Key, Object] = {}
        self._indexes: dict[Trait, dict[str, dict[Key, None]]] = {trait: {} for trait in traits}

    def get(self, key: Key) -> Object | None:
        """Return one object, or None."""
        return self._objects.get(key)

    def values(self) -> Iterable[Object]:
        """Return every object, as they stand now."""
        return tuple(self._objects.values())

    def where(self, trait: Trait, value: str) -> Iterable[Object]:
        """Return the objects of which `trait` says `value`. Raises `KeyError` where there is no such index."""
        return tuple(self._objects[key] for key in self._indexes[trait].get(value, _NOBODY))

    def count(self, trait: Trait, value: str) -> int:
        """Return how many objects `where` would; looks at none of them."""
        return len(self._indexes[trait].get(value, _NOBODY))

    def put(self, found: Object) -> Object | None:
        """Keep an object in the place of the one with its key, which is returned."""
        key = key_of(found)
        old = self._objects.get(key)
        self._objects[key] = found
        for trait, index in self._indexes.items():
            before: set[str] = set() if old is None else set(trait(old))
            after = set(trait(found))
            _forget(index, key, before - after)
            _note(index, key, after - before)
        return old

    def remove(self, key: Key) -> Object | None:
        """Forget an object and return it."""
        old = self._objects.pop(key, None)
        if old is not None:
            for trait, index in self._indexes.items():
                _forget(index, key, trait(old))
        return old

    def replace(self, found: Iterable[Object]) -> list[tuple[Object | None, Object | None]]:
        """Keep these objects and no others; return each key's object before and after."""
        before, self._objects = self._objects, {}
        for index in self._indexes.values():
            index.clear()
        for each in found:
            self.put(each)
        return [(before.get(key), self._objects.get(key)) for key in {**before, **self._objects}]


def _note(index: dict[str, dict[Key, None]], key: Key, values: Iterable[str]) -> None:
    for value in values:
        index.setdefault(value, {})[key] = None


def _forget(index: dict[str, dict[Key, None]], key: Key, values: Iterable[str]) -> None:
    for value in set(values):
        index[value].pop(key, None)
        if not index[value]:
            del index[value]
