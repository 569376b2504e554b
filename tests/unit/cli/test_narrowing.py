"""What several approvers left of a request is what each of them permits."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from jitgress.cli.narrowing import Narrowed, left_of
from jitgress.cli.view import request_view
from jitgress.domain.scope import canonical_path, covers, parse_path_prefix
from jitgress.domain.window import format_time
from tests.unit.cli.cluster import NOW

PATHS = st.lists(st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/ab", "/d"]), max_size=3, unique=True).map(tuple)
METHODS = st.lists(st.sampled_from(["GET", "POST", "PUT"]), max_size=3, unique=True).map(tuple)
NARROWINGS = st.lists(st.builds(Narrowed, paths=PATHS, methods=METHODS), max_size=4)


@given(PATHS, METHODS, NARROWINGS, st.sampled_from(["/", "/a", "/a/b", "/a/b/c/e", "/ab", "/d", "/f"]))
def test_what_is_left_is_what_everybody_permits(
    paths: tuple[str, ...], methods: tuple[str, ...], narrowings: Sequence[Narrowed], path: str
) -> None:
    by_all = [(paths, methods), *((each.paths, each.methods) for each in narrowings)]
    found = {"target": "orders", "paths": list(paths), "methods": list(methods)}
    metadata = {"namespace": "shop", "name": "x", "uid": "x", "creationTimestamp": format_time(NOW)}
    view = request_view({"metadata": metadata, "spec": found}, NOW)

    left = left_of(view, narrowings)

    for method in ("GET", "POST", "PUT", "DELETE"):
        wanted = all(_permits(*each, method, path) for each in by_all)
        assert (left is not None and _permits(*left, method, path)) == wanted


def _permits(paths: Sequence[str], methods: Sequence[str], method: str, path: str) -> bool:
    raw = canonical_path(path)
    assert raw is not None
    on_path = not paths or any(covers(parse_path_prefix(prefix), raw) for prefix in paths)
    return on_path and (not methods or method in methods)
