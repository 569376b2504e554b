"""What the stack on this machine says of itself in its env.json (see `jitgress local up`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from jitgress.cli.exits import CliError, UsageError
from jitgress.cli.options import local_folder

_AGAIN: Final = "Start it again with: jitgress local up"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """One running stack. `tokens` are its people's Kubernetes tokens by user name."""

    kubeconfig: Path
    ca_file: Path
    portal_url: str
    ledger: str
    tokens: Mapping[str, str]

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the stack of JITGRESS_LOCAL_DIR, else of ./.local, or None where none is described."""
        path = local_folder(environ) / "env.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CliError(f"{path} can't be read: {error}", remedy=_AGAIN) from None
        try:
            return cls(
                kubeconfig=Path(content["kubeconfig"]),
                ca_file=Path(content["ca_file"]),
                portal_url=content["portal_url"],
                ledger=content["ledger"],
                tokens={user["username"]: user["kube_token"] for user in content["users"]},
            )
        except (KeyError, TypeError):
            raise CliError(f"{path} doesn't describe a local stack", remedy=_AGAIN) from None

    @classmethod
    def require(cls, environ: Mapping[str, str]) -> Self:
        """Return the stack, or raise `CliError`."""
        found = cls.find(environ)
        if found is None:
            raise CliError(
                f"no local stack is described in {local_folder(environ)}",
                remedy="Start one with: jitgress local up, or leave out --as-local.",
            )
        return found

    def server(self) -> str | None:
        """Return the address of the stack's API server."""
        try:
            content = yaml.safe_load(self.kubeconfig.read_text())
            return str(content["clusters"][0]["cluster"]["server"])
        except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError):
            return None

    def token_of(self, name: str) -> str:
        """Return the token of `alice` or `alice@example.test`, or raise `UsageError`."""
        for username, token in self.tokens.items():
            if name in (username, username.partition("@")[0]):
                return token
        people = ", ".join(username.partition("@")[0] for username in self.tokens)
        raise UsageError(f"the local stack knows no {name!r}", remedy=f"Choose one of: {people}.")
