"""What a request must satisfy, in order. HAProxy lets it pass only if every check holds; the first that fails is told.

Invariant 1: nothing passes without a fresh lease, a grant, its window, its host, its scope and a signed token.
One list makes both the rule that lets pass and the answers that refuse, so that neither can forget a check.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from jitgress.gate.layout import MapName


class RefusalCode(StrEnum):
    """Why the gate refused: the code of the header `Jitgress-Gate` and of the problem's type."""

    GATE_STARTING = "gate_starting"
    GATE_STALE = "gate_stale"
    HOST_CLOSED = "host_closed"
    NO_TOKEN = "no_token"  # noqa: S105  a code, not a credential
    TOKEN_INVALID = "token_invalid"  # noqa: S105  a code, not a credential
    GRANT_UNKNOWN = "grant_unknown"
    HOST_MISMATCH = "host_mismatch"
    SOURCE_OUTSIDE = "source_outside"
    GRANT_NOT_YET = "grant_not_yet"
    GRANT_ENDED = "grant_ended"
    PATH_AMBIGUOUS = "path_ambiguous"
    METHOD_OUTSIDE = "method_outside"
    PATH_OUTSIDE = "path_outside"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the client is told."""

    code: RefusalCode
    status: int
    title: str
    detail: str

    def body(self) -> str:
        """Return the problem document (RFC 9457)."""
        return problem(self.code.value, self.status, self.title, self.detail)


@dataclass(frozen=True, slots=True)
class Check:
    """An ACL: it holds, or the request is refused. `map` is the file that replaces `{map}` in `condition`."""

    name: str
    condition: str
    refusal: Refusal
    map: MapName | None = None
    is_implied: bool = False
    """Another check holds only if this one does: it is asked only to tell the reason."""


def problem(code: str, status: int, title: str, detail: str) -> str:
    """Return a problem document (RFC 9457) in one line."""
    members = {"type": f"https://jitgress.dev/problems/{code}", "title": title, "status": status, "detail": detail}
    return json.dumps(members)


# RFC 3986, 3.3, less everything that two servers could read differently: `jitgress.domain.scope.canonical_path` says
# the same in other words, and a test holds them together. It states what is clear, so that a failing regex refuses.
_CLEAR_ESCAPE: Final = r"%(?!2[5eEfF]|5[cC]|3[bB]|[01][0-9A-Fa-f]|7[fF]|[cC][01]|[eE]0%[89]|[fF]0%8)[0-9A-Fa-f]{2}"
_SEGMENT: Final = rf"(?!\.\.?(?:/|\z))(?:[!\"$&-.0-:<->@-\[\]-~]++|{_CLEAR_ESCAPE})++"
CLEAR_PATH: Final = rf"^/(?:{_SEGMENT}(?:/{_SEGMENT})*+/?)?\z"

HOST: Final = "req.fhdr(host),field(1,:),lower"
PROOF: Final = "var(txn.token),concat(|,txn.entry),sha2(256)"
_NOT_AFTER: Final = "var(txn.entry),field(2,.)"
_NOT_BEFORE: Final = "var(txn.entry),field(3,.)"

_TOKEN_INVALID: Final = Refusal(
    RefusalCode.TOKEN_INVALID,
    401,
    "Token not valid",
    "The token is damaged, has expired, or was not issued for this host and grant. Get a new one: jitgress token.",
)

CHECKS: Final = (
    Check(
        "gate_has_started",
        "str(lease_until),{map} -m found",
        Refusal(RefusalCode.GATE_STARTING, 503, "Gate is starting", "The gate has not been programmed yet. Try again."),
        map=MapName.STATE,
        is_implied=True,
    ),
    Check(
        "lease_is_fresh",
        "str(lease_until),{map},sub(txn.now) -m int 1:{staleness_ms}",
        Refusal(
            RefusalCode.GATE_STALE,
            503,
            "Gate is cut off",
            "The gate has not heard from the Kubernetes API for too long, so it lets nobody pass. Try again.",
        ),
        map=MapName.STATE,
    ),
    Check(
        "host_is_open",
        f"{HOST},{{map}} -m found",
        Refusal(RefusalCode.HOST_CLOSED, 404, "Not open", "Nothing is open on this host now. Ask: jitgress request."),
        map=MapName.HOSTS,
        is_implied=True,
    ),
    Check(
        "token_is_given",
        "var(txn.token) -m len ge 1",
        Refusal(
            RefusalCode.NO_TOKEN,
            401,
            "Token needed",
            "Send the token of your grant as Jitgress-Authorization: Bearer TOKEN. Get it with: jitgress token.",
        ),
        is_implied=True,
    ),
    Check("token_names_a_grant", "var(txn.named) -m found", _TOKEN_INVALID, is_implied=True),
    Check(
        "grant_is_known",
        "var(txn.named),{map} -m found",
        Refusal(
            RefusalCode.GRANT_UNKNOWN, 403, "No such grant", "The grant was revoked, or has long ended. Ask again."
        ),
        map=MapName.PARTS,
        is_implied=True,
    ),
    Check(
        "host_is_the_grants",
        f"{HOST},concat(@,txn.named),{{map}} -m found",
        Refusal(RefusalCode.HOST_MISMATCH, 403, "Other host", "The grant is for another host."),
        map=MapName.PARTS,
        is_implied=True,
    ),
    Check(
        "source_is_inside",
        "var(txn.source,inside) -m str inside",
        Refusal(
            RefusalCode.SOURCE_OUTSIDE,
            403,
            "Other source",
            "The grant may be used from certain networks only, and this request comes from elsewhere or from behind a"
            " proxy that the gate does not know (gate.trusted_proxies).",
        ),
        is_implied=True,
    ),
    Check("token_begins_as_ours", "var(txn.entry) -m found", _TOKEN_INVALID),
    Check(
        "window_has_begun",
        f"{_NOT_BEFORE},sub(txn.now) -m int le 0",
        Refusal(RefusalCode.GRANT_NOT_YET, 403, "Not yet open", "The grant's time has not begun."),
    ),
    Check(
        "window_has_not_ended",
        f"{_NOT_AFTER},sub(txn.now) -m int gt 0",
        Refusal(RefusalCode.GRANT_ENDED, 403, "Time is over", "The grant's time has ended. Ask again for more."),
    ),
    Check(
        "path_is_clear",
        f"var(txn.path) -m reg '{CLEAR_PATH}'",
        Refusal(
            RefusalCode.PATH_AMBIGUOUS,
            400,
            "Path is ambiguous",
            "The path can be read in two ways (dots, doubled slashes, backslashes, semicolons, escapes of these).",
        ),
    ),
    Check(
        "method_is_inside",
        "method,concat(:,txn.named),{map} -m found",
        Refusal(RefusalCode.METHOD_OUTSIDE, 403, "Method not granted", "The grant does not permit this method."),
        map=MapName.PARTS,
        is_implied=True,
    ),
    Check(
        "path_is_inside",
        "method,concat(:,txn.grant,:),concat(,txn.path,/),{map} -m found",
        Refusal(RefusalCode.PATH_OUTSIDE, 403, "Path not granted", "The grant does not permit this path."),
        map=MapName.SCOPES,
    ),
    Check("token_is_verified", f"{PROOF},table_gpt0(tokens),mul(1000),sub(txn.now) -m int gt 0", _TOKEN_INVALID),
)
