"""A stack's folder is removed with the stack; a folder that is none is never touched.

`local down --dir` once removed whatever folder it was given, and said that all was well.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jitgress.domain.clock import SystemClock
from jitgress.domain.errors import InvalidValueError
from jitgress.gate.settings import GateSettings
from jitgress.local.layout import Layout
from jitgress.local.stack import Stack, StackError


def understood(content: Mapping[str, Any]) -> GateSettings:
    """Take any settings for good ones."""
    return GateSettings(gate_id="one", folder=Path(content["gate"]["folder"]), issuer="https://portal.example.test")


def stack_in(folder: Path) -> Stack:
    return Stack(folder, SystemClock(), lambda _: None)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Somebody's folder, with what a stack's might hold, too."""
    folder = tmp_path / "foreign"
    (folder / "pki").mkdir(parents=True)
    (folder / "env.json").write_text("{}")
    (folder / "precious.txt").write_text("precious")
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize("verb", ["down", "status", "up"])
def test_a_folder_without_a_stacks_mark_is_refused_and_left_as_it_was(foreign: Path, verb: str) -> None:
    stack = stack_in(foreign)
    with pytest.raises(StackError, match="holds no stack"):
        stack.up({}, understood) if verb == "up" else getattr(stack, verb)()
    assert (foreign / "precious.txt").read_text() == "precious"
    assert (foreign / "env.json").read_text() == "{}"
    assert foreign.stat().st_mode & 0o777 == 0o755


def test_a_mark_that_was_copied_from_another_stack_counts_for_nothing(tmp_path: Path, foreign: Path) -> None:
    Layout(tmp_path / "stack").make()
    (foreign / "jitgress-stack").write_bytes((tmp_path / "stack" / "jitgress-stack").read_bytes())
    with pytest.raises(StackError, match="holds no stack"):
        stack_in(foreign).down()
    assert (foreign / "precious.txt").exists()


@pytest.mark.parametrize("verb", ["down", "status"])
def test_an_absent_folder_is_named_with_what_to_do(tmp_path: Path, verb: str) -> None:
    with pytest.raises(StackError, match="holds no stack") as raised:
        getattr(stack_in(tmp_path / "absent"), verb)()
    assert "jitgress local up" in raised.value.remedy
    assert not (tmp_path / "absent").exists()


def test_a_stacks_folder_goes_with_it_even_when_it_is_half_made(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "stack")
    layout.make()
    assert layout.folder.stat().st_mode & 0o777 == 0o700
    stack_in(layout.folder).down()
    assert not layout.folder.exists()


def test_what_a_link_in_the_folder_points_to_stays(tmp_path: Path, foreign: Path) -> None:
    layout = Layout(tmp_path / "stack")
    layout.make()
    (layout.folder / "link").symlink_to(foreign)
    stack_in(layout.folder).down()
    assert (foreign / "precious.txt").exists()


@pytest.mark.parametrize("name", ["two words", "quoted'", "50%"])
def test_a_path_that_haproxys_configuration_cannot_hold_is_refused_at_once_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match="has a character that HAProxy's configuration can't hold") as raised:
        stack_in(tmp_path / name).up({}, understood)
    assert "letters, digits" in raised.value.remedy
    assert not (tmp_path / name).exists()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy() -> None:
    with pytest.raises(StackError, match="/proc/jitgress can't be made") as raised:
        stack_in(Path("/proc/jitgress")).up({}, understood)
    assert "--dir" in raised.value.remedy


def test_settings_that_make_no_sense_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    def refuses(content: Mapping[str, Any]) -> GateSettings:
        raise InvalidValueError(f"gate.staleness is {content['gate']['staleness']}")

    with pytest.raises(InvalidValueError, match=r"gate\.staleness is abc"):
        stack_in(tmp_path / "stack").up({"gate.staleness": "abc"}, refuses)
    assert not (tmp_path / "stack").exists()


def test_the_portal_is_a_part_of_its_own_that_runs_where_the_operator_does(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "stack")
    layout.make()
    stack = stack_in(layout.folder)
    running = stack.processes.start("operator", [sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        seen = {each["part"]: (each["running"], each["pid"]) for each in stack.status()}
    finally:
        stack.down()

    assert seen["portal"] == seen["operator"] == (True, running.pid)
    assert seen["agent"] == (False, None)
