"""Where everything of one stack is in its folder, and how it is known that a folder is a stack's.

Only a folder that was empty or absent becomes one, and only one with the mark of its own is ever removed.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARK: Final = "jitgress-stack"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one stack. It is removed with the stack."""

    folder: Path

    @property
    def env_file(self) -> Path:
        """What people and programs need to know (stable format)."""
        return self.folder / "env.json"

    @property
    def records(self) -> Path:
        """One record a process."""
        return self.folder / "processes"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.folder / "logs"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.folder / "pki"

    @property
    def ca_file(self) -> Path:
        """The authority that signed them."""
        return self.pki / "ca.crt"

    @property
    def ledger(self) -> Path:
        """The ledger's database."""
        return self.folder / "ledger.db"

    @property
    def gate(self) -> Path:
        """HAProxy's and the agent's folder."""
        return self.folder / "gate"

    def certificate(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        return self.pki / f"{name}.crt", self.pki / f"{name}.key"

    def kubeconfig(self, username: str) -> Path:
        """Return the kubeconfig that signs in as somebody."""
        return self.folder / "kubeconfigs" / f"{username.rpartition(':')[2]}.yaml"

    def requests_log(self, target: str) -> Path:
        """Return what a sample service wrote about the requests that reached it."""
        return self.folder / "upstream" / f"{target}.jsonl"

    def configuration(self, part: str) -> Path:
        """Return the settings file of a part."""
        return self.folder / "config" / f"{part}.yaml"

    @property
    def is_stack(self) -> bool:
        """Tell whether the folder was made a stack's, and was so under this very path."""
        mark = self.folder / _MARK
        return mark.is_file() and mark.read_text() == self._mark()

    @property
    def is_free(self) -> bool:
        """Tell whether the folder can become a stack's: it is absent or empty."""
        return not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir()))

    def make(self) -> None:
        """Make the folders, readable by their owner alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        (self.folder / _MARK).write_text(self._mark())
        for name in ("pki", "kubeconfigs", "upstream", "config", "etcd", "gate"):
            (self.folder / name).mkdir(exist_ok=True)

    def remove(self) -> None:
        """Remove the folder if it is a stack's, or else nothing. Raises `OSError`."""
        if self.is_stack:
            shutil.rmtree(self.folder)

    def _mark(self) -> str:
        return (
            f"{self.folder}\nis the folder of a local stack. `jitgress local down` removes it with all that is in it.\n"
        )
