"""Somebody who sends a request every 20 ms, and what came of each: whoever looks less often overlooks a gap."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx2

from tests.e2e.stack import Stack

PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: when it was sent and answered (seconds since the epoch), and how. 0: not at all."""

    sent_at: float
    answered_at: float
    status: int
    token: str


@dataclass
class Visits:
    """Runs while it is entered. `token` may be exchanged at any time: the next request has the new one. Empty: none."""

    stack: Stack
    host: str
    token: str
    path: str = "/echo"
    made: list[Visit] = field(default_factory=list[Visit])
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def statuses(self, *, since: float = 0, until: float = float("inf")) -> set[int]:
        """Return the answers to what was sent from `since` on and answered by `until`."""
        return {each.status for each in self.made if since <= each.sent_at and each.answered_at <= until}

    def wait_for(self, status: int) -> None:
        """Wait until something is answered with `status`."""
        self.stack.wait(lambda: self.made[-1:], lambda last: bool(last) and last[0].status == status)

    def _run(self) -> None:
        with httpx2.Client(verify=self.stack.tls, trust_env=False, timeout=10) as client:
            while not self._is_over.wait(PAUSE_S):
                self.made.append(self._visit(client, self.token))

    def _visit(self, client: httpx2.Client, token: str) -> Visit:
        headers = {"Host": self.host} | ({"Jitgress-Authorization": f"Bearer {token}"} if token else {})
        url = self.stack.env["ingress_url"] + self.path
        sent_at = time.time()
        try:
            status = client.get(url, headers=headers, extensions={"sni_hostname": self.host}).status_code
        except httpx2.HTTPError:
            status = 0
        return Visit(sent_at, time.time(), status, token)
