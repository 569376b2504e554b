"""What one look at a host means: for a grant that is opening, and for a request that is over.

Invariant 9: opening and closing are observed, not assumed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from jitgress.operator.ports import Probe, Sighting

FIRST_LOOKS: Final = timedelta(milliseconds=20)
"""How soon to look again at first: a route is there some 60 ms after its grant where the ingress throttles at 50 ms."""
SLOWEST_LOOKS: Final = timedelta(seconds=2)


class Finding(StrEnum):
    """What is known of an opening grant. The words are reasons of its condition Probed."""

    PROBED = "Refused"
    EXPOSED = "Exposed"
    NOT_SEEN = "NotSeen"
    LOOK_AGAIN = "LookAgain"


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening grant: since when, whether every gate has it, and the last look, if any."""

    since: datetime
    is_programmed: bool
    probe: Probe | None


def finding(opening: Opening, timeout: timedelta, now: datetime) -> Finding:
    """Return what is known of an opening grant at `now`."""
    if opening.probe is not None and opening.probe.sighting is Sighting.EXPOSED:
        return Finding.EXPOSED
    if opening.is_programmed and opening.probe is not None and opening.probe.sighting is Sighting.REFUSED:
        return Finding.PROBED
    return Finding.NOT_SEEN if now >= opening.since + timeout else Finding.LOOK_AGAIN


def is_hidden(probe: Probe) -> bool:
    """Tell whether a closed host is gone from the ingress."""
    return probe.sighting is Sighting.HIDDEN


def next_look(since: datetime, now: datetime) -> datetime:
    """Return when to look again: soon at first, then after a tenth of the time already waited."""
    waited = max(now - since, timedelta(0))
    return now + min(max(FIRST_LOOKS, waited / 10), SLOWEST_LOOKS)
