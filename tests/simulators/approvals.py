"""An external approval system in memory: it says of each request what it was told to say, and remembers what it heard.

`SimulatedConsultant` asks it as the operator does. The same system answers real HTTP in the contract's other half.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from jitgress.domain.answer import AnswerVerdict
from jitgress.domain.clock import Clock
from jitgress.domain.window import parse_time
from jitgress.operator.consults.consultant import Decided, Reply, Trouble, Undecided, Unheard
from jitgress.operator.questions import Question

_VERDICTS: Final = {"approve": AnswerVerdict.APPROVE, "deny": AnswerVerdict.DENY}


@dataclass(frozen=True, slots=True)
class Said:
    """What the system says. `decision` None: it fails, with `status`."""

    decision: str | None
    comment: str = ""
    not_after: str | None = None
    retry_after_s: int | None = None
    status: int = 200

    @property
    def document(self) -> dict[str, Any]:
        told = {"decision": self.decision, "comment": self.comment, "not_after": self.not_after}
        return {name: value for name, value in told.items() if value}


PENDING: Final = Said("pending")
BROKEN: Final = Said(None, status=503)


@dataclass(slots=True)
class ApprovalSystem:
    """`says` by the request's UID, `otherwise` of any other. `heard` are the ids of the messages, in order."""

    says: dict[str, Said] = field(default_factory=dict)
    otherwise: Said = PENDING
    heard: list[str] = field(default_factory=list)

    def answer(self, message_id: str, request_uid: str) -> Said:
        self.heard.append(message_id)
        return self.says.get(request_uid, self.otherwise)


@dataclass(slots=True)
class SimulatedConsultant:
    """A `Consultant` for systems by webhook. `slowness_s` is how long each of them thinks."""

    systems: dict[str, ApprovalSystem]
    clock: Clock
    slowness_s: dict[str, float] = field(default_factory=dict)
    timeout_s: float = 10.0
    asked_at: list[float] = field(default_factory=list)
    most_at_once: Counter[str] = field(default_factory=Counter)
    on_answer: Callable[[Question], None] = lambda _: None
    _now: Counter[str] = field(default_factory=Counter)

    @property
    def webhooks(self) -> frozenset[str]:
        return frozenset(self.systems)

    async def ask(self, question: Question) -> Reply:
        name = question.webhook
        self.asked_at.append(self.clock.monotonic())
        self._now[name] += 1
        self.most_at_once[name] = max(self.most_at_once[name], self._now[name])
        try:
            return await self._ask(question)
        finally:
            self._now[name] -= 1

    async def _ask(self, question: Question) -> Reply:
        slowness_s = self.slowness_s.get(question.webhook, 0.0)
        await asyncio.sleep(min(slowness_s, self.timeout_s))
        if slowness_s > self.timeout_s:
            return Unheard(Trouble.TIMED_OUT, f"no answer within {self.timeout_s:g} s")
        said = self.systems[question.webhook].answer(question.id, question.request.ref.uid)
        self.on_answer(question)
        wished = None if said.retry_after_s is None else timedelta(seconds=said.retry_after_s)
        if said.decision is None:
            return Unheard(Trouble.STATUS, f"status {said.status}", wished)
        if said.decision == "pending":
            return Undecided(wished)
        not_after = None if said.not_after is None else parse_time(said.not_after)
        return Decided(_VERDICTS[said.decision], said.comment, not_after)
