"""Reads haproxy.cfg as HAProxy does, as far as tests ask: sections of lines of words, and what a rule depends on."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

SECTIONS = frozenset({"global", "defaults", "frontend", "backend", "listen", "resolvers", "peers", "program", "cache"})
Line = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section's lines, in order."""

    kind: str
    name: str
    lines: list[Line] = field(default_factory=list)

    def rules(self, *begin: str) -> list[Line]:
        """The lines that begin with these words."""
        return [line for line in self.lines if line[: len(begin)] == begin]

    def position(self, *begin: str) -> int:
        """Where the only line that begins with these words is."""
        (found,) = (number for number, line in enumerate(self.lines) if line[: len(begin)] == begin)
        return found

    def acls(self) -> dict[str, list[Line]]:
        """Names of ACLs and all their definitions: HAProxy lets any of several do."""
        found: dict[str, list[Line]] = {}
        for _, name, *condition in self.rules("acl"):
            found.setdefault(name, []).append(tuple(condition))
        return found


def parse(text: str) -> list[Section]:
    """Quotes, backslashes and comments are near enough to a shell's (configuration manual, 2.2)."""
    sections: list[Section] = []
    for words in _words(text):
        if words[0] in SECTIONS:
            sections.append(Section(words[0], words[1] if len(words) > 1 else ""))
        else:
            sections[-1].lines.append(words)
    return sections


def condition_of(rule: Line) -> Line:
    """The words after `if` or `unless`, with that word; nothing for a rule that always applies."""
    for word in ("if", "unless"):
        if word in rule:
            return rule[rule.index(word) :]
    return ()


def _words(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        words = tuple(shlex.split(line, comments=True))
        if words:
            yield words
