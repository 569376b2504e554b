"""What the page on messages says is so."""

import re
from pathlib import Path
from typing import Final

import yaml

from jitgress.cli.settings import understood
from jitgress.notify.delivery import MAX_WAITING, TRIES
from jitgress.notify.message import MAX_QUOTED, Moment, message_of
from tests.unit.notify.news import broken_glass

PAGE: Final = (Path(__file__).parents[3] / "docs/notifications.md").read_text()


def test_the_message_of_the_page_is_what_is_told() -> None:
    message = message_of(broken_glass())

    assert message is not None
    assert f"```\n{message.title}\n\n{message.body}\n```" in PAGE


def test_the_page_lists_every_moment_and_the_bounds() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)[1:] == [each.value for each in Moment]
    assert f"cut at {MAX_QUOTED} characters" in PAGE
    assert f"of {MAX_WAITING}\nmessages" in PAGE
    assert "three times" in PAGE
    assert TRIES == 3


def test_the_settings_of_the_page_are_settings() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    settings = understood(yaml.safe_load(block), {})

    assert len(settings.notify.urls) == 2
    assert settings.notify == understood({"notify": {"urls": settings.notify.urls}}, {}).notify, "`when` is the default"
