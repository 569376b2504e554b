"""The hash chain: what one event adds to all before it. Pure.

    genesis = SHA-256("jitgress ledger v1")
    leaf    = SHA-256(0x00 || canonical event)              RFC 9162, 2.1.1: the hash of a leaf
    chain   = SHA-256(0x02 || chain of the event before || leaf)

0x01 is left to the inner nodes of a Merkle tree over the same leaves (RFC 9162, 2.1.1), so that no value of one kind
can be passed off as another. Whoever knows the newest chain hash can tell whether any event before it was changed.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

LEAF_TAG: Final = b"\x00"  # RFC 9162, 2.1.1
CHAIN_TAG: Final = b"\x02"  # our own: neither a leaf (0x00) nor an inner node (0x01)
GENESIS: Final = hashlib.sha256(b"jitgress ledger v1").digest()
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger goes: the number of its events, and the chain hash of the last. Kept elsewhere, it is proof."""

    count: int
    chain: bytes

    @property
    def hex(self) -> str:
        """The chain hash as people write it down."""
        return self.chain.hex()


EMPTY: Final = Head(0, GENESIS)


def leaf_hash(canonical: bytes) -> bytes:
    """Return the leaf of an event's canonical bytes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(LEAF_TAG + canonical).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """Return the chain hash of the event `leaf` that follows the chain hash `previous`."""
    return hashlib.sha256(CHAIN_TAG + previous + leaf).digest()


def extend(head: Head, leaf: bytes) -> Head:
    """Return the head of the ledger that `leaf` is appended to."""
    return Head(head.count + 1, chain_hash(head.chain, leaf))
