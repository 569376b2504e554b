"""docs/policy.md names every field of a policy, and each of its examples does what it says."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from jitgress.cli.exits import UsageError
from jitgress.cli.main import run
from jitgress.cli.policy_cases import read_table
from jitgress.crds.expressions import _TYPES
from jitgress.domain.explaining import Outcome

ROOT: Final = Path(__file__).parents[3]
EXAMPLES: Final = ROOT / "examples" / "policies"
PAGE: Final = (ROOT / "docs" / "policy.md").read_text()
TABLES: Final = sorted(EXAMPLES.glob("*.test.yaml"))
_ROW: Final = re.compile(r"^\| `([A-Za-z.]+)` \| (.+?) \| `(.+)` \| ([a-z-]+\.yaml) \|$", re.MULTILINE)
_ALIKE: Final = ("subjects", "approvers", "schedule")
"""Parts that are written alike wherever they stand: their own fields are told once, of the first."""
_OPEN: Final = {Outcome.PERMITTED, Outcome.SCHEDULED}


class Row(NamedTuple):
    field: str
    words: str
    example: str
    file: str

    @property
    def stated(self) -> Any:
        return yaml.safe_load(self.example.replace("\\|", "|"))


ROWS: Final = [Row(*found) for found in _ROW.findall(PAGE)]


def fields_of(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of every field of a schema, lists looked into."""
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here
        if name not in _ALIKE or not path:
            yield from fields_of(part.get("items", part), here)


def is_in(part: object, whole: object) -> bool:
    """Tell whether all of `part` is said by `whole`."""
    match part, whole:
        case dict(), dict():
            return all(key in whole and is_in(value, whole[key]) for key, value in part.items())
        case list(), list():
            return all(any(is_in(each, other) for other in whole) for each in part)
        case _:
            return bool(part == whole)


def has_field(found: object, names: list[str]) -> bool:
    if not names:
        return True
    if isinstance(found, list):
        return any(has_field(each, names) for each in found)
    return isinstance(found, dict) and names[0] in found and has_field(found[names[0]], names[1:])


def without(found: Any, names: list[str]) -> Any:
    """Return an object without the field at a path."""
    if isinstance(found, list):
        return [without(each, names) for each in found]
    if not isinstance(found, dict) or names[0] not in found:
        return found
    rest = {key: value for key, value in found.items() if key != names[0]}
    return rest if len(names) == 1 else {**found, names[0]: without(found[names[0]], names[1:])}


def policies_of(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / file).read_text()))


@cache
def said(table: Path) -> list[str]:
    """Return all that is decided about the cases of a table, in words and in full."""
    read = read_table(table)
    return [repr(case.explanation(read.files).decision.ruling) for case in read.cases]


def test_every_field_of_a_policy_is_on_the_page() -> None:
    schema = json.loads((ROOT / "docs" / "reference" / "schemas" / "AccessPolicy.json").read_text())

    assert [row.field for row in ROWS if row.field not in set(fields_of(schema))] == []
    assert [field for field in fields_of(schema) if field not in {row.field for row in ROWS}] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_each_example_is_out_of_the_file_that_it_names(row: Row) -> None:
    assert has_field(row.stated, row.field.split("."))
    assert any(is_in(row.stated, policy["spec"]) for policy in policies_of(row.file))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_each_field_is_what_some_case_of_its_table_depends_on(row: Row, tmp_path: Path) -> None:
    table = EXAMPLES / row.file.replace(".yaml", ".test.yaml")
    changed = [{**each, "spec": without(each["spec"], row.field.split("."))} for each in policies_of(row.file)]
    (tmp_path / row.file).write_text(yaml.safe_dump_all(changed))
    for name in ("targets.yaml", table.name):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())

    try:
        now = said(tmp_path / table.name)
    except UsageError:  # it can't be left out
        return

    assert now != said(table)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_each_table_of_the_examples_holds(table: Path) -> None:
    assert run(["policy", "test", str(table)]) == 0


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_each_table_has_something_permitted_and_something_that_is_not(table: Path) -> None:
    outcomes = {case.expected["expect"] for case in read_table(table).cases}

    assert outcomes & _OPEN
    assert outcomes - _OPEN


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_nothing_is_found_wrong_with_an_example(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policies = str(table).replace(".test.yaml", ".yaml")

    assert run(["policy", "lint", "--strict", "-o", "json", "-f", policies, "-f", str(EXAMPLES / "targets.yaml")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_table_that_the_page_shows_holds(tmp_path: Path) -> None:
    shown = next(
        block for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "cases:" in block
    )
    for name in ("standard.yaml", "targets.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    (tmp_path / "shown.test.yaml").write_text(shown)

    assert run(["policy", "test", str(tmp_path / "shown.test.yaml")]) == 0


def test_the_page_names_everything_that_an_expression_sees() -> None:
    section = PAGE.partition("## Conditions in CEL")[2].partition("\n## ")[0]

    assert set(re.findall(r"`((?:subject|target|request)\.[A-Za-z]+)`", section)) == set(_TYPES)
