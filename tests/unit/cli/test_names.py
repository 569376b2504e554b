import pytest

from jitgress.cli.exits import UsageError
from jitgress.cli.names import Name, parse_name


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("shop/orders-x7k2p", None, Name("shop", "orders-x7k2p")),
        ("orders", "shop", Name("shop", "orders")),
        ("shop/orders", "shop", Name("shop", "orders")),
        ("shop/or.ders", None, Name("shop", "or.ders")),
    ],
)
def test_a_name_stands_with_its_namespace(text: str, namespace: str | None, name: Name) -> None:
    assert parse_name(text, namespace, what="request") == name


@pytest.mark.parametrize(
    "text",
    ["orders", "/orders", "shop/", "a/b/c", "shop/Orders", "shop/..", "../secrets", "shop/a?x=1", "shop/a b", ""],
)
def test_what_names_nothing_or_more_than_one_thing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="doesn't name a request"):
        parse_name(text, None, what="request")


def test_two_namespaces_are_refused() -> None:
    with pytest.raises(UsageError, match="is not in namespace shop"):
        parse_name("billing/orders", "shop", what="request")
