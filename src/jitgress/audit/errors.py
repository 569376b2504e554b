"""What can go wrong with the ledger. Nothing is opened or handed out while one of these stands (fail closed)."""

from jitgress.domain.errors import JitgressError


class LedgerError(JitgressError):
    """The ledger could not record or read an event."""

    code = "ledger"


class EventRefusedError(LedgerError):
    """The event itself cannot be recorded, however often it is tried."""

    code = "ledger_event_refused"


class LedgerBusyError(LedgerError):
    """Another process holds the ledger's lock for too long, or the queue's writer has stopped."""

    code = "ledger_busy"


class LedgerFullError(LedgerError):
    """There is no room for another event."""

    code = "ledger_full"


class LedgerDamagedError(LedgerError):
    """The file is not a ledger, or what it holds cannot be read."""

    code = "ledger_damaged"


class LedgerUnreachableError(LedgerError):
    """The file cannot be opened, read or written."""

    code = "ledger_unreachable"


class LedgerNewerError(LedgerError):
    """The ledger was written by a newer version."""

    code = "ledger_newer"
