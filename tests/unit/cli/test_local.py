"""`jitgress local`: what was typed is looked at before anything starts."""

import json
from pathlib import Path

import pytest

from jitgress.cli.local import last_words
from jitgress.local.layout import Layout
from tests.unit.cli.cluster import Cluster


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("gate.staleness=abc", "the setting gate.staleness is wrong: 'abc' is not a duration"),
        ("gate.bind=1", "the setting gate.bind is wrong"),
        ("gate.id=Big", "gate.id 'Big' is not usable"),
        ("gate.socket_path=/a b", "gate.socket_path '/a b' is not usable"),
        ("gate.max_connections=0", "the setting gate.max_connections is wrong"),
        ("portal.bind=xyz", "the setting portal.bind is wrong"),
        ("gate.stalness=3", "there is no setting gate.stalness. Did you mean staleness?"),
        ("ledger.path=x", "ledger.path is no setting"),
        ("gate", "'gate' is not a setting"),
    ],
)
def test_a_setting_that_cannot_be_used_is_wrong_usage_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, words: str
) -> None:
    assert Cluster().run("local", "up", "--dir", str(tmp_path / "stack"), "--set", setting) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not (tmp_path / "stack").exists()


def test_the_status_says_yes_or_no_for_each_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path / "stack")
    layout.make()
    layout.logs.mkdir()
    (layout.logs / "agent.log").write_text(json.dumps({"event": "stopping", "level": "info"}) + "\n")

    assert Cluster().run("local", "status", "--dir", str(layout.folder)) == 1

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["agent", "no", "stopping"] in rows
    assert ["portal", "no"] in rows


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            '{"event": "status_not_published", "error": "no answer", "level": "warning"}',
            "status_not_published: no answer",
        ),
        ('{"event": "stopping"}', "stopping"),
        ("panic: no space left", "panic: no space left"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
    ],
)
def test_last_words_are_short(line: str, words: str) -> None:
    assert last_words(line) == words
