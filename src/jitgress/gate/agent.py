"""The gate's agent: has HAProxy follow the grants, and keeps its lease alive as long as it hears from the API.

Invariant 3: the lease is renewed only from what the API said, and only once HAProxy follows it. Whatever fails on the
way (API, agent, socket, a command) leaves the lease as it was, and it runs out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant
from jitgress.domain.window import to_milliseconds
from jitgress.gate.commands import Command, DropServer, failures, text
from jitgress.gate.diff import diff
from jitgress.gate.errors import UnexpectedAnswerError
from jitgress.gate.grants import read_grants
from jitgress.gate.keys import GateKey, read_keys
from jitgress.gate.layout import LEASE_KEY, MapName, map_file
from jitgress.gate.observe import Observed, questions, understand
from jitgress.gate.ports import View
from jitgress.gate.programme import Programme, next_end, programme
from jitgress.gate.runtime import Runtime
from jitgress.gate.settings import GateSettings

RENEW_EVERY: Final = timedelta(seconds=1)
COMPARE_EVERY: Final = timedelta(seconds=10)  # 2,000 grants: 0.6 MB of answers, 40 ms
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Programmed:
    """Up to where HAProxy follows the API, and since when."""

    resource_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A view as values."""

    view: View
    grants: tuple[Grant, ...]
    keys: tuple[GateKey, ...]


@dataclass(slots=True)
class Agent:
    """Call `step` whenever something changed, and at the time it names."""

    settings: GateSettings
    runtime: Runtime
    clock: Clock
    programmed: Programmed | None = None
    _wanted: _Wanted | None = None
    _found: Observed | None = None
    """What HAProxy has, as far as we know; None: look."""
    _found_at: float = 0.0
    _heard: tuple[float, datetime] | None = field(default=None)
    """The view's `heard_at` (monotonic), and the same by the wall clock; fixed at first sight, see `_lease_until`."""

    async def step(self, view: View) -> timedelta:
        """Have HAProxy follow `view` and renew its lease; return how long to wait at most. Raises `JitgressError`."""
        try:
            wanted = self._read(view)
            await self._follow(wanted)
            await self._renew(view)
        except BaseException:
            self._found = None  # whatever was under way may be half-done
            raise
        return self._wait(wanted)

    def _read(self, view: View) -> _Wanted:
        """Turn the view into values; only what changed is read again."""
        before = self._wanted
        is_same = before is not None and before.view.resource_version == view.resource_version
        if before is not None and is_same and before.view.jwks == view.jwks:
            return before
        grants, unusable = read_grants(view.grants)
        for each in unusable:
            _log.error("grant_unusable", grant=each.name, reason=each.reason)
        self._wanted = _Wanted(view, grants, _keys(view.jwks))
        return self._wanted

    async def _follow(self, wanted: _Wanted) -> None:
        now = self.clock.now()
        goal = programme(wanted.grants, wanted.keys, self.settings.keys_folder, now)
        if self._found is None or self.clock.monotonic() >= self._found_at + COMPARE_EVERY.total_seconds():
            self._found = understand(await self.runtime.ask(questions(self.settings.folder)))
            self._found_at = self.clock.monotonic()
        commands = diff(goal, self._found)
        if commands:
            await self._carry_out(commands, wanted.keys, goal)
        version = wanted.view.resource_version
        if self.programmed is None or self.programmed.resource_version != version:
            self.programmed = Programmed(version, self.clock.now())

    async def _carry_out(self, commands: Sequence[Command], keys: Sequence[GateKey], goal: Programme) -> None:
        _write_keys(self.settings, keys)
        answers = await self.runtime.ask([text(command, self.settings.folder) for command in commands])
        failed = failures(commands, answers)
        self._found = Observed.following(goal) if not failed else None
        for failure in failed:
            _log.warning("command_failed", command=type(failure.command).__name__, answer=failure.answer)
        # A server that can't be dropped yet is closed already, and nothing leads to it.
        serious = [failure for failure in failed if not isinstance(failure.command, DropServer)]
        if serious:
            raise UnexpectedAnswerError(
                f"HAProxy did not do {type(serious[0].command).__name__}: {serious[0].answer}",
                remedy="The agent looks again and repeats; if that lasts, restart HAProxy.",
            )
        _log.info(
            "programmed",
            commands=len(commands),
            grants=sum(len(goal.entries[name]) for name in (MapName.GRANTS, MapName.BOUND)),
        )

    async def _renew(self, view: View) -> None:
        until = str(to_milliseconds(self._lease_until(view)))
        state = map_file(self.settings.folder, MapName.STATE)
        (answer,) = await self.runtime.ask([f"set map {state} {LEASE_KEY} {until}"])
        if not answer:
            return
        # There is no lease yet. That is so in an HAProxy that has just started, or while we took the old one's maps for
        # this one's: look first, so that the lease begins with everything else in place.
        found = understand(await self.runtime.ask(questions(self.settings.folder)))
        if self._found is None or found != self._found:
            raise UnexpectedAnswerError("HAProxy was restarted", remedy="The agent programmes it anew.")
        (answer,) = await self.runtime.ask([f"add map {state} {LEASE_KEY} {until}"])
        if answer:
            raise UnexpectedAnswerError(f"HAProxy took no lease: {answer}", remedy="Restart HAProxy.")

    def _lease_until(self, view: View) -> datetime:
        """Return until when HAProxy may trust what the API said: not from our own time, but from when it said it.

        The monotonic clock may stand still while a machine is suspended: what was heard before is not heard again.
        """
        if self._heard is None or view.heard_at > self._heard[0]:
            age = max(0.0, self.clock.monotonic() - view.heard_at)
            self._heard = (view.heard_at, self.clock.now() - timedelta(seconds=age))
        return self._heard[1] + self.settings.lease

    def _wait(self, wanted: _Wanted) -> timedelta:
        now = self.clock.now()
        end = next_end(wanted.grants, now)
        return RENEW_EVERY if end is None else min(RENEW_EVERY, end - now)


def _keys(jwks: str | None) -> tuple[GateKey, ...]:
    try:
        return read_keys(jwks)
    except InvalidValueError as error:
        _log.error("keys_unusable", reason=error.message)
        return ()


def _write_keys(settings: GateSettings, keys: Sequence[GateKey]) -> None:
    """HAProxy reads a key's file when the first token names the key."""
    for key in keys:
        file = settings.keys_folder / key.file_name
        if not file.exists():
            draft = file.with_suffix(".draft")
            draft.write_text(key.pem)
            draft.replace(file)
