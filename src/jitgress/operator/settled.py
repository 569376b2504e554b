"""How settled requests are told apart in a list (docs/adr/0007): by a field of the status, which is the operator's."""

from typing import Final

SETTLED: Final = "status.settled=true"
NOT_SETTLED: Final = "status.settled!=true"
"""Which requests the operator follows."""
