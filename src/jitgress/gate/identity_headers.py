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
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Client-Cert",
    "X-User",
    "X-Email",
)
"""Headers that targets take for the identity of the caller (oauth2-proxy, Envoy); X-Forwarded-User is overwritten."""

REMOVED_PREFIXES: Final = (
    "Remote-",  # Authelia, CGI
    "X-Remote-",  # Kubernetes' front proxy
    "Impersonate-",  # Kubernetes
    "X-Auth-Request-",  # oauth2-proxy behind nginx's auth_request
    "X-WebAuth-",  # Grafana's auth proxy
    "X-Authentik-",
    "X-Pomerium-",
    "X-Vouch-",
    "Tailscale-User-",
    "Cf-Access-",  # Cloudflare Access
    "X-Goog-Authenticated-User-",  # Google's Identity-Aware Proxy
    "X-Goog-IAP-",
    "X-Amzn-OIDC-",  # AWS load balancers
    "X-MS-Client-Principal",  # Azure App Service
    "X-MS-Token-",
    "SSL-Client-",  # certificates that a proxy in front has seen
    "X-SSL-Client-",
    "X-HTTP-Method",
)
"""The same for families of headers, each with the proxy that sets them; and overrides of the method."""

OVERRIDES: Final = (
    "X-Method-Override",
    "X-Original-Method",
    "X-Original-URL",
    "X-Original-URI",
    "X-Override-URL",
    "X-Rewrite-URL",
)
"""Headers by which some frameworks take another method or path than the one that was checked (Rails, Symfony, IIS)."""

_WHOLE: Final = "|".join(name.lower() for name in (*REMOVED, *OVERRIDES))
_BEGINNINGS: Final = "|".join(name.lower() for name in REMOVED_PREFIXES)
TAKEN_AWAY: Final = f"^(?:(?:{_WHOLE})$|{_BEGINNINGS})"
"""All of these in one rule: a look at every header's name costs less than a rule for each of them."""

USER: Final = "var(txn.entry),field(3,|),url_dec"
_GROUPS: Final = "var(txn.entry),field(4,|)"

_BLANK: Final = r"[\t ]*"
_FIRST_COOKIE: Final = rf"^[;\t ]*{TOKEN_COOKIE}{_BLANK}=[^;]*;*{_BLANK}(.*)"
_LATER_COOKIE: Final = rf"^(.*?);[;\t ]*{TOKEN_COOKIE}{_BLANK}=[^;]*(.*)"


HAS_TOKEN_COOKIE: Final = f"{{ req.fhdr(cookie) -m sub {TOKEN_COOKIE} }}"
HAS_UPGRADE: Final = "{ req.fhdr(upgrade) -m found }"
"""Conditions under which `cookie_rules` and `upgrade_rules` are needed."""


def identity_rules() -> tuple[str, ...]:
    """Return the rules that every request needs, to be applied after token and path were read.

    We say ourselves what is hop-by-hop: a client could name our headers in `Connection`, and have the next hop drop
    them (RFC 9110, 7.6.1).
    """
    return (
        "option http-restrict-req-hdr-names delete",
        "http-request del-header Connection",
        f"http-request del-header '{TAKEN_AWAY}' -m reg",
        f"http-request set-header X-Forwarded-User %[{USER}]",
        f"http-request add-header X-Forwarded-Groups %[{_GROUPS},url_dec] if {{ {_GROUPS} -m len ge 1 }}",
    )


def cookie_rules() -> tuple[str, ...]:
    """Take our cookie out and leave the others as they are.

    A browser sends it once. Whatever still has its name after two rounds is no browser's: that header goes as a whole.
    """
    marked = "{ var(txn.has_cookie) -m bool }"
    return (
        f"http-request set-var(txn.has_cookie) bool(true) if {HAS_TOKEN_COOKIE}",
        f"http-request replace-header Cookie '{_FIRST_COOKIE}' '\\1' if {marked}",
        f"http-request replace-header Cookie '{_LATER_COOKIE}' '\\1\\2' if {marked}",
        f"http-request del-header Cookie if {marked} {HAS_TOKEN_COOKIE}",
        f"http-request del-header Cookie if {marked} !{{ req.fhdr(cookie) -m len ge 1 }}",
    )


def upgrade_rules() -> tuple[str, ...]:
    """Switch protocols to WebSocket only: with `Upgrade: h2c` a client could open a tunnel that nobody checks."""
    websocket = "{ req.fhdr(upgrade) -m str -i websocket }"
    return (
        f"http-request del-header Upgrade unless {websocket}",
        f"http-request add-header Connection Upgrade if {websocket}",
    )
