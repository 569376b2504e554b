"""What the target is told about the subject, and what it never gets to see.

Invariant 8: credentials and identity headers that the client sent never reach the target; nor do headers that would
have the target serve another method or path than the one that was checked (invariant 1). Header names with an
underscore, which some servers read as a hyphen, are dropped altogether.
"""

from typing import Final

TOKEN_HEADER: Final = "Jitgress-Authorization"  # noqa: S105  a header's name
TOKEN_COOKIE: Final = "__Host-jitgress"  # noqa: S105  a cookie's name

REMOVED: Final = (
    TOKEN_HEADER,
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
)
"""Headers that targets take for the identity of the caller (oauth2-proxy)."""

REMOVED_PREFIXES: Final = ("remote-", "x-auth-request-", "x-remote-")
"""The same, for families of headers (Authelia, nginx's auth_request, Kubernetes' front proxy)."""

OVERRIDES: Final = ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL")
"""Headers by which some frameworks take another method or path than the one that was checked (Rails, Symfony, IIS)."""

_BLANK: Final = r"[\t ]*"
_FIRST_COOKIE: Final = rf"^[;\t ]*{TOKEN_COOKIE}{_BLANK}=[^;]*;*{_BLANK}(.*)"
_LATER_COOKIE: Final = rf"^(.*?);[;\t ]*{TOKEN_COOKIE}{_BLANK}=[^;]*(.*)"


def identity_rules() -> tuple[str, ...]:
    """Return the rules of the front end, to be applied after token and path were read."""
    groups = "var(txn.entry),field(5,|)"
    return (
        "option http-restrict-req-hdr-names delete",
        *(f"http-request del-header {name}" for name in (*REMOVED, *OVERRIDES)),
        *(f"http-request del-header {prefix} -m beg" for prefix in REMOVED_PREFIXES),
        *_cookie_rules(),
        *_connection_rules(),
        "http-request add-header X-Forwarded-User %[var(txn.entry),field(4,|),url_dec]",
        f"http-request add-header X-Forwarded-Groups %[{groups},url_dec] if {{ {groups} -m len ge 1 }}",
    )


def _cookie_rules() -> tuple[str, ...]:
    """Take our cookie out and leave the others as they are.

    A browser sends it once. Whatever still has its name after two rounds is no browser's: that header goes as a whole.
    """
    ours = f"{{ req.fhdr(cookie) -m sub {TOKEN_COOKIE} }}"
    marked = "{ var(txn.has_cookie) -m bool }"
    return (
        f"http-request set-var(txn.has_cookie) bool(true) if {ours}",
        f"http-request replace-header Cookie '{_FIRST_COOKIE}' '\\1' if {marked}",
        f"http-request replace-header Cookie '{_LATER_COOKIE}' '\\1\\2' if {marked}",
        f"http-request del-header Cookie if {marked} {ours}",
        f"http-request del-header Cookie if {marked} !{{ req.fhdr(cookie) -m len ge 1 }}",
    )


def _connection_rules() -> tuple[str, ...]:
    """Say ourselves what is hop-by-hop, and switch protocols to WebSocket only.

    A client could name our headers in `Connection`, and have the next hop drop them (RFC 9110, 7.6.1); with `Upgrade:
    h2c` it could open a tunnel, in which nobody checks paths.
    """
    websocket = "{ req.fhdr(upgrade) -m str -i websocket }"
    return (
        f"http-request del-header Upgrade unless {websocket}",
        "http-request del-header Connection",
        f"http-request add-header Connection Upgrade if {websocket}",
    )
