"""What goes out is set in one place: where approval systems are and what is signed with, and who is told of what."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry

from jitgress.cli.outgoing import consultant, notifications
from jitgress.cli.serve import operator_settings
from jitgress.cli.settings import Settings, SettingsError, load, understood
from jitgress.notify.message import Moment
from tests.builders import seconds
from tests.simulators.clock import HandClock

WEBHOOK: Final = {"url": "https://approvals.example.test/jitgress", "secret_file": "/etc/jitgress/change"}
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def with_webhook(name: str = "change", **values: Any) -> Settings:
    return understood({"approval_webhooks": {name: {**WEBHOOK, **values}}}, {})


def a_secret(folder: Path, content: str = SECRET) -> str:
    (folder / "secret").write_text(content)
    return str(folder / "secret")


def test_by_default_nobody_is_asked_and_nobody_told() -> None:
    settings = load(None, {})

    assert settings.approval_webhooks == {}
    assert settings.notify.urls == ()
    assert settings.notify.when == (Moment.BREAK_GLASS, Moment.OVERDUE_REVIEW)
    assert operator_settings(settings).approval_webhooks == frozenset()


def test_webhooks_are_read_by_name_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "approval_webhooks:\n"
        "  change:\n    url: https://approvals.example.test/jitgress\n    secret_file: /run/secrets/change\n"
        "  risk: {url: 'http://127.0.0.1:8000/', secret_file: /run/secrets/risk, timeout: 5s, ca_file: /ca.pem}\n"
        "notify:\n  urls: ['slack://a/b/c']\n  when: [break_glass, denied]\n"
    )

    settings = load(file, {})

    assert settings.approval_webhooks["change"].timeout == seconds(10)
    risk = settings.approval_webhooks["risk"]
    assert (risk.url, risk.secret_file, risk.timeout, risk.ca_file) == (
        "http://127.0.0.1:8000/",
        Path("/run/secrets/risk"),
        seconds(5),
        Path("/ca.pem"),
    )
    assert settings.notify.when == (Moment.BREAK_GLASS, Moment.DENIED)
    assert operator_settings(settings).approval_webhooks == {"change", "risk"}


def test_addresses_of_messages_may_come_from_the_environment_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITGRESS_NOTIFY__URLS", '["slack://s3cret"]')

    settings = load(None)

    assert [url.get_secret_value() for url in settings.notify.urls] == ["slack://s3cret"]
    assert "s3cret" not in repr(settings)


def test_a_variable_that_should_hold_a_list_and_does_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITGRESS_NOTIFY__URLS", "slack://s3cret")

    with pytest.raises(SettingsError) as wrong:
        load(None)

    assert "notify" in wrong.value.message
    assert "s3cret" not in wrong.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://approvals.example.test/",
        "http://localhost/",
        "http://127.0.0.1.example.test/",
        "http://10.0.0.1/",
        "ftp://approvals.example.test/",
        "approvals.example.test",
        "https:///jitgress",
        "https://alice:s3cret@approvals.example.test/",
        "https://approvals.example.test/#s3cret",
        "https://approvals.example.test/s3 cret",
        "https://approvals.example.test:99999/",
        "https://approvals.example.test:0/",
        "https://[::1/",
        "https://approvals.example.test/\n",
        "",
    ],
    ids=repr,
)
def test_requests_are_sent_over_https_alone_and_nowhere_that_is_no_address(url: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        with_webhook(url=url)

    assert wrong.value.message.startswith("the setting approval_webhooks.change.url is wrong: it ")
    assert "s3cret" not in wrong.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1]:1/", "http://127.8.8.8/x?y=z"])
def test_on_this_machine_plain_http_will_do(url: str) -> None:
    assert with_webhook(url=url).approval_webhooks["change"].url == url


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"approval_webhooks": {"change": {**WEBHOOK, "ulr": "x"}}},
            "there is no setting approval_webhooks.change.ulr",
        ),
        ({"approval_webhooks": {"change": {"url": WEBHOOK["url"]}}}, "approval_webhooks.change.secret_file is wrong"),
        ({"approval_webhooks": {"change": {**WEBHOOK, "timeout": "31s"}}}, "approval_webhooks.change.timeout is wrong"),
        ({"approval_webhooks": {"change": {**WEBHOOK, "timeout": "0s"}}}, "approval_webhooks.change.timeout is wrong"),
        ({"approval_webhooks": {"Change!": WEBHOOK}}, "approval_webhooks.Change!.[key] is wrong"),
        ({"notify": {"when": ["sometimes"]}}, "notify.when.0 is wrong"),
        ({"notify": {"urls": ["slack://s3cret"] * 17}}, "notify.urls is wrong"),
    ],
    ids=["unknown", "missing", "too long", "too short", "name", "moment", "too many"],
)
def test_what_is_wrong_is_named(content: Mapping[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        understood(content, {})

    assert message in wrong.value.message
    assert "s3cret" not in wrong.value.message


def test_a_key_that_is_nearly_right_is_corrected() -> None:
    with pytest.raises(SettingsError) as wrong:
        understood({"approval_webhooks": {"change": {**WEBHOOK, "secretfile": "x"}}}, {})

    assert wrong.value.remedy == "Did you mean secret_file?"


async def test_the_systems_of_the_settings_can_be_asked(tmp_path: Path) -> None:
    settings = with_webhook(secret_file=a_secret(tmp_path))

    made = consultant(settings, HandClock(), CollectorRegistry())

    assert made.webhooks == {"change"}
    await made.close()


@pytest.mark.parametrize("content", ["", "mine", f"{SECRET}\nmine"], ids=["empty", "no secret", "one of two"])
def test_a_secret_that_is_none_is_told_before_anything_starts(tmp_path: Path, content: str) -> None:
    settings = with_webhook(secret_file=a_secret(tmp_path, content))

    with pytest.raises(SettingsError) as wrong:
        consultant(settings, HandClock(), CollectorRegistry())

    assert wrong.value.message.startswith("approval_webhooks.change.secret_file: ")
    assert "MfKQ9r8" not in wrong.value.message


def test_a_secret_that_isnt_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = with_webhook(secret_file=str(tmp_path / "absent"))

    with pytest.raises(SettingsError, match="can't be read: FileNotFoundError"):
        consultant(settings, HandClock(), CollectorRegistry())


def test_a_file_of_authorities_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = with_webhook(secret_file=a_secret(tmp_path), ca_file=a_secret(tmp_path))

    with pytest.raises(SettingsError, match=r"approval_webhooks\.change\.ca_file") as wrong:
        consultant(settings, HandClock(), CollectorRegistry())

    assert isinstance(wrong.value.__cause__, ssl.SSLError)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise loads what imports it
def test_an_address_that_no_message_can_go_to_is_told_before_anything_starts() -> None:
    settings = understood({"notify": {"urls": ["json://127.0.0.1", "nonsense://s3cret"]}}, {})

    with pytest.raises(SettingsError) as wrong:
        notifications(settings.notify, CollectorRegistry())

    assert "address 2 of notify.urls" in wrong.value.message
    assert "s3cret" not in wrong.value.message
