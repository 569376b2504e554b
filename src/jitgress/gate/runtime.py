"""HAProxy's runtime socket: lines in, one answer for each.

The connection is kept, in HAProxy's interactive mode: each answer ends in a prompt, so that many lines can be on their
way at once (measured: 13,000 commands a second, against some hundred with a connection each).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from jitgress.gate.errors import HaproxyUnreachableError, UnexpectedAnswerError

_PROMPT: Final = b"\n> "
_LINES_AT_ONCE: Final = 50  # some 10 kB: the socket takes them without waiting for our reading
_LONGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024  # 100,000 grants have about 30 MB of entries
_PATIENCE_S: Final = 10.0  # HAProxy answers within milliseconds; a stopped one must not hold the agent


class Runtime(Protocol):
    """What the agent needs of HAProxy; the simulator has it, too."""

    async def ask(self, lines: Sequence[str]) -> list[str]:
        """Return the answer to each line, in order. Raises `HaproxyUnreachableError`; some lines may then be done."""
        ...


class RuntimeSocket:
    """A `Runtime` on a Unix socket. Connects when it has to; one caller at a time."""

    def __init__(self, path: Path, patience_s: float = _PATIENCE_S) -> None:
        self._path = path
        self._patience_s = patience_s
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, lines: Sequence[str]) -> list[str]:
        """Return the answer to each line, in order. Raises `HaproxyUnreachableError`."""
        if any("\n" in line for line in lines):
            raise UnexpectedAnswerError("a command has more than one line", remedy="This is a defect; report it.")
        answers: list[str] = []
        async with self._lock:
            is_done = False
            try:
                for start in range(0, len(lines), _LINES_AT_ONCE):
                    answers += await self._exchange(lines[start : start + _LINES_AT_ONCE])
                is_done = True
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
                raise HaproxyUnreachableError(
                    f"HAProxy's runtime socket gave no answer ({type(error).__name__})",
                    remedy=f"Check that HAProxy runs and that {self._path} is its socket.",
                ) from error
            finally:
                if not is_done:  # an answer may still come: never take it for the next line's
                    self.close()
        return answers

    def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, lines: Sequence[str]) -> list[str]:
        async with asyncio.timeout(self._patience_s):
            reader, writer = await self._connect()
            writer.write("".join(f"{line}\n" for line in lines).encode())
            await writer.drain()
            return [await _answer(reader) for _ in lines]

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path, limit=_LONGEST_ANSWER_BYTES)
            self._streams[1].write(b"prompt\n")
            await _answer(self._streams[0])
        return self._streams


async def _answer(reader: asyncio.StreamReader) -> str:
    content = await reader.readuntil(_PROMPT)
    return content[: -len(_PROMPT)].decode(errors="replace").strip("\n")
