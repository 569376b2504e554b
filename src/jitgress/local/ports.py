"""Free ports, and a loopback network for each stack, so that two stacks on one machine don't meet."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from jitgress.domain.errors import JitgressError

NETWORKS: Final = range(64, 127)
"""The second byte of 127.N.0.0/16: the ClusterIPs of a stack. Below and above are for others on the machine."""


class NoNetworkError(JitgressError):
    """Every loopback network is taken by a stack."""

    code = "no_free_network"


def free_port(preferred: int) -> int:
    """Return `preferred` if nobody listens on it, else another free port of 127.0.0.1."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NoNetworkError("no free port on 127.0.0.1", remedy="End some programs that listen there.")


def claim_network(folder: Path) -> int:
    """Return the number of a network that no other stack claims, and claim it for the stack in `folder`.

    A claim holds as long as the claiming folder is there.
    """
    claims = Path(tempfile.gettempdir()) / f"jitgress-networks-{os.getuid()}"
    claims.mkdir(mode=0o700, exist_ok=True)
    with (claims / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in NETWORKS:
            claim = claims / str(number)
            holder = claim.read_text() if claim.is_file() else ""  # empty where a writer was killed, too
            if not holder or Path(holder) == folder or not Path(holder).is_dir():
                claim.write_text(str(folder))
                return number
    raise NoNetworkError(
        "every loopback network is taken by a stack", remedy="Run jitgress local down in some folders."
    )
