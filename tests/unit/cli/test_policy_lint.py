import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jitgress.local.objects import policies, targets
from tests.unit.cli.cluster import Cluster


def test_an_error_ends_with_one_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_target().has_policy("first", priority=1).has_policy("second", priority=2)

    assert cluster.run("policy", "lint") == 1

    captured = capsys.readouterr()
    assert captured.out == (
        "error: second: unreachable\n"
        "    it is never asked: everything that it matches is decided before, by first."
        " Give it a lower priority number, or\n"
        "    remove it.\n"
    )
    assert captured.err == "1 error in 2 policies.\n"


def test_warnings_fail_only_where_that_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_target().has_policy(ticket={"pattern": "(CHG-[0-9]+)?"})

    assert cluster.run("policy", "lint", "-o", "name") == 0
    assert cluster.run("policy", "lint", "--strict", "-o", "name") == 1
    assert capsys.readouterr().out == "dev-orders\n" * 2


def test_a_policy_that_cannot_be_understood_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_target().has_policy(expression="request.duration <")

    assert cluster.run("policy", "lint", "-o", "json") == 1
    assert [each["code"] for each in json.loads(capsys.readouterr().out)] == ["not-understood"]


def test_the_policies_of_the_local_stack_are_without_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([*policies(), *targets()]))

    assert Cluster().run("policy", "lint", "--strict", "-f", str(tmp_path)) == 0
    assert capsys.readouterr().err == "Nothing found in 2 policies.\n"


def test_cel_is_loaded_for_policies_with_a_condition_alone(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([*policies(), *targets()]))
    code = (
        "import sys; from jitgress.cli.main import run; "
        f"code = run(['policy', 'lint', '-f', {str(tmp_path)!r}]); "
        "sys.exit(code or 'cel_expr_python' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
