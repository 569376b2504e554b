"""Asks the external approval system about one request, until it decides or until no answer counts any more.

Invariant 7: an answer is recorded before it has an effect; the request's own concern then reads it from the ledger.
Whatever can't be understood leaves the request as it is, and is asked again.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from jitgress.domain.answer import Answer
from jitgress.domain.clock import Clock
from jitgress.operator.answers import answer_event
from jitgress.operator.caches import Key
from jitgress.operator.consults.consultant import Consultant, Decided, Undecided, Unheard
from jitgress.operator.consults.decide import MOST_AT_ONCE, Random, Standing, pause, postponement
from jitgress.operator.ports import Ledger
from jitgress.operator.questions import Question

OpenQuestion = Callable[[Key], Awaitable[Question | None]]
"""Returns what has to be asked about a request as things stand, or None."""

_TICK_S: Final = 0.001  # the wall clock, by which it is woken, and the monotonic one may differ by less
_log = structlog.get_logger()


class ConsultReconciler:
    """Asks about one request at a time, a webhook about `MOST_AT_ONCE`. `poke` wakes the request's own concern.

    What it remembers is bounded by the requests that wait, and is not needed: without it, it asks again.
    """

    def __init__(
        self,
        consultant: Consultant,
        ledger: Ledger,
        clock: Clock,
        *,
        open_question: OpenQuestion,
        poke: Callable[[Key], None],
        randomness: Random = random.random,
    ) -> None:
        self._consultant = consultant
        self._ledger = ledger
        self._clock = clock
        self._open_question = open_question
        self._poke = poke
        self._random = randomness
        self._standings: dict[Key, Standing] = {}
        self._asking: Counter[str] = Counter()

    async def reconcile(self, key: Key) -> datetime | None:
        """Ask about the request `key` if that is due; return when to look again."""
        webhooks = self._consultant.webhooks
        question = await self._open_question(key) if webhooks else None
        if question is None or question.webhook not in webhooks or self._clock.now() >= question.until:
            self._standings.pop(key, None)
            return None
        standing = self._standings.get(key)
        if standing is None or standing.question_id != question.id:
            standing = Standing(question_id=question.id)
        if standing.unrecorded is not None:
            await self._record(key, question, standing.unrecorded)
            return None
        left = standing.due - self._clock.monotonic()
        if left >= _TICK_S:
            return self._later(timedelta(seconds=left), question)
        if self._asking[question.webhook] >= MOST_AT_ONCE:
            return self._postpone(key, question, standing)
        return await self._ask(key, question, standing)

    def _postpone(self, key: Key, question: Question, standing: Standing) -> datetime:
        postponed = standing.postponed + 1
        wait = postponement(postponed, self._random)
        self._standings[key] = replace(standing, postponed=postponed, due=self._due(wait))
        return self._later(wait, question)

    async def _ask(self, key: Key, question: Question, standing: Standing) -> datetime | None:
        self._asking[question.webhook] += 1
        try:
            reply = await self._consultant.ask(question)
        finally:
            self._asking[question.webhook] -= 1
        now, asked = self._clock.now(), standing.asked + 1
        if isinstance(reply, Decided):
            answer = Answer(question.webhook, reply.verdict, now, reply.comment, reply.not_after)
            self._standings[key] = replace(standing, asked=asked, unrecorded=answer)
            await self._record(key, question, answer)
            return None
        _tell(question, reply, asked)
        wait = pause(reply, asked, self._random)
        self._standings[key] = replace(standing, asked=asked, due=self._due(wait))
        return self._later(wait, question)

    async def _record(self, key: Key, question: Question, answer: Answer) -> None:
        """Record an answer that came in time. Raises `JitgressError`, and is called again, if that isn't possible."""
        if answer.at < question.until:
            await self._ledger.append(answer_event(question.request, answer, self._clock.now()))
            _log.info("approval_webhook_answered", **_about(question), verdict=answer.verdict.value)
            self._poke(key)
        else:
            _log.warning("approval_webhook_too_late", **_about(question), verdict=answer.verdict.value)
        self._standings.pop(key, None)

    def _due(self, wait: timedelta) -> float:
        return self._clock.monotonic() + wait.total_seconds()

    def _later(self, wait: timedelta, question: Question) -> datetime:
        return min(self._clock.now() + wait, question.until)


def _tell(question: Question, reply: Undecided | Unheard, asked: int) -> None:
    match reply:
        case Undecided():
            _log.info("approval_webhook_undecided", **_about(question), asked=asked)
        case Unheard(trouble=trouble, detail=detail):
            _log.warning(
                "approval_webhook_unheard", **_about(question), asked=asked, trouble=trouble.value, detail=detail
            )


def _about(question: Question) -> dict[str, str]:
    return {"request": str(question.request.ref), "webhook": question.webhook}
