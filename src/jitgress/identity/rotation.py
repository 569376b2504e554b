"""When a signing key is succeeded by a new one. Pure.

No token is ever signed with a key that gates may not have read yet (publish before use), and no key is taken from the
gates while a token that it signed may still be valid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitgress.domain.errors import InvalidValueError
from jitgress.identity.keys import KeySet, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationTerms:
    """How long a key signs, how long it is published before it does, and how long it is needed after."""

    max_age: timedelta = timedelta(days=30)
    publish_lead: timedelta = timedelta(minutes=5)  # ten times the default staleness: every gate that serves has it
    token_lifetime: timedelta = timedelta(minutes=10)  # the longest token, and clocks that differ

    def __post_init__(self) -> None:
        if min(self.publish_lead, self.token_lifetime) <= timedelta(0):
            raise InvalidValueError("a key's lead and token lifetime are above zero", remedy="Give seconds above 0.")
        if self.max_age <= self.publish_lead + self.token_lifetime:
            raise InvalidValueError(
                f"a key's age of {self.max_age} leaves no time between two rotations",
                remedy=f"Give more than {self.publish_lead + self.token_lifetime}.",
            )


def rotate(
    keys: KeySet | None,
    now: datetime,
    terms: RotationTerms,
    new_key: Callable[[datetime, datetime], SigningKey] = SigningKey.generate,
) -> KeySet:
    """Return the keys that should be published at `now`. Nothing to do: the same keys.

    The very first key signs at once: until gates read it they refuse its tokens, and there is nothing to fall back to.
    """
    if keys is None:
        return KeySet((new_key(now, now),))
    needed = _still_needed(keys, now, terms)
    is_due = now >= needed[-1].signs_from + terms.max_age - terms.publish_lead
    if is_due and len(needed) == 1:
        needed = (*needed, new_key(now, now + terms.publish_lead))
    return keys if needed == keys.keys else KeySet(needed)


def _still_needed(keys: KeySet, now: datetime, terms: RotationTerms) -> tuple[SigningKey, ...]:
    """Return the keys less those whose successor has signed for longer than any token lives."""
    successors = keys.keys[1:]
    kept = [
        key
        for key, successor in zip(keys.keys, successors, strict=False)
        if now < successor.signs_from + terms.token_lifetime
    ]
    return (*kept, keys.newest)
