"""What the page on approval webhooks says is so: its receiver takes what is sent, its examples are understood."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from jitgress.cli.settings import understood as understood_settings
from jitgress.domain.answer import AnswerVerdict
from jitgress.operator.consults.consultant import Decided, Trouble
from jitgress.operator.consults.message import SigningKeys, body, headers
from jitgress.operator.consults.reply import MAX_BODY_BYTES, MAX_COMMENT, understood
from tests.builders import NOW, a_request
from tests.unit.operator.questions import a_question

PAGE: Final = (Path(__file__).parents[3] / "docs/approval-webhook.md").read_text()
SECRET: Final = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
Receiver = Callable[[dict[str, str], bytes, str], bool]


def examples(language: str) -> list[str]:
    """Return the blocks of code in one language, without the page's own indent."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in block.splitlines()) for indent, block in blocks]


@pytest.fixture
def receiver() -> Receiver:
    """What the page tells people to write."""
    names: dict[str, Any] = {}
    (code,) = examples("python")
    exec(code, names)  # noqa: S102  it is ours
    names["time"] = _Stopped
    return cast("Receiver", names["is_from_jitgress"])


class _Stopped:
    @staticmethod
    def time() -> float:
        return NOW.timestamp()


def test_the_receiver_of_the_page_takes_what_is_sent(receiver: Receiver) -> None:
    content = body(a_question())

    assert receiver(headers(a_question(), content, SigningKeys.read(SECRET), NOW), content, SECRET)


def test_the_receiver_of_the_page_takes_nothing_else(receiver: Receiver) -> None:
    content = body(a_question())
    sent = headers(a_question(), content, SigningKeys.read(SECRET), NOW)
    old = headers(a_question(), content, SigningKeys.read(SECRET), datetime(2025, 1, 1, tzinfo=UTC))

    assert not receiver(sent, content + b" ", SECRET)
    assert not receiver(sent, content, SECRET.replace("A", "B"))
    assert not receiver({**sent, "webhook-id": "another"}, content, SECRET)
    assert not receiver(old, content, SECRET)


def test_the_question_of_the_page_has_the_fields_of_one_that_is_sent() -> None:
    request = replace(a_request(paths=("/api",), methods=("GET",)), ticket="CHG-7")

    told, sent = json.loads(examples("json")[0]), json.loads(body(a_question(request=request)))

    assert shape(told) == shape(sent)
    assert told["request"]["reason"] == sent["request"]["reason"]


def test_the_answer_of_the_page_is_understood() -> None:
    end = datetime(2026, 1, 1, 17, tzinfo=UTC)

    assert understood(examples("json")[1].encode(), None) == Decided(AnswerVerdict.APPROVE, "CHG-7 is approved", end)


def test_the_settings_of_the_page_are_settings() -> None:
    settings = understood_settings(yaml.safe_load(examples("yaml")[0]), {})

    assert set(settings.approval_webhooks) == {"change-calendar"}


def test_the_page_knows_every_trouble_and_the_bounds() -> None:
    assert [each.value for each in Trouble if f"`{each.value}`" not in PAGE] == []
    assert f"{MAX_BODY_BYTES // 1024} KiB" in PAGE
    assert f"{MAX_COMMENT:,} characters" in PAGE


def shape(value: Any) -> Any:
    """Return the names and kinds of what is in a document."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__
