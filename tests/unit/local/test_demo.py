"""The demo ends what it started, and nothing else."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from jitgress.local import demo
from jitgress.local.layout import Layout
from jitgress.local.stack import Stack


def run_demo(monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["demo", "--dir", str(folder)])
    with pytest.raises(SystemExit) as ended:
        demo.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_somebody_elses_stack_is_left_as_it_is_with_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path / "stack")
    layout.make()
    layout.ledger.write_text("precious")
    monkeypatch.setattr(Stack, "down", lambda _: pytest.fail("it was ended"))

    assert run_demo(monkeypatch, layout.folder) == 1

    assert layout.ledger.read_text() == "precious"
    (line,) = capsys.readouterr().out.splitlines()
    assert "holds a stack that this demo didn't start" in line
    assert "jitgress local down" in line
    assert "JITGRESS_LOCAL_DIR" in line


def test_ctrl_c_ends_what_was_started_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(layout: Layout) -> None:
        layout.make()
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "up", interrupted)

    assert run_demo(monkeypatch, tmp_path / "stack") == 130

    assert len(capsys.readouterr().out.splitlines()) == 1
    assert not (tmp_path / "stack").exists()


def test_commands_to_copy_are_on_one_line_each_however_narrow_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    users = [{"username": "alice@example.test"}]
    layout.env_file.write_text(json.dumps({"portal_url": "https://portal.jit.localhost:1", "users": users}))

    demo.tell_how_to_go_on(Console(width=30), layout)

    lines = capsys.readouterr().out.splitlines()
    assert '  .venv/bin/jitgress --as-local alice request shop/orders --for 2m --reason "a look" --wait' in lines
    assert any(str(layout.env_file) in line for line in lines), "where their tokens are"
