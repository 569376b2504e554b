import re
import subprocess
import sys
from pathlib import Path

import pytest

from jitgress.cli import reference
from jitgress.cli.main import COMMANDS, root, run

ROOT = Path(__file__).parents[3]
PAGES = dict(reference.help_pages())


@pytest.mark.parametrize("name", PAGES)
def test_every_command_shows_an_example_first(name: str) -> None:
    lines = PAGES[name].splitlines()

    assert lines[0] in {"Example:", "Examples:"}
    assert "jitgress" in lines[1]


@pytest.mark.parametrize("name", PAGES)
def test_every_example_is_a_command_that_exists(name: str) -> None:
    page = PAGES[name]
    examples = page.partition(":\n")[2].partition("\n\n")[0]

    for command in re.findall(r"jitgress ([a-z]+)", examples):
        assert command in COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_what_the_command_says_of_itself(name: str) -> None:
    command = root().load(name)

    assert command.get_short_help_str(200).startswith(COMMANDS[name].summary.rstrip("."))


def test_the_reference_is_what_the_commands_say() -> None:
    assert (ROOT / reference.PAGE).read_text() == reference.page(), "run `python -m jitgress.cli.reference`"


def test_the_docs_mention_no_command_that_does_not_exist() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    for page in pages:
        for command in re.findall(r"^\s*(?:\$ )?(?:\.venv/bin/)?jitgress ([a-z]+)", page.read_text(), re.MULTILINE):
            assert command in COMMANDS, f"{page.name} mentions jitgress {command}"


def test_the_overview_loads_no_part_of_the_system() -> None:
    heavy = "rich,sqlalchemy,lightkube,pydantic,httpx2,yaml,structlog,starlette,uvicorn,jitgress.kube,jitgress.operator"
    code = (
        "import sys; from jitgress.cli.main import run; code = run(['--help']); "
        f"found = [name for name in {heavy.split(',')!r} if name in sys.modules]; "
        "sys.exit(f'{code} {found}' if code or found else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_misspelt_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["approvex", "shop/x"]) == 2
    assert "Did you mean 'approve'?" in capsys.readouterr().err


def test_nothing_at_all_shows_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["-o", "json"], ["-ojson"], ["--output", "json"], ["--output=json"]])
def test_wrong_usage_is_json_too_where_json_was_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["request", *words]) == 2

    captured = capsys.readouterr()
    assert '"code": "wrong_usage"' in captured.out
    assert len(captured.err.splitlines()) == 1
