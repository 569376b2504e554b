"""What a gate is told once, at its start: where it listens, where its files are, whom it believes."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.sources import Network, parse_network

STALENESS: Final = timedelta(seconds=30)  # invariant 3: how late a revocation may ever be
MAX_SOCKET_PATH: Final = 92  # sun_path has 108 bytes (unix(7)), and HAProxy adds ".<pid>.bak" while it binds
PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9._/-]+")
"""HAProxy's configuration has quotes, blanks and $ of its own."""
_BIND: Final = re.compile(r"[A-Za-z0-9.:*\[\]-]*:[0-9]{1,5}")
_ISSUER: Final = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]+")
_ID: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?")
_MAX_PORT: Final = 65535
_PATH_IN_WORDS: Final = "Write an absolute path of letters, digits and the characters . _ / - alone."
_ADDRESS_IN_WORDS: Final = "Write it like 127.0.0.1:8080."


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """One gate. `folder` is shared by HAProxy and the agent, and belongs to them alone.

    Raises `InvalidValueError` with the name that the value has in the settings file.
    """

    gate_id: str
    folder: Path
    issuer: str
    bind: str = "127.0.0.1:8080"
    staleness: timedelta = STALENESS
    max_connections: int = 4000
    socket_path: Path | None = None
    """Where the runtime socket is; None: in `folder`. A long folder needs a shorter one."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of proxies in front of the gate: what they say in `X-Forwarded-For` of who asked them is believed."""

    def __post_init__(self) -> None:
        self._check_texts()
        try:
            _ = self.proxies
        except InvalidValueError as error:
            raise InvalidValueError(f"gate.trusted_proxies: {error.message}", remedy=error.remedy) from None
        if self.staleness < timedelta(seconds=1):
            raise InvalidValueError(
                "gate.staleness is under a second", remedy="Give at least 1 s; the default is 30 s."
            )
        if self.max_connections < 1:  # HAProxy takes 0 for as many as the machine gives
            raise InvalidValueError("gate.max_connections is under 1", remedy="Give at least 1; the default is 4000.")

    def _check_texts(self) -> None:
        for name, value, form, in_words in (
            ("gate.id", self.gate_id, _ID, "Write up to 52 lower-case letters, digits and, within, hyphens."),
            ("gate.folder", str(self.folder), PLAIN_PATH, _PATH_IN_WORDS),
            ("portal.issuer", self.issuer, _ISSUER, "Write it like https://portal.example.com."),
            ("gate.bind", self.bind, _BIND, _ADDRESS_IN_WORDS),
            ("gate.socket_path", str(self.socket), PLAIN_PATH, _PATH_IN_WORDS),
        ):
            if not form.fullmatch(value):
                raise InvalidValueError(f"{name} {value!r} is not usable", remedy=in_words)
        if int(self.bind.rpartition(":")[2]) > _MAX_PORT:
            raise InvalidValueError(f"gate.bind {self.bind!r} has no port up to {_MAX_PORT}", remedy=_ADDRESS_IN_WORDS)
        if len(str(self.socket)) > MAX_SOCKET_PATH:
            raise InvalidValueError(
                f"the socket's path {self.socket} is longer than {MAX_SOCKET_PATH} characters",
                remedy="Set gate.socket_path to a short one, such as /run/jitgress/gate.sock.",
            )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of `trusted_proxies`."""
        return tuple(parse_network(text) for text in self.trusted_proxies)

    @property
    def lease(self) -> timedelta:
        """How long HAProxy may trust what the API said: the staleness, less what its clock may be behind.

        HAProxy takes no lease for longer than the staleness, lest a clock that is set back lengthen one. Without the
        tenth, a lease that is quite new would look like that to an HAProxy that was held up for some milliseconds.
        """
        return self.staleness * 0.9

    @property
    def socket(self) -> Path:
        """Where HAProxy's runtime socket is."""
        return self.socket_path or self.folder / "haproxy.sock"

    @property
    def configuration(self) -> Path:
        """Where haproxy.cfg is."""
        return self.folder / "haproxy.cfg"

    @property
    def keys_folder(self) -> Path:
        """Where the public keys are, one PEM file each."""
        return self.folder / "keys"
