"""The outermost loop: the commands there are, and what happens when one of them fails.

Every expected failure ends in one line that says what is wrong and what to do, and in its exit code.
"""

import errno
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from typer.exceptions import Abort, TyperException

from jitgress.cli.command import Entry, RootGroup
from jitgress.cli.exits import (
    CliError,
    ExitCode,
    InterruptedByUserError,
    UnexpectedError,
    UsageError,
    code_of,
    exit_code_of,
)
from jitgress.cli.outside import Outside
from jitgress.cli.wording import sentence
from jitgress.domain.errors import JitgressError

_REVIEWS: Final = "jitgress.cli.review"
_UNWRITTEN: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT})
COMMANDS: Final[Mapping[str, Entry]] = {
    "request": Entry("jitgress.cli.request", "Ask for access to a target."),
    "approve": Entry(_REVIEWS, "Approve somebody's request."),
    "deny": Entry(_REVIEWS, "Deny somebody's request."),
    "revoke": Entry(_REVIEWS, "End somebody's access now."),
    "withdraw": Entry(_REVIEWS, "Take your own request back, or give back what it opened."),
    "extend": Entry("jitgress.cli.extend", "Ask for open access of yours to last longer."),
    "list": Entry("jitgress.cli.list", "List requests."),
    "show": Entry("jitgress.cli.show", "Show a request: who asked for what, how it was decided, what is open."),
    "targets": Entry("jitgress.cli.targets", "List what can be asked for."),
    "token": Entry("jitgress.cli.token", "Print a gate token for an open request of yours."),
    "policy": Entry("jitgress.cli.policy", "Explain, test and lint policies."),
    "audit": Entry("jitgress.cli.audit", "Read and verify the ledger."),
    "serve": Entry("jitgress.cli.serve", "Run operator and portal."),
    "gate": Entry("jitgress.cli.gate", "Run the gate's agent beside HAProxy."),
    "local": Entry("jitgress.cli.local", "Run the whole stack on this machine."),
    "version": Entry("jitgress.cli.version", "Print the version."),
}


def main() -> None:
    """Run the command line and end the process."""
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # before a command had begun, or after it had ended
        sys.exit(_interrupted(sys.argv[1:]))


def root() -> RootGroup:
    """Return the whole command line."""
    return RootGroup(
        COMMANDS,
        name="jitgress",
        help="Just-in-time access for Kubernetes ingress: one host, one person, a capped time.",
        epilog='jitgress request shop/orders --for 30m --reason "INC-123 stuck orders" --wait',
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def run(arguments: Sequence[str], outside: Outside | None = None) -> int:
    """Run one command and return its exit code."""
    world = outside or Outside.real()
    try:
        code = root().main(list(arguments), prog_name="jitgress", standalone_mode=False, obj=world)
        sys.stdout.flush()  # behind this function nobody could tell that it can't be written
    except JitgressError as error:
        return _failed(error, arguments)
    except TyperException as error:
        return _misused(error, arguments)
    except Abort:
        return ExitCode.FAILED
    except OSError as error:
        return _refused_by_system(error, arguments, world.environ)
    except Exception as error:  # noqa: BLE001  the outermost loop of a process
        return _failed(_unexpected(error, world.environ), arguments)
    if code == ExitCode.INTERRUPTED:
        return _interrupted(arguments)
    return code if isinstance(code, int) else ExitCode.DONE


def _interrupted(arguments: Sequence[str]) -> int:
    return _failed(InterruptedByUserError("ended before it was done", remedy="Run it again."), arguments)


def _refused_by_system(error: OSError, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    if error.filename is not None or error.errno not in _UNWRITTEN:
        return _failed(_unexpected(error, environ), arguments)
    with suppress(OSError):  # else the interpreter would try once more at its end, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:  # whoever read the answer has enough of it
        return ExitCode.FAILED
    remedy = "Make room, or write it elsewhere."
    return _failed(CliError(f"the answer can't be written: {error.strerror}", remedy=remedy), arguments)


def _unexpected(error: Exception, environ: Mapping[str, str]) -> UnexpectedError:
    if environ.get("JITGRESS_DEBUG"):
        traceback.print_exception(error)
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return UnexpectedError(words, remedy="Set JITGRESS_DEBUG=1 to see where it came from.")


def _misused(error: TyperException, arguments: Sequence[str]) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # the class is private to typer
        sys.stdout.write(error.message + "\n")
        return ExitCode.WRONG_USAGE
    context = getattr(error, "ctx", None)
    named = next((f"jitgress {word}" for word in arguments if word in COMMANDS), "jitgress")
    remedy = f"See: {context.command_path if context else named} --help"
    return _failed(UsageError(error.format_message().replace("Value error, ", ""), remedy=remedy), arguments)


def _failed(error: JitgressError, arguments: Sequence[str]) -> int:
    code = exit_code_of(error)
    kind = {ExitCode.DENIED: "denied", ExitCode.INTERRUPTED: "interrupted"}.get(code, "error")
    sys.stderr.write(f"{kind}: {sentence(error.message, error.remedy)}\n")
    if _wants_json(arguments):
        content = {"code": code_of(error), "message": error.message, "remedy": error.remedy}
        sys.stdout.write(json.dumps({"error": content}, ensure_ascii=False) + "\n")
    return code


def _wants_json(arguments: Sequence[str]) -> bool:
    # Asked of the words themselves: the failure may be that they can't be understood.
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        word in ("-ojson", "--output=json") or (word in ("-o", "--output") and after == "json") for word, after in pairs
    )
