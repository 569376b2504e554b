"""What can go wrong with keys and tokens. Without a key nothing is signed (fail closed)."""

from jitgress.domain.errors import JitgressError


class KeysUnavailableError(JitgressError):
    """There are no signing keys now."""

    code = "signing_keys_unavailable"


class KeysUnreadableError(KeysUnavailableError):
    """What is stored as signing keys are none."""

    code = "signing_keys_unreadable"


class TokenNotMintedError(JitgressError):
    """A token would permit what its grant does not."""

    code = "token_not_minted"


class TokenInvalidError(JitgressError):
    """A token is not one that a gate would take."""

    code = "token_invalid"
