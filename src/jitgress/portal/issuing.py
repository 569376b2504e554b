"""Issues gate tokens: chooses the grant, signs, records, and only then hands out.

Invariant 7: a token that left is in the ledger. What was refused is there too, as often as the allowance lets it, so
that nobody can fill the ledger by asking.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from jitgress.domain.clock import Clock
from jitgress.domain.event import Event, EventCode, EventValue, event_id
from jitgress.domain.grant import Grant
from jitgress.domain.subject import Subject
from jitgress.domain.window import format_time
from jitgress.identity.errors import TokenNotMintedError
from jitgress.identity.tokens import GateToken, mint
from jitgress.portal.allowance import Allowance, Rate
from jitgress.portal.choice import AskedHost, AskedRequest, ClaimsChanged, GroupsChanged, Refusal, choose
from jitgress.portal.errors import (
    ClaimsChangedError,
    GroupsChangedError,
    NoGrantError,
    NotReadyError,
    TooManyError,
)
from jitgress.portal.metrics import PortalMetrics
from jitgress.portal.ports import Grants, Keys, Ledger

ANONYMOUS: Final = "system:anonymous"  # Kubernetes' name for nobody
ISSUE_RATE: Final = Rate(burst=30, per_second=1)  # a person: a script that asks before each of its calls
REFUSAL_RATE: Final = Rate(burst=5, per_second=1 / 60)  # a person: enough to see who tries, and how often
ALL_REFUSALS_RATE: Final = Rate(burst=60, per_second=1)  # everybody: 86,400 events a day at the most
MAX_NAMES_SHOWN: Final = 10  # of groups or claims that have changed

_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, and the grant that it is for."""

    token: GateToken
    grant: Grant


class Issuing:
    """Hands out tokens. `issuer` is the `iss` that gates expect."""

    def __init__(
        self, *, grants: Grants, keys: Keys, ledger: Ledger, clock: Clock, metrics: PortalMetrics, issuer: str
    ) -> None:
        self._grants = grants
        self._keys = keys
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._issuer = issuer
        self._issues = Allowance(ISSUE_RATE)
        self._refusals = Allowance(REFUSAL_RATE)
        self._all_refusals = Allowance(ALL_REFUSALS_RATE, max_keys=1)
        self._unrecorded = 0

    async def issue(self, caller: Subject, asked: AskedRequest | AskedHost) -> Issued:
        """Return a token for the caller's own open grant, after it was recorded.

        Raises `NoGrantError`, `GroupsChangedError`, `ClaimsChangedError`, `TooManyError`, `NotReadyError`,
        `LedgerError`, `KeysUnavailableError`.
        """
        if not self._grants.is_synced:
            raise NotReadyError("the portal does not know the grants now", remedy="Try again in a few seconds.")
        if not self._issues.take(caller.username, self._clock.monotonic()):
            raise TooManyError("you ask for tokens too often", remedy="Use the token that you have until it expires.")
        now = self._clock.now()
        chosen = choose(self._grants.current(), caller, asked, now)
        if isinstance(chosen, GroupsChanged | ClaimsChanged):
            changed = _groups_changed(chosen) if isinstance(chosen, GroupsChanged) else _claims_changed(chosen)
            await self.refuse(caller.username, changed.code, str(asked))
            raise changed
        if isinstance(chosen, Refusal):
            await self.refuse(caller.username, chosen.value, str(asked))
            raise _no_grant()
        try:
            token = self._mint(chosen, caller, now)
        except TokenNotMintedError:
            await self.refuse(caller.username, Refusal.NOT_OPEN.value, str(asked))
            raise _no_grant() from None
        await self._ledger.append(_issued(token, chosen, now))
        self._metrics.issued.inc()
        _log.info("token_issued", grant=chosen.id, token=token.id, subject=caller.username, host=chosen.host)
        return Issued(token, chosen)

    async def refuse(self, actor: str, reason: str, asked: str = "") -> None:
        """Count a refusal, and record it as far as the allowances reach; the next record tells how many were not."""
        self._metrics.refused.labels(reason).inc()
        now_s = self._clock.monotonic()
        if not (self._refusals.take(actor, now_s) and self._all_refusals.take("", now_s)):
            self._unrecorded += 1
            return
        unrecorded, self._unrecorded = self._unrecorded, 0
        _log.info("token_refused", actor=actor, reason=reason, asked=asked)
        data: dict[str, EventValue] = {"reason": reason, "asked": asked, "unrecorded_before": unrecorded}
        code, now = EventCode.TOKEN_REFUSED, self._clock.now()
        identity = event_id(actor, code, secrets.token_hex(16))
        await self._ledger.append(Event(id=identity, code=code, at=now, actor=actor, data=data))

    def _mint(self, grant: Grant, caller: Subject, now: datetime) -> GateToken:
        key = self._keys.keys().signing_key(now)
        token_id = secrets.token_urlsafe(16)
        return mint(grant, subject=caller.username, now=now, key=key, issuer=self._issuer, token_id=token_id)


def _issued(token: GateToken, grant: Grant, now: datetime) -> Event:
    return Event(
        id=event_id(grant.id, EventCode.TOKEN_ISSUED, token.id),
        code=EventCode.TOKEN_ISSUED,
        at=now,
        actor=token.subject,
        subject=token.subject,
        request=grant.request,
        data={"token": token.id, "host": grant.host, "expires_at": format_time(token.expires_at)},
    )


def _no_grant() -> NoGrantError:
    return NoGrantError(
        "you have no open grant for this", remedy="Look at `jitgress list`, or ask with `jitgress request`."
    )


def _groups_changed(changed: GroupsChanged) -> GroupsChangedError:
    return GroupsChangedError(
        f"your groups have changed since you asked: {_some_of(changed.lost)}",
        remedy="Ask again with `jitgress request`: the policy decides by the groups that you have now.",
    )


def _claims_changed(changed: ClaimsChanged) -> ClaimsChangedError:
    """Return the error. It names keys alone: a value may be as good as a secret."""
    verb = "differs" if len(changed.keys) == 1 else "differ"
    return ClaimsChangedError(
        f"you are signed in otherwise than when you asked: {_some_of(changed.keys)} {verb}",
        remedy="Sign in as you did then, or ask again with `jitgress request`.",
    )


def _some_of(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES_SHOWN
    return ", ".join(names[:MAX_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
