"""Keys that want work: each once, one worker a key at a time, and again if it was added meanwhile.

Bounded by the number of distinct keys, which are objects of the cluster. What changed goes before what only has to be
looked at again, of which few are worked on at a time: ten thousand of these make nobody wait.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from datetime import timedelta
from typing import Final, Generic, TypeVar

from jitgress.kube.backoff import Backoff

K = TypeVar("K", bound=Hashable)
MOST_PATIENT: Final = 2
"""How many patient keys are worked on at a time: one waits for the disk or the API server, one uses the processor."""
PASSED_OVER: Final = 7
"""After how many others a patient key is taken all the same: constant change doesn't hold it up for ever."""


class WorkQueue(Generic[K]):
    """The queue of one concern. `failed` tells after which wait a key should be added again."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._urgent: OrderedDict[K, None] = OrderedDict()
        self._patient: OrderedDict[K, None] = OrderedDict()
        self._working: dict[K, bool] = {}
        """What is worked on, and whether it was patient."""
        self._again: dict[K, bool] = {}
        self._failures: dict[K, int] = {}
        self._patient_at_work = 0
        self._passed_over = 0
        self._takers: dict[asyncio.Future[None], None] = {}

    def __len__(self) -> int:
        return len(self._urgent) + len(self._patient)

    def add(self, key: K) -> None:
        """Have `key` worked on: once, however often it is added before that."""
        if key in self._working:
            self._again[key] = False
        elif key not in self._urgent:
            self._patient.pop(key, None)
            self._urgent[key] = None
            self._wake()

    def add_patiently(self, key: K) -> None:
        """Have `key` worked on when nothing that was added is left to do."""
        if key in self._working:
            self._again.setdefault(key, True)
        elif key not in self._urgent and key not in self._patient:
            self._patient[key] = None
            self._wake()

    async def take(self) -> K:
        """Wait for the key that waits longest and mark it as worked on; `done` or `failed` must follow."""
        while not self._has_work():
            taker = asyncio.get_running_loop().create_future()
            self._takers[taker] = None
            try:
                await taker
            except asyncio.CancelledError:
                if not taker.cancelled():
                    self._wake()  # another one: what this one was woken for is still to be done
                raise
            finally:
                del self._takers[taker]
        is_patient = self._is_patients_turn()
        key, _ = (self._patient if is_patient else self._urgent).popitem(last=False)
        self._working[key] = is_patient
        self._patient_at_work += is_patient
        return key

    def done(self, key: K) -> None:
        """Say that `key` was worked on without error."""
        self._failures.pop(key, None)
        self._finish(key)

    def failed(self, key: K) -> timedelta:
        """Say that the work on `key` failed; return how long to wait before adding it again."""
        self._failures[key] = self._failures.get(key, 0) + 1
        self._finish(key)
        return self._backoff.delay(self._failures[key])

    def _is_patients_turn(self) -> bool:
        """Tell which of the two queues is taken from; one of them has something to take."""
        if not self._patient or self._patient_at_work >= MOST_PATIENT:
            return False
        if self._urgent and self._passed_over < PASSED_OVER:
            self._passed_over += 1
            return False
        self._passed_over = 0
        return True

    def _has_work(self) -> bool:
        return bool(self._urgent) or (bool(self._patient) and self._patient_at_work < MOST_PATIENT)

    def _wake(self) -> None:
        taker = next((taker for taker in self._takers if not taker.done()), None)
        if taker is not None and self._has_work():
            taker.set_result(None)

    def _finish(self, key: K) -> None:
        self._patient_at_work -= self._working.pop(key)
        is_patient = self._again.pop(key, None)
        if is_patient is not None:
            (self.add_patiently if is_patient else self.add)(key)
        self._wake()
