"""The five definitions are what an API server takes and what a person at a terminal expects."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from jitgress.crds.definitions import KINDS, Kind, definition

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)

# Kubernetes, "Specifying a structural schema": what only validates is fine, what needs another schema's eyes is not.
FORBIDDEN: Final = frozenset({"$ref", "$defs", "definitions", "const", "oneOf", "anyOf", "allOf", "not", "title"})


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema inside `schema` with its path."""
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from nodes(each, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def whole(kind: Kind) -> dict[str, Any]:
    schema: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def spec(kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = whole(kind)["properties"]["spec"]
    return found


def rules_of(schema: dict[str, Any]) -> list[dict[str, str]]:
    return [rule for _, node in nodes(schema) for rule in node.get("x-kubernetes-validations", ())]


@every_kind
def test_a_schema_stands_on_its_own(kind: Kind) -> None:
    found = {path: sorted(FORBIDDEN & set(node)) for path, node in nodes(whole(kind)) if FORBIDDEN & set(node)}

    assert found == {}


@every_kind
def test_every_field_has_a_type(kind: Kind) -> None:
    untyped = [
        path
        for path, node in nodes(whole(kind))
        if "type" not in node and node.get("x-kubernetes-int-or-string") is not True
    ]

    assert untyped == []


@every_kind
def test_every_text_list_and_mapping_of_a_spec_is_bounded(kind: Kind) -> None:
    """Otherwise the API server assumes the worst and refuses the rules for their cost."""
    bounds = {"string": "maxLength", "array": "maxItems"}
    unbounded = [
        path for path, node in nodes(spec(kind)) if (bound := bounds.get(node.get("type", ""))) and bound not in node
    ]
    unbounded += [
        path for path, node in nodes(spec(kind)) if "additionalProperties" in node and "maxProperties" not in node
    ]

    assert [path for path in unbounded if "enum" not in dict(nodes(spec(kind)))[path]] == []


@every_kind
def test_every_list_of_a_status_is_bounded(kind: Kind) -> None:
    status = whole(kind)["properties"].get("status", {})

    assert [path for path, node in nodes(status) if node.get("type") == "array" and "maxItems" not in node] == []


@every_kind
def test_every_number_of_a_spec_has_both_ends(kind: Kind) -> None:
    numbers = [(path, node) for path, node in nodes(spec(kind)) if node.get("type") in {"integer", "number"}]

    assert [path for path, node in numbers if not {"minimum", "maximum"} <= set(node)] == []


@every_kind
def test_every_time_is_bounded_to_what_all_readers_take(kind: Kind) -> None:
    """The format alone takes times that the rules can't convert, and then no status can be written any more."""
    times = [(path, node) for path, node in nodes(whole(kind)) if node.get("format") == "date-time"]

    assert [path for path, node in times if not node.get("pattern", "").startswith("^(19[7-9]")] == []


@every_kind
def test_nothing_that_is_required_is_missing_from_the_properties(kind: Kind) -> None:
    assert [
        path
        for path, node in nodes(whole(kind))
        if not set(node.get("required", ())) <= set(node.get("properties", ()))
    ] == []


@every_kind
def test_no_field_takes_what_is_not_named(kind: Kind) -> None:
    """An unknown field that were kept could be a restriction which nobody applies."""
    loose = ("x-kubernetes-preserve-unknown-fields", "nullable", "x-kubernetes-embedded-resource")

    assert [path for path, node in nodes(whole(kind)) if any(node.get(word) for word in loose)] == []


@every_kind
def test_every_field_is_written_in_camel_case(kind: Kind) -> None:
    names = {name for _, node in nodes(whole(kind)) for name in node.get("properties", ())}

    assert [name for name in names if not re.fullmatch(r"[a-z][A-Za-z]*", name)] == []


@every_kind
def test_every_rule_says_what_is_wrong_and_what_to_do(kind: Kind) -> None:
    """A message is two halves: what is wrong, and after the colon or semicolon what to do."""
    for rule in rules_of(whole(kind)):
        assert re.search(r"\S[:;] \w", rule["message"]), rule["message"]
        assert len(rule["message"]) <= 2048  # apiextensions.k8s.io/v1, ValidationRule.message
        assert rule["reason"] in {"FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"}


@pytest.mark.parametrize("name", ["AccessRequest", "AccessReview"])
def test_what_somebody_said_once_stays_said(name: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)

    assert "self == oldSelf" in [rule["rule"] for rule in spec(kind)["x-kubernetes-validations"]]


def test_each_field_of_a_grant_stays_or_becomes_less() -> None:
    grant = spec(next(kind for kind in KINDS if kind.name == "AccessGrant"))
    rules = " ".join(rule["rule"] for rule in grant["x-kubernetes-validations"])

    assert [name for name in grant["properties"] if f"oldSelf.{name}" not in rules] == []


@every_kind
def test_a_kind_is_found_by_its_short_name_and_with_all_the_others(kind: Kind) -> None:
    names = definition(kind)["spec"]["names"]

    assert names["categories"] == ["jitgress"]
    assert names["shortNames"] == [kind.short]
    assert names["singular"] == kind.name.lower()
    assert names["listKind"] == f"{kind.name}List"
    assert definition(kind)["metadata"]["name"] == f"{kind.plural}.jitgress.dev"


def test_no_two_kinds_share_a_name() -> None:
    names = [name for kind in KINDS for name in (kind.plural, kind.short, kind.name.lower())]

    assert len(names) == len(set(names))


def test_only_policies_are_outside_of_namespaces() -> None:
    assert {kind.plural: definition(kind)["spec"]["scope"] for kind in KINDS} == {
        "accesstargets": "Namespaced",
        "accesspolicies": "Cluster",
        "accessrequests": "Namespaced",
        "accessreviews": "Namespaced",
        "accessgrants": "Namespaced",
    }


@every_kind
def test_a_status_is_written_apart_from_the_spec(kind: Kind) -> None:
    version = definition(kind)["spec"]["versions"][0]

    assert version["subresources"] == {"status": {}}
    assert "status" in whole(kind)["properties"]


@every_kind
def test_every_column_shows_a_field_that_exists(kind: Kind) -> None:
    known = {path for path, _ in nodes(whole(kind))} | {".metadata.creationTimestamp"}
    for column in definition(kind)["spec"]["versions"][0]["additionalPrinterColumns"]:
        plain = re.sub(r"\[\?\(@\.type=='\w+'\)\]|\[\*\]", "[]", column["jsonPath"])

        assert plain in known, column


@every_kind
def test_the_age_is_the_last_column(kind: Kind) -> None:
    assert kind.columns[-1].name == "Age"


def test_requests_show_state_target_requester_and_end() -> None:
    requests = next(kind for kind in KINDS if kind.name == "AccessRequest")

    shown = [column.name for column in requests.columns if not column.priority]

    assert shown == ["State", "Target", "Requester", "Closes", "Break-Glass", "Age"]
