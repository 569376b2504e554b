import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from jitgress.cli.main import run

HEAD = """\
policies:
  - apiVersion: jitgress.dev/v1alpha1
    kind: AccessPolicy
    metadata: {name: orders}
    spec:
      priority: 1
      subjects: [{kind: Group, name: dev}]
      targets: {namespaces: [shop]}
      maxDurationSeconds: 3600
      approval: {required: 1, approvers: [{kind: Group, name: approvers}]}
targets:
  - apiVersion: jitgress.dev/v1alpha1
    kind: AccessTarget
    metadata: {name: orders, namespace: shop}
    spec: {service: {name: orders, port: 80}, host: orders.example.com, paths: [/], methods: [GET]}
"""
LINES = len(HEAD.splitlines())
ASKED = "as: alice, groups: [dev], target: shop/orders"


def run_table(tmp_path: Path, *cases: str, head: str = HEAD, options: tuple[str, ...] = ()) -> int:
    """Return the exit code of a table with `cases`; the first stands on the second line behind `head`."""
    rows = "".join(f"  - {{{case}}}\n" for case in cases)
    (tmp_path / "t.yaml").write_text(head + "cases:\n" + rows)
    return run(["policy", "test", str(tmp_path / "t.yaml"), *options])


def test_cases_that_are_as_expected_end_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_table(
        tmp_path, f"name: waits, {ASKED}, expect: awaiting, missing: 1", f"name: two, {ASKED}, expect: awaiting"
    )

    assert code == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["  ok      waits", "  ok      two", "2 cases as expected"]


def test_a_case_that_is_not_as_expected_says_in_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = f"name: opens, {ASKED}, expect: permitted, window: 1h, policy: other"

    assert run_table(tmp_path, f"name: waits, {ASKED}, expect: awaiting", case) == 1

    told = capsys.readouterr().out
    assert f"  FAILED  opens ({tmp_path}/t.yaml:{LINES + 3})" in told
    assert "expect: expected permitted, found awaiting" in told
    assert "policy: expected other, found orders" in told
    assert "window: expected 1 h, found none" in told
    assert "1 of 2 cases failed" in told


EXPECTATIONS = {
    "expect": ("expect: permitted", "awaiting"),
    "policy": ("expect: awaiting, policy: other", "orders"),
    "approvers": ("expect: awaiting, approvers: [user carol]", "group approvers"),
    "missing": ("expect: awaiting, missing: 2", "1"),
    "code": ("for: 2h, expect: denied, code: no_policy", "duration_over_cap"),
    "window": ("for: 10m, reviews: [{as: c, groups: [approvers]}], expect: permitted, window: 9m", "10 min"),
    "scope": ("reviews: [{as: c, groups: [approvers]}], expect: permitted, scope: POST on /", "GET on /"),
    "sourceCIDRs": (
        "reviews: [{as: c, groups: [approvers]}], expect: permitted, sourceCIDRs: [10.0.0.0/8]",
        "0.0.0.0/0, ::/0",
    ),
    "reviewWithin": ("reviews: [{as: c, groups: [approvers]}], expect: permitted, reviewWithin: 1h", "none"),
}


@pytest.mark.parametrize("what", EXPECTATIONS)
def test_whatever_is_expected_is_compared(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expectation, found = EXPECTATIONS[what]

    assert run_table(tmp_path, f"name: one, {ASKED}, {expectation}", options=("-o", "json")) == 1

    document: Any = json.loads(capsys.readouterr().out)
    assert [(each["what"], each["found"]) for each in document["cases"][0]["differences"]] == [(what, found)]


WRONG = {
    "no-case": ((), "has no cases"),
    "no-expectation": ((f"name: one, {ASKED}",), "expects nothing"),
    "unknown-outcome": ((f"name: one, {ASKED}, expect: allowed",), "unknown outcome 'allowed'"),
    "misspelt": ((f"name: one, {ASKED}, expext: denied",), "unknown field 'expext'. Did you mean expect?"),
    "code-of-permitted": ((f"name: one, {ASKED}, expect: permitted, code: no_policy",), "code says nothing"),
    "no-target": (("name: one, as: a, target: shop/x, expect: denied",), "there is no target shop/x"),
    "no-user": (("name: one, target: shop/orders, expect: denied",), "as is missing"),
    "twice": ((f"name: one, {ASKED}, expect: denied",) * 2, "two cases are called 'one'"),
    "key-twice": ((f"name: one, {ASKED}, expect: denied, expect: awaiting",), "'expect' stands twice"),
    "duration": ((f"name: one, {ASKED}, for: 30, expect: denied",), "for is not a text"),
    "time": ((f"name: one, {ASKED}, at: tomorrow, expect: denied",), "is not an RFC 3339 time"),
    "review": ((f"name: one, {ASKED}, reviews: [{{as: c, decision: Yes!}}], expect: denied",), "unknown decision"),
    "glass": ((f"name: one, {ASKED}, breakGlass: 1, expect: denied",), "breakGlass is not true or false"),
}


@pytest.mark.parametrize("which", WRONG)
def test_a_table_that_would_show_nothing_is_wrong_usage(
    which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, told = WRONG[which]

    assert run_table(tmp_path, *cases) == 2

    captured = capsys.readouterr()
    assert told in captured.err
    assert f"{tmp_path}/t.yaml:{LINES + 1 + min(len(cases), 1)}: " in captured.err
    assert "as expected" not in captured.out


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("priority: 1\n", "priority: '1'\n", "spec.priority"),
        ("maxDurationSeconds", "maxDuratoinSeconds", "maxDuratoinSeconds"),
        ("kind: AccessPolicy", "kind: Other", "names no policy"),
        ("targets: {namespaces: [shop]}", "targets: {}", "states nothing"),
        ("policies:\n", "policies: [nowhere.yaml]\nx:\n", "unknown field 'x'"),
    ],
    ids=["type", "field", "kind", "selector", "key"],
)
def test_a_policy_that_the_cluster_would_not_take_is_wrong_usage(
    before: str, after: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_table(tmp_path, f"name: one, {ASKED}, expect: denied", head=HEAD.replace(before, after)) == 2
    assert told in capsys.readouterr().err


def test_junit_is_well_formed_whatever_names_hold(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    name = r'"]]> <b> & \e \uFFFE é"'

    code = run_table(
        tmp_path,
        f"name: {name}, {ASKED}, expect: permitted",
        f"name: fine, {ASKED}, expect: awaiting",
        options=("--junit", str(results)),
    )

    suites = ET.fromstring(results.read_text(encoding="utf-8"))  # noqa: S314  we wrote it ourselves
    cases = suites.findall("./testsuite/testcase")
    assert code == 1
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    assert [each.get("name") for each in cases] == ["]]> <b> & � � é", "fine"]
    assert [each.find("failure") is not None for each in cases] == [True, False]


def test_junit_that_cannot_be_written_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = f"name: one, {ASKED}, expect: awaiting"

    assert run_table(tmp_path, case, options=("--junit", str(tmp_path / "no" / "x.xml"))) == 1
    assert "can't be written" in capsys.readouterr().err
