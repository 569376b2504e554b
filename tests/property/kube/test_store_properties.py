"""After any changes, an index answers what a scan over all objects would."""

from collections.abc import Iterable
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.kube.client import Object
from jitgress.kube.store import Store, key_of

COLOURS: Final = st.sampled_from(["red", "green", "blue"])
OBJECTS: Final = st.builds(
    lambda name, namespace, colours, version: {
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": str(version)},
        "colours": sorted(colours),
    },
    st.sampled_from("abc"),
    st.sampled_from(["shop", "bank"]),
    st.sets(COLOURS, max_size=2),
    st.integers(1, 3),
)
Change = tuple[str, list[Object]]
CHANGES: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "remove"]), st.lists(OBJECTS, min_size=1, max_size=1)),
        st.tuples(st.just("replace"), st.lists(OBJECTS, max_size=4)),
    ),
    max_size=20,
)


def colours(found: Object) -> Iterable[str]:
    return list(found["colours"])


def first_colour(found: Object) -> Iterable[str]:
    return list(found["colours"])[:1] * 2


def after(changes: Iterable[Change]) -> tuple[Store, dict[tuple[str, str], Object]]:
    """Return a store that went through `changes`, and what should be in it."""
    store, expected = Store((colours, first_colour)), dict[tuple[str, str], Object]()
    for kind, objects in changes:
        if kind == "replace":
            store.replace(objects)
            expected = {key_of(each): each for each in objects}
        elif kind == "put":
            assert store.put(objects[0]) == expected.get(key_of(objects[0]))
            expected[key_of(objects[0])] = objects[0]
        else:
            assert store.remove(key_of(objects[0])) == expected.pop(key_of(objects[0]), None)
    return store, expected


def by_key(found: Iterable[Object]) -> list[Object]:
    return sorted(found, key=key_of)


@given(CHANGES)
def test_an_index_answers_what_a_scan_would(changes: list[Change]) -> None:
    store, expected = after(changes)

    for trait in (colours, first_colour):
        for colour in ("red", "green", "blue", "none"):
            found = [each for each in expected.values() if colour in trait(each)]
            assert by_key(store.where(trait, colour)) == by_key(found)
            assert store.count(trait, colour) == len(found)


@given(CHANGES)
def test_what_was_put_is_there_and_nothing_else(changes: list[Change]) -> None:
    store, expected = after(changes)

    assert by_key(store.values()) == by_key(expected.values())
    assert all(store.get(key) == found for key, found in expected.items())


@given(CHANGES, st.lists(OBJECTS, max_size=4))
def test_replacing_everything_tells_each_key_before_and_after(changes: list[Change], objects: list[Object]) -> None:
    store, before = after(changes)

    told = store.replace(objects)

    final = {key_of(each): each for each in objects}
    keys = [key_of(new or old or {}) for old, new in told]
    assert sorted(keys) == sorted(before.keys() | final.keys())
    assert all((old, new) == (before.get(key), final.get(key)) for key, (old, new) in zip(keys, told, strict=True))
