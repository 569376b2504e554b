"""The exit codes that scripts rely on, and the errors of the command line itself."""

from enum import IntEnum
from typing import ClassVar

from jitgress.domain.errors import JitgressError


class ExitCode(IntEnum):
    """What the number means; stable."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    DENIED = 3
    TIMED_OUT = 4
    NOT_SIGNED_IN = 5
    NOT_REACHABLE = 6
    INTERRUPTED = 130  # 128 + SIGINT, as shells count


class CliError(JitgressError):
    """A command can't go on."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    code = "failed"


class UsageError(CliError):
    """What was typed can't be understood."""

    exit_code = ExitCode.WRONG_USAGE
    code = "wrong_usage"


class DeniedError(CliError):
    """Policy says no, or a review doesn't count. `code` is the denial's, where one is known."""

    exit_code = ExitCode.DENIED
    code = "denied"

    def __init__(self, message: str, *, remedy: str = "", denial: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.denial = denial


class WaitTimedOutError(CliError):
    """What was waited for didn't come in time; nothing was undone."""

    exit_code = ExitCode.TIMED_OUT
    code = "wait_timed_out"


class NotSignedInError(CliError):
    """The other side doesn't know who is asking."""

    exit_code = ExitCode.NOT_SIGNED_IN
    code = "not_signed_in"


class NotReachableError(CliError):
    """The other side doesn't answer."""

    exit_code = ExitCode.NOT_REACHABLE
    code = "not_reachable"


class InterruptedByUserError(CliError):
    """Ctrl-C: the message says what keeps standing."""

    exit_code = ExitCode.INTERRUPTED
    code = "interrupted"


class UnexpectedError(CliError):
    """Nobody reckoned with it: most likely a defect. With JITGRESS_DEBUG=1 it is told where it came from."""

    code = "internal"


def code_of(error: JitgressError) -> str:
    """Return the stable code of an error of any layer; of a denial: the denial's own."""
    return error.denial if isinstance(error, DeniedError) and error.denial else error.code


def exit_code_of(error: JitgressError) -> ExitCode:
    """Return the exit code of an error of any layer."""
    return error.exit_code if isinstance(error, CliError) else ExitCode.FAILED
