"""What a platform engineer chooses: one YAML file, and environment variables that go first (JITGRESS_GATE__BIND).

A key that doesn't exist is refused with the nearest one that does: a setting that is silently not applied is worse than
a process that doesn't start.
"""

import ipaddress
import os
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, cast, get_args, get_origin
from urllib.parse import SplitResult, urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from jitgress.cli.exits import CliError, UsageError
from jitgress.cli.wording import parse_duration
from jitgress.gate.settings import STALENESS
from jitgress.notify.message import Moment
from jitgress.operator.settings import RETENTION, RouteKind

PREFIX: Final = "JITGRESS_"
_NESTED: Final = "__"
_MAX_PORT: Final = 65535


class SettingsError(CliError):
    """The settings can't be used."""

    code = "settings"


def _duration(value: Any) -> timedelta:
    try:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, str) and not value.isdecimal():
            return parse_duration(value)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return timedelta(seconds=int(value))
    except (UsageError, OverflowError):
        pass
    raise ValueError(f"{value!r} is not a duration such as 30s, 5m or 30d")


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""Written as 30s, 5m, 30d; a bare number counts seconds."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GatewaySettings(_Section):
    """The Gateway that HTTPRoutes attach to."""

    namespace: str
    name: str
    section: str | None = None


class OperatorSection(_Section):
    """How hosts are published, and looked at from outside."""

    route_kind: RouteKind = RouteKind.INGRESS
    ingress_class: str | None = None
    gateway: GatewaySettings | None = None
    gate_service: str = "jitgress-gate"
    gate_port: int = Field(default=8080, ge=1, le=65535)
    url_port: int | None = Field(default=None, ge=1, le=65535)
    ingress_url: str | None = None
    ca_file: Path | None = None
    probe_timeout: Duration = timedelta(seconds=60)
    retention: Duration = Field(default=RETENTION, ge=timedelta(days=1))
    workers: int = Field(default=8, ge=1, le=64)


class GateSection(_Section):
    """One gate. `staleness` is invariant 3's: the operator goes by it, too.

    `trusted_proxies` are the networks of the ingress, and of what is in front of it: without them, grants that may be
    used from some networks only are refused behind an ingress.
    """

    id: str | None = None
    folder: Path = Path("/run/jitgress")
    bind: str = "127.0.0.1:8080"
    staleness: Duration = STALENESS
    max_connections: int = Field(default=4000, ge=1)
    socket_path: Path | None = None
    trusted_proxies: tuple[str, ...] = ()


class PortalSection(_Section):
    """Where the portal listens, and the address that it goes by: the `iss` of its tokens."""

    bind: str = "127.0.0.1:8081"
    issuer: str | None = None

    @field_validator("bind")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        _address(value)
        return value

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `bind`."""
        return _address(self.bind)


class KeysSection(_Section):
    """How long a signing key signs."""

    max_age: Duration = timedelta(days=30)


class ApprovalWebhookSection(_Section):
    """One external approval system. Policies name it; where it is stands here alone."""

    url: str
    secret_file: Path
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(seconds=30))] = timedelta(seconds=10)
    ca_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        """Refuse what would send names and reasons in the clear. The address itself is never repeated in a message."""
        try:
            url = urlsplit(value)
            is_whole = bool(url.hostname) and url.port != 0 and value.isascii() and value.isprintable()
        except ValueError:
            raise ValueError("it is not an address such as https://approvals.example.com/jitgress") from None
        if not is_whole or " " in value or not (url.scheme == "https" or (url.scheme == "http" and _is_here(url))):
            raise ValueError("it is not an https address (http is for 127.0.0.1 and ::1 alone)")
        if url.username is not None or url.password is not None or url.fragment:
            raise ValueError("it holds a user, a password or a fragment: what is sent is signed instead")
        return value


class NotifySection(_Section):
    """Where messages go, as addresses of Apprise, and about which moments; broken glass is always told."""

    urls: tuple[SecretStr, ...] = Field(default=(), max_length=16)
    when: tuple[Moment, ...] = (Moment.BREAK_GLASS, Moment.OVERDUE_REVIEW)


WebhookName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class Settings(BaseSettings):
    """All of it. Each process reads the sections that it needs."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=_NESTED, extra="forbid", frozen=True, validate_default=True
    )

    namespace: str = "jitgress-system"
    ledger: str = "sqlite:////var/lib/jitgress/ledger.db"
    operator: OperatorSection = OperatorSection()
    gate: GateSection = GateSection()
    portal: PortalSection = PortalSection()
    keys: KeysSection = KeysSection()
    approval_webhooks: dict[WebhookName, ApprovalWebhookSection] = Field(
        default_factory=dict[str, ApprovalWebhookSection], max_length=16
    )
    notify: NotifySection = NotifySection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before the file, and read nothing else."""
        return (env_settings, init_settings)

    def require_issuer(self) -> str:
        """Return the portal's address, or raise `SettingsError`: no default would be anybody's."""
        if self.portal.issuer is None:
            raise SettingsError("portal.issuer is not set", remedy="Set it to the portal's address, https://…")
        return self.portal.issuer


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the file at `path` (None: of the environment alone), or raise `SettingsError`."""
    return understood(_read(path) if path else {}, environ)


def understood(content: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in `content` and the environment, or raise `SettingsError` with the first one's name."""
    for name in environ:
        if name.startswith(PREFIX) and _NESTED in name:
            _refuse_unknown(name.removeprefix(PREFIX).lower().split(_NESTED), name)
    try:
        return Settings(**content)
    except UnreadableVariableError as error:
        raise SettingsError(
            f"a {PREFIX} variable is no JSON: {error}", remedy='Write a list like ["one", "two"].'
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            _refuse_unknown(place, ".".join(place))
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"the setting {'.'.join(place)} is wrong: {message}", remedy="Correct it.") from None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
        raise ValueError(f"{text!r} is not an address such as 127.0.0.1:8081")
    return host.strip("[]"), int(port)


def _is_here(url: SplitResult) -> bool:
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} can't be read: {error}", remedy="Give a YAML file.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds no settings", remedy="Write sections such as `gate:` and keys below them.")
    return {str(key): value for key, value in cast("Mapping[Any, Any]", content).items()}


def _refuse_unknown(place: list[str], shown: str) -> None:
    model: Any = Settings
    names = iter(place)
    for part in names:
        fields: dict[str, Any] = getattr(model, "model_fields", {})
        if part not in fields:
            _refuse(shown, part, list(fields))
        annotation = fields[part].annotation
        if get_origin(annotation) is dict:
            next(names, None)  # what somebody calls one of several is free
        model = next((each for each in get_args(annotation) if hasattr(each, "model_fields")), annotation)


def _refuse(shown: str, part: str, known: list[str]) -> NoReturn:
    near = get_close_matches(part, known, n=1, cutoff=0.5)
    raise SettingsError(
        f"there is no setting {shown}",
        remedy=f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none below this one'}.",
    )
