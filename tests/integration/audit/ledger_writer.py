"""A process that appends events FIRST.. to the ledger at URL, COUNT of them, and acknowledges each on its output."""

import sys
from datetime import UTC, datetime

from jitgress.audit.ledger import Ledger
from jitgress.domain.event import Event, EventCode


def write(url: str, first: int, count: int) -> None:
    ledger = Ledger.open(url)
    for number in range(first, first + count):
        event = Event(id=f"e{number}", code=EventCode.TOKEN_ISSUED, at=datetime.now(UTC), actor="writer")
        sys.stdout.write(f"{ledger.append(event).event.id}\n")
        sys.stdout.flush()
    ledger.close()


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
