"""Admission and code read hosts and paths alike: two engines, RE2 in the API server and Python's, one rule.

Were admission the laxer one, an object would be stored that nobody understands; the stricter one, nobody could say
what the code permits.
"""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import parse_host
from jitgress.domain.scope import parse_path_prefix
from jitgress.kube.resources import ACCESS_TARGETS
from tests.integration.crds.api import Api
from tests.integration.crds.whole_objects import a_target, with_field

pytestmark = pytest.mark.real

LONGEST_PATH = 256
pieces_of_hosts = st.sampled_from(
    ["a", "orders", "example", "com", "7", "0x1", "xn--a", ".", "-", "*", "A", "_", " ", "\n", "\u00e9", "a" * 63, ":"]
)
pieces_of_paths = st.sampled_from(
    [
        "/",
        "/",
        "/api",
        "v1",
        ".",
        "..",
        "...",
        "%2e",
        "~",
        "*",
        "?",
        "#",
        ";",
        "\\",
        " ",
        "\n",
        "\x00",
        "\u00e9",
        "@:+=,-",
    ]
)
hosts = st.lists(pieces_of_hosts, min_size=1, max_size=7).map("".join) | st.from_regex(
    r"[a-z0-9-]{1,4}(\.[a-z0-9-]{1,4}){0,3}", fullmatch=True
)
paths = st.lists(pieces_of_paths, min_size=1, max_size=6).map("".join).filter(lambda text: len(text) <= LONGEST_PATH)


def understands(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except InvalidValueError:
        return False
    return True


def test_a_host_is_taken_exactly_if_the_code_understands_it(root: Api, namespace: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(hosts)
    def both_agree(host: str) -> None:
        answer = root.create(ACCESS_TARGETS, with_field(a_target(), "spec.host", host), namespace, is_dry=True)

        assert (answer.status == 201) == understands(parse_host, host), answer.message

    both_agree()


def test_a_path_is_taken_exactly_if_the_code_understands_it(root: Api, namespace: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(paths)
    def both_agree(path: str) -> None:
        answer = root.create(ACCESS_TARGETS, with_field(a_target(), "spec.paths", [path]), namespace, is_dry=True)

        assert (answer.status == 201) == understands(parse_path_prefix, path), answer.message

    both_agree()
