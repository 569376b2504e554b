"""YAML read strictly: each mapping knows its lines, a key stands once, and times and durations stay texts."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import yaml

from jitgress.cli.exits import UsageError
from jitgress.cli.wording import plain

_LARGEST: Final = 10_000_000  # bytes; far more than anybody writes, and read at once
_AS_TEXT: Final = "tag:yaml.org,2002:timestamp"


class Block(dict[str, Any]):
    """A mapping of a YAML document, with the place where it stands."""

    path: Path
    line: int
    lines: dict[str, int]

    def fail(self, message: str, *, key: str | None = None, remedy: str = "") -> NoReturn:
        """Raise `UsageError` with the place of the mapping, or of one of its keys."""
        line = self.lines.get(key, self.line) if key is not None else self.line
        raise UsageError(f"{self.path}:{line}: {message}", remedy=remedy)

    def nothing_but(self, fields: Iterable[str]) -> None:
        """Raise `UsageError` if there is another key: what is misspelt would say nothing."""
        known = tuple(fields)
        for key in self:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                remedy = f"Did you mean {near[0]}?" if near else f"Use one of: {', '.join(known)}."
                self.fail(f"unknown field {plain(key)!r}", key=key, remedy=remedy)


def read_documents(path: Path) -> list[Block]:
    """Return the documents of a file that hold anything. Raises `UsageError` with the line where one is no mapping."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} can't be read: {why}", remedy="Name a YAML file.") from error
    if len(raw) > _LARGEST:
        raise UsageError(f"{path} is larger than {_LARGEST} bytes", remedy="Name a file of policies.")
    loader = _Loader(text)
    loader.path = path
    found = list[Block]()
    try:
        while loader.check_data():  # type: ignore[no-untyped-call]  # its stubs have no types here
            found += _document(loader.get_data(), path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: {error.problem or error.context}", remedy="Mend the YAML.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not YAML: {error}", remedy="Mend it.") from error
    finally:
        loader.dispose()
    return found


def _document(found: object, path: Path) -> list[Block]:
    if found is None:
        return []
    if not isinstance(found, Block):
        raise UsageError(f"{path} holds something else than objects", remedy="Name a file of policies, or of cases.")
    return [found]


def items(found: object) -> list[object]:
    """Return the items of a list; of anything else, the thing itself as the only one."""
    return cast("list[object]", found) if isinstance(found, list) else [found]


class _Loader(yaml.SafeLoader):
    path: Path


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Block:
    loader.flatten_mapping(node)
    block = Block()
    block.path, block.line, block.lines = loader.path, node.start_mark.line + 1, {}
    construct: Callable[..., Any] = cast("Any", loader).construct_object
    for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        key = str(construct(key_node, deep=True))
        if key in block:
            raise yaml.MarkedYAMLError(problem=f"{plain(key)!r} stands twice", problem_mark=key_node.start_mark)
        block[key] = construct(value_node, deep=True)
        block.lines[key] = key_node.start_mark.line + 1
    return block


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor(_AS_TEXT, _text)
