"""An event as bytes and back: one event has exactly one form (RFC 8785), which is what gets hashed.

Numbers are whole and below 2^53, so that every reader of JSON sees the same ones (RFC 8785, 3.2.2.3).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import rfc8785

from jitgress.audit.errors import EventRefusedError, LedgerDamagedError, LedgerNewerError
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.domain.request import RequestRef
from jitgress.domain.window import format_time, parse_time

FORMAT: Final = 1
MAX_EVENT_BYTES: Final = 2 * 1024 * 1024  # what fits into an object of the API (etcd: 1.5 MiB) can be recorded
MAX_DEPTH: Final = 8

_FIELDS: Final = frozenset({"format", "id", "code", "at", "actor", "subject", "request", "data"})


def canonical(event: Event) -> bytes:
    """Return the canonical bytes of `event` (RFC 8785), or raise `EventRefusedError`.

    Refused: a time without a zone, numbers not whole or from 2^53 on, text that is not Unicode, too deep or too long.
    """
    if event.at.tzinfo is None:
        raise _refused(event, "its time has no zone")
    try:
        content = rfc8785.dumps(_document(event))
    except rfc8785.CanonicalizationError as error:
        raise _refused(event, str(error)) from None
    if len(content) > MAX_EVENT_BYTES:
        raise _refused(event, f"it has {len(content)} bytes, more than {MAX_EVENT_BYTES}")
    return content


def read(content: bytes) -> Event:
    """Return the event of canonical bytes; raise `LedgerDamagedError` or `LedgerNewerError`."""
    document = parse(content)
    try:
        code = EventCode(document["code"])
    except ValueError:
        code = None
    if document["format"] != FORMAT or code is None:
        raise LedgerNewerError(
            "the ledger holds an event that this version does not know", remedy="Read it with a newer jitgress."
        )
    try:
        request = document["request"]
        return Event(
            id=document["id"],
            code=code,
            at=parse_time(document["at"]),
            actor=document["actor"],
            subject=document["subject"],
            request=None if request is None else RequestRef(request["namespace"], request["name"], request["uid"]),
            data=document["data"],
        )
    except (KeyError, TypeError, InvalidValueError) as error:
        raise _damaged(str(error)) from None


def parse(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object in `content` with exactly an event's members, or raise `LedgerDamagedError`."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error)) from None
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise _damaged("it does not have the members of an event")
    return cast("dict[str, Any]", document)


def _document(event: Event) -> dict[str, Any]:
    request = event.request
    return {
        "format": FORMAT,
        "id": event.id,
        "code": event.code.value,
        "at": format_time(event.at),
        "actor": event.actor,
        "subject": event.subject,
        "request": request and {"namespace": request.namespace, "name": request.name, "uid": request.uid},
        "data": _plain(event, event.data, MAX_DEPTH),
    }


def _plain(event: Event, value: EventValue, depth: int) -> Any:
    """Return `value` in JSON's own types; anything else is refused rather than guessed at."""
    if depth == 0:
        raise _refused(event, f"its data are nested more than {MAX_DEPTH} deep")
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {key: _plain(event, inner, depth - 1) for key, inner in value.items()}
        case Sequence() if not isinstance(value, (bytes, bytearray, memoryview)):
            return [_plain(event, inner, depth - 1) for inner in value]
        case _:
            raise _refused(event, f"its data hold a {type(value).__name__}")


def _refused(event: Event, why: str) -> EventRefusedError:
    return EventRefusedError(
        f"the event {event.code} ({event.id[:40]}) cannot be recorded: {why}",
        remedy="Event data are texts, whole numbers below 2^53, true, false, null, and lists and maps of these.",
    )


def _damaged(why: str) -> LedgerDamagedError:
    return LedgerDamagedError(
        f"an event in the ledger cannot be read: {why[:200]}",
        remedy="Run `jitgress audit verify`; it names the event.",
    )
