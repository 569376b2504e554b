"""The steps of the demo, as the stack's people take them: through the command line and the ingress.

Each says what it did, or raises what was not as it should be.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from jitgress.domain.errors import JitgressError
from jitgress.local.layout import Layout
from jitgress.local.objects import SAMPLES
from jitgress.local.stack import Stack
from jitgress.local.visitor import Cut, VisitError, Visitor

T = TypeVar("T")
ORDERS: Final = "shop/orders"
WINDOW_S: Final = 10
SERVED: Final = frozenset({200})
REFUSED: Final = frozenset({401})
HIDDEN: Final = frozenset({404})
CLOSED: Final = frozenset({403, 404})
"""By the gate, or by an ingress that has no route for the path (any more)."""
_LATE_S: Final = 0.5
_PATIENCE_S: Final = 20.0
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count


class StepFailedError(JitgressError):
    """Something was not as the step expects it."""

    code = "demo_step_failed"


@dataclass(slots=True)
class Story:
    """What the steps share: the stack, its visitors, and what was opened."""

    stack: Stack
    visitor: Visitor
    requests: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def host(self) -> str:
        """The host of the story."""
        return SAMPLES[0].host

    def open(self, name: str, seconds: int, *scope: str) -> None:
        """Have alice ask and carol approve; wait until Active; get alice's token."""
        request = self.visitor.ask("alice", ORDERS, seconds, *scope)
        self.requests[name] = request
        self.visitor.run("carol", "approve", request)
        self.visitor.wait_for_state(request, "Active", _PATIENCE_S)
        self.tokens[name] = self.visitor.run("alice", "token", request).strip()

    def status(self, path: str, name: str | None = None, method: str = "GET", token: str | None = None) -> int:
        """Send one request to the host; return the status of the answer."""
        return self.visitor.status(self.host, path, token or (self.tokens[name] if name else None), method)

    def wait_for(self, statuses: frozenset[int], path: str, name: str | None = None) -> None:
        """Ask for a path until the answer is one of `statuses`."""
        self.visitor.wait(lambda: self.status(path, name), lambda status: status in statuses, _PATIENCE_S)

    def end(self, name: str) -> float:
        """Return the end of a window, as seconds since the epoch."""
        return self.visitor.window_end(self.requests[name])


def hidden(story: Story) -> str:
    """The host is unknown at the ingress."""
    expect(story.status("/echo"), HIDDEN, "a host that nobody asked for")
    return f"https://{story.host} answers 404: nothing is there"


def asked(story: Story) -> str:
    """Alice asks for exactly what she needs."""
    story.requests["first"] = story.visitor.ask(
        "alice", ORDERS, WINDOW_S, *("--path", "/echo", "--path", "/ws", "--path", "/download", "--method", "GET")
    )
    expect(story.visitor.state(story.requests["first"]), {"Pending"}, "the request's state")
    return f"alice asks for GET on /echo, /ws, /download for {WINDOW_S} s: Pending, carol is asked"


def self_approval(story: Story) -> str:
    """Alice can't approve her own request."""
    code = story.visitor.code("alice", "approve", story.requests["first"])
    expect(code, {3}, "the exit code of alice's own approval")
    return "alice's own approval doesn't count"


def approved(story: Story) -> str:
    """Carol approves; the host opens."""
    began = time.monotonic()
    story.visitor.run("carol", "approve", story.requests["first"])
    story.visitor.wait_for_state(story.requests["first"], "Active", _PATIENCE_S)
    story.tokens["first"] = story.visitor.run("alice", "token", story.requests["first"]).strip()
    story.wait_for(SERVED, "/echo", "first")
    return f"carol approves; {time.monotonic() - began:.1f} s later, four commands on, alice gets 200 through Traefik"


def only_that(story: Story) -> str:
    """Nobody else, no other path, no other method."""
    expect(story.status("/echo"), REFUSED, "a stranger")
    expect(story.status("/echo", token=story.tokens["first"][:-4] + "AAAA"), REFUSED, "a forged token")
    expect(story.visitor.code("bob", "token", story.requests["first"]), {1, 3}, "bob asking for alice's token")
    expect(story.status("/upload", "first"), CLOSED, "another path")
    expect(story.status("/echo", "first", "POST"), CLOSED, "another method")
    return "a stranger 401, a forged token 401, bob gets no token, another path 403/404, another method 403"


def cut(story: Story) -> str:
    """An open WebSocket and a long download end with the window."""
    token, end = story.tokens["first"], story.end("first")
    with ThreadPoolExecutor() as pool:
        socket = pool.submit(story.visitor.websocket_until_cut, story.host, "/ws", token)
        download = pool.submit(
            story.visitor.download_until_cut, story.host, "/download?bytes=1000000000&rate=100000", token
        )
        cuts = {"WebSocket": socket.result(), "download": download.result()}
    return _lateness(cuts, end)


def closed(story: Story) -> str:
    """Denied, and hidden again."""
    expect(story.status("/echo", "first"), CLOSED, "alice after the end")
    story.wait_for(HIDDEN, "/echo")
    story.visitor.wait_for_state(story.requests["first"], "Expired", _PATIENCE_S)
    return "alice is denied, the host answers 404 again, the request is Expired"


def revoked(story: Story) -> str:
    """A second window is revoked while it is open."""
    story.open("second", 60)
    story.wait_for(SERVED, "/echo", "second")
    story.visitor.run("carol", "revoke", story.requests["second"])
    story.wait_for(CLOSED, "/echo", "second")
    story.visitor.wait_for_state(story.requests["second"], "Revoked", _PATIENCE_S)
    return "carol revokes a second window of 60 s: alice is denied"


def proved(story: Story) -> str:
    """The ledger verifies; a copy in which one word was changed doesn't."""
    whole = story.visitor.run("erin", "audit", "verify").splitlines()[0]
    copy = story.stack.layout.folder / "tampered.db"
    copy.unlink(missing_ok=True)
    with sqlite3.connect(story.stack.layout.ledger) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        triggers = target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            target.execute(f'DROP TRIGGER "{name}"')
        target.execute("UPDATE events SET actor = 'mallory@example.test' WHERE seq = 4")
    code = story.visitor.code("erin", "audit", "verify", "--ledger", f"sqlite:///{copy}")
    expect(code, {1}, "the exit code for a tampered copy")
    return f"{whole}; a tampered copy is rejected"


def without_python(story: Story) -> str:
    """Every Python process is killed while a third window is open, and it still closes on time."""
    story.open("third", WINDOW_S, "--path", "/ws", "--path", "/echo", "--method", "GET")
    token, end = story.tokens["third"], story.end("third")
    with ThreadPoolExecutor() as pool:
        socket = pool.submit(story.visitor.websocket_until_cut, story.host, "/ws", token)
        story.wait_for(SERVED, "/echo", "third")
        known = story.stack.processes.known()
        for name in ("operator", "agent"):
            os.kill(known[name].pid, signal.SIGKILL)
        cuts = {"WebSocket": socket.result()}
    expect(story.status("/echo", "third"), CLOSED | {503}, "alice after the end")
    return f"operator, portal and agent killed; HAProxy alone: {_lateness(cuts, end)}"


def healed(story: Story) -> str:
    """Started again, they tidy up and record what happened."""
    up(story.stack.layout)
    story.visitor.wait_for_state(story.requests["third"], "Expired", _PATIENCE_S)
    story.wait_for(HIDDEN, "/echo")
    story.visitor.run("erin", "audit", "verify")
    return "started again: the request is Expired, the host hidden, the ledger whole"


STEPS: Final[Sequence[Callable[[Story], str]]] = (
    hidden,
    asked,
    self_approval,
    approved,
    only_that,
    cut,
    closed,
    revoked,
    proved,
    without_python,
    healed,
)
SHORT: Final[Sequence[Callable[[Story], str]]] = (
    hidden,
    asked,
    self_approval,
    approved,
    only_that,
    cut,
    closed,
    proved,
)


def expect(seen: T, wanted: Container[T], what: str) -> None:
    """Raise `StepFailedError` unless `seen` is one of `wanted`."""
    if seen not in wanted:
        raise StepFailedError(f"{what}: expected {wanted}, saw {seen}")


def _lateness(cuts: dict[str, Cut], end: float) -> str:
    for kind, each in cuts.items():
        if not each.received_bytes or abs(each.at - end) > _LATE_S:
            raise StepFailedError(f"{kind}: {each.received_bytes} bytes, ended {each.at - end:+.3f} s from the end")
    told = ", ".join(f"{kind} {round((each.at - end) * 1000):+d} ms" for kind, each in cuts.items())
    return f"cut at the end: {told}"


def up(layout: Layout) -> None:
    """Start what isn't running, as everybody does. Raises `VisitError` when the command fails, having said why."""
    command = [sys.executable, "-m", "jitgress", "local", "up", "--dir", str(layout.folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        try:
            child.wait()
        except KeyboardInterrupt:  # the terminal told the command, too: it ends what it started, and says so
            if child.wait() == _INTERRUPTED:
                sys.exit(_INTERRUPTED)
            raise
    if child.returncode != 0:
        raise VisitError("the stack did not start", remedy="Mend what is said above.")
