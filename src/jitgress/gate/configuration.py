"""HAProxy's configuration, as a pure function of the settings.

Invariant 1: the front end gathers, verifies and lets pass what satisfies every check; all else ends in `refuse`, which
tells the first check that failed, and whose last rule refuses whatever is left.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from jitgress.gate.answers import ANSWERS, answer_file
from jitgress.gate.checks import CHECKS, HOST, PROOF, Check, Refusal
from jitgress.gate.identity_headers import (
    HAS_TOKEN_COOKIE,
    HAS_UPGRADE,
    TOKEN_COOKIE,
    TOKEN_HEADER,
    USER,
    cookie_rules,
    identity_rules,
    upgrade_rules,
)
from jitgress.gate.layout import SERVER_LENGTH, SHARDS, TOKEN_TYPE, MapName, backend_name, map_file, ranges
from jitgress.gate.settings import GateSettings

WATCH_FILE: Final = "watch.lua"
SOURCES_FILE: Final = "sources.lua"

_LONGEST: Final = "25h"  # above the longest window (24 h): a grant's end cuts its streams, never an idle timer
_REMEMBERED_TOKENS: Final = "100k"  # 14 MB; one more pushes out the oldest
_REMEMBERED_FOR: Final = "10m"  # tokens live 5 minutes (jitgress.identity.tokens.LIFETIME)
_HOT_BYTES: Final = 8 * 1024 * 1024  # 100 requests' buffers kept at hand; the default is made for smaller ones
_HAS_ENTRY: Final = "{ var(txn.entry) -m found }"
_LATEST_EXPIRY_S: Final = 2**32 - 1  # what fits into gpt0; in the year 2106


def render(settings: GateSettings) -> str:
    """Return haproxy.cfg."""
    sections = (_global(settings), _defaults(settings), _tokens(), _front_end(settings), _refuse(settings), _targets())
    return "\n".join(["# Written by jitgress at the gate's start.", *sections, ""])


def _global(settings: GateSettings) -> str:
    """One thread: a request's rules then run undivided between two commands of the agent, and Lua needs no lock.

    Without `noreuseport` a second HAProxy would share the port silently, and deny half of all requests.
    """
    state = map_file(settings.folder, MapName.STATE)
    return _section(
        "global",
        "nbthread 1",
        "noreuseport",
        f"maxconn {settings.max_connections}",
        "tune.bufsize 32768",
        "tune.maxrewrite 8192",
        f"tune.memory.hot-size {_HOT_BYTES}",
        f"stats socket {settings.socket} mode 600 level admin",
        "stats timeout 24h",
        f"lua-load {settings.folder / WATCH_FILE} {state} {_milliseconds(settings.staleness)}",
        f"lua-load {settings.folder / SOURCES_FILE} {ranges(settings.proxies)}".rstrip(),
    )


def _defaults(settings: GateSettings) -> str:
    return _section(
        "defaults",
        "mode http",
        "timeout connect 5s",
        "timeout http-request 10s",
        "timeout http-keep-alive 60s",
        *(f"timeout {side} {_LONGEST}" for side in ("client", "server", "tunnel")),
        "timeout client-fin 5s",
        "timeout server-fin 5s",
        "option clitcpka",
        "option srvtcpka",
        "no option redispatch",
        "retries 0",
        *(f"errorfile {status} {answer_file(settings.folder, status)}" for status in ANSWERS),
    )


def _tokens() -> str:
    """Tokens that were verified: SHA-256 of token and entry, which names grant and key → the token's end in seconds."""
    table = f"stick-table type binary len 32 size {_REMEMBERED_TOKENS} expire {_REMEMBERED_FOR} store gpt0"
    return _section("backend tokens", table)


def _front_end(settings: GateSettings) -> str:
    return _section(
        "frontend gate",
        f"bind {settings.bind}",
        "option disable-h2-upgrade",
        *(_acl(check, settings) for check in CHECKS),
        *_gathered(settings.folder),
        *identity_rules(),
        *_fast_path(),
        *cookie_rules(),
        *upgrade_rules(),
        *_verification(settings),
        "use_backend targets_%[var(txn.entry),bytes(0,2)] if { var(txn.passes) -m bool }",
        "default_backend refuse",
    )


def _gathered(folder: Path) -> tuple[str, ...]:
    """Variables: only what is used twice or as an argument, for each one costs 100 ns.

    An entry that is bound to networks counts once `judge_source` has found the request to come from there.
    """
    sent = f"{HOST},concat(@,txn.token)"
    return (
        "http-request set-var(txn.now) date(0,ms)",
        "http-request set-var(txn.path) url,field(1,?)",  # as sent: `path` would hide that it is not in origin form
        f"http-request set-var(txn.token) http_auth_bearer({TOKEN_HEADER})",
        f"http-request set-var(txn.token) req.cook({TOKEN_COOKIE}) unless {{ var(txn.token) -m len ge 1 }}",
        f"http-request set-var(txn.entry) {sent},map_beg({map_file(folder, MapName.GRANTS)})",
        f"http-request set-var(txn.bound) {sent},map_beg({map_file(folder, MapName.BOUND)}) if !{_HAS_ENTRY}",
        "http-request lua.judge_source if { var(txn.bound) -m found }",
        "http-request set-var(txn.grant) var(txn.entry),field(1,.)",
    )


def _fast_path() -> tuple[str, ...]:
    """Let pass at once what most requests are: inside the grant, with a token that was verified before.

    Measured: each rule that doesn't apply costs 70 ns; those of a cookie, of an upgrade and of a new token are 11.
    """
    checks = " ".join(check.name for check in CHECKS if not check.is_implied)
    return (
        f"http-request set-var(txn.passes) bool(true) if {checks}",
        f"http-request allow if {{ var(txn.passes) -m bool }} !{HAS_TOKEN_COOKIE} !{HAS_UPGRADE}",
    )


def _verification(settings: GateSettings) -> tuple[str, ...]:
    """Verify the token once, and remember until it expires that it was good. Failures are never remembered."""
    good = {
        "algorithm_is_es256": "jwt_header_query('$.alg') -m str ES256",
        "type_is_ours": f"jwt_header_query('$.typ') -m str {TOKEN_TYPE}",
        "issuer_is_ours": f"jwt_payload_query('$.iss') -m str -- {settings.issuer}",
        "audience_is_the_host": "jwt_payload_query('$.aud'),strcmp(txn.host) eq 0",
        "grant_is_the_one": "jwt_payload_query('$.grant'),strcmp(txn.grant) eq 0",
        "subject_is_the_grants": "jwt_payload_query('$.sub'),strcmp(txn.user) eq 0",
        "token_has_begun": "jwt_payload_query('$.nbf','int'),mul(1000),sub(txn.now) -m int le 0",
        "token_has_not_expired": "jwt_payload_query('$.exp','int'),mul(1000),sub(txn.now) -m int gt 0",
        "token_expires_in_time": f"jwt_payload_query('$.exp','int') -m int le {_LATEST_EXPIRY_S}",
        "signature_is_good": "jwt_verify(ES256,txn.key_file) -m int 1",
    }
    # Only a token that could pass is worth the 70 us of a signature.
    others = " ".join(check.name for check in CHECKS if not check.is_implied and check.name != "token_is_verified")
    is_new = "{ var(txn.key_file) -m found }"
    return (
        *(f"acl {name} var(txn.token),{condition}" for name, condition in good.items()),
        f"http-request set-var(txn.key_file) var(txn.entry),field(2,|) if !{{ var(txn.passes) -m found }} {others}",
        f"http-request set-var(txn.host) {HOST} if {is_new}",
        f"http-request set-var(txn.user) {USER} if {is_new}",
        f"http-request lua.load_key if {is_new}",
        f"http-request track-sc0 {PROOF} table tokens if {is_new} {' '.join(good)}",
        "http-request sc-set-gpt0(0) var(txn.token),jwt_payload_query('$.exp','int') if { sc0_tracked }",
        "http-request set-var(txn.passes) bool(true) if { sc0_tracked }",
    )


def _refuse(settings: GateSettings) -> str:
    acls = [_acl(check, settings) for check in CHECKS]
    answers = [f"{_answer(check.refusal)} unless {check.name}" for check in CHECKS]
    named = "http-request set-var(txn.named) var(txn.token),jwt_payload_query('$.grant')"
    return _section("backend refuse", *acls, named, *answers, _answer(CHECKS[-1].refusal))


def _answer(refusal: Refusal) -> str:
    headers = [("Jitgress-Gate", f"denied; reason={refusal.code.value}"), ("Cache-Control", "no-store")]
    if refusal.status == 401:  # noqa: PLR2004  RFC 9110, 15.5.2
        headers.append(("WWW-Authenticate", 'Bearer realm="jitgress"'))
    if refusal.status == 503:  # noqa: PLR2004  RFC 9110, 15.6.4
        headers.append(("Retry-After", "1"))
    told = " ".join(f"hdr {name} {_quoted(value)}" for name, value in headers)
    content = f"content-type application/problem+json string {_quoted(refusal.body())}"
    return f"http-request return status {refusal.status} {content} {told}"


def _targets() -> str:
    """One back end for each beginning of a grant's id. Every server has weight 0: none is chosen but by name."""
    server = f"%[var(txn.entry),bytes(0,{SERVER_LENGTH})]"
    shards = (
        _section(f"backend {backend_name(shard)}", "balance roundrobin", f"use-server {server} if TRUE")
        for shard in SHARDS
    )
    return "\n".join(shards)


def _acl(check: Check, settings: GateSettings) -> str:
    condition = check.condition
    if check.map is not None:
        converter = "map_beg" if check.map is MapName.SCOPES else "map_str"
        condition = condition.replace("{map}", f"{converter}({map_file(settings.folder, check.map)})")
    return f"acl {check.name} {condition.replace('{staleness_ms}', str(_milliseconds(settings.staleness)))}"


def _quoted(text: str) -> str:
    """Return `text` so that HAProxy takes it literally (configuration manual, 2.2)."""
    return "'" + text.replace("'", "'\\''") + "'"


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _section(title: str, *lines: str) -> str:
    return "\n".join(["", title, *(f"  {line}" for line in lines)])
