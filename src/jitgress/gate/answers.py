"""What HAProxy says by itself when a request can't be read or a target can't be reached: problems, too (RFC 9457)."""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from jitgress.gate.checks import problem

ANSWERS: Final = {
    400: ("request_malformed", "Request malformed", "The request is not valid HTTP/1.1."),
    408: ("request_too_slow", "Request too slow", "The request did not arrive in time."),
    500: ("gate_failed", "Gate failed", "The gate could not handle the request."),
    502: ("target_failed", "Target failed", "The target's answer was cut short or is not valid HTTP."),
    503: ("target_unreachable", "Target not reachable", "The target refused the connection, or the grant just ended."),
    504: ("target_too_slow", "Target too slow", "The target did not take the connection or answer in time."),
}
"""Status → code, title, detail. None of them is a refusal by a check: the header says `failed`."""


def answer_file(folder: Path, status: int) -> Path:
    """Return the file with the answer for `status`."""
    return folder / "answers" / f"{status}.http"


def answer(status: int) -> str:
    """Return a complete HTTP response."""
    code, title, detail = ANSWERS[status]
    body = problem(code, status, title, detail) + "\n"
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/problem+json",
        f"Jitgress-Gate: failed; reason={code}",
        "Cache-Control: no-store",
        f"Content-Length: {len(body.encode())}",
    )
    return "\r\n".join([*head, "", body])
