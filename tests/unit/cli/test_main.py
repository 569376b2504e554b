"""Whatever happens to a command, people see one line, and never a traceback that they didn't ask for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.unit.cli.cluster import Cluster

FULL: Final = Path("/dev/full")
COMMAND: Final = [sys.executable, "-m", "jitgress", "version"]


def test_what_nobody_reckoned_with_is_one_line_that_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert Cluster(failure=RuntimeError("it fell over")).run("list", "-o", "json") == 1

    captured = capsys.readouterr()
    assert captured.err == ("error: RuntimeError: it fell over. Set JITGRESS_DEBUG=1 to see where it came from.\n")
    assert json.loads(captured.out)["error"]["code"] == "internal"


def test_where_it_came_from_is_shown_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(failure=RuntimeError("it fell over"), environ={"JITGRESS_DEBUG": "1"})

    assert cluster.run("list") == 1

    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_ctrl_c_before_anything_came_about_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert Cluster(failure=KeyboardInterrupt()).run("list") == 130

    assert capsys.readouterr().err == "interrupted: ended before it was done. Run it again.\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("list", "--state"), "error: Option '--state' requires an argument. See: jitgress list --help\n"),
        (("lst",), "error: No such command 'lst'. Did you mean 'list'? See: jitgress --help\n"),
    ],
)
def test_wrong_usage_ends_in_one_mark_and_says_where_to_look(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert Cluster().run(*arguments) == 2

    assert capsys.readouterr().err == line


def test_an_answer_that_cannot_be_written_is_a_failure_in_one_line() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: the answer can't be written: No space left on device.")


def test_a_reader_who_has_gone_is_no_reason_to_complain() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(COMMAND, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (1, "")


def test_a_description_of_no_local_stack_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env.json").write_text("{}")
    monkeypatch.delenv("JITGRESS_LEDGER", raising=False)

    assert Cluster(environ={"JITGRESS_LOCAL_DIR": str(tmp_path)}).run("audit", "log") == 1

    assert "env.json doesn't describe a local stack. Start it again" in capsys.readouterr().err
