import json
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from jitgress.cli import log

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def own_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_an_event_is_a_line_of_json() -> None:
    stream = StringIO()
    log.configure(stream)

    structlog.get_logger().info("grant_opened", grant="g1")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["grant"], line["level"]) == ("grant_opened", "g1", "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "values",
    [
        {"header": f"Bearer {JWT}"},
        {"text": JWT},
        {"deep": {"list": ["fine", {"text": f"it was {JWT}"}]}},
        {"authorization": "short"},
        {"headers": {"Cookie": "short"}},
        {"password": "short"},
    ],
)
def test_a_credential_is_never_logged(values: dict[str, object]) -> None:
    stream = StringIO()
    log.configure(stream)

    structlog.get_logger().info("something", **values)

    assert JWT not in stream.getvalue()
    assert "short" not in stream.getvalue()
    assert "credential removed" in stream.getvalue()
