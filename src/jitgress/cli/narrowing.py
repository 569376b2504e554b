"""What approvers left of a request: shorter, fewer paths and methods, a later start. Never more."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from jitgress.cli.exits import UsageError
from jitgress.cli.screen import Screen
from jitgress.cli.view import RequestView, condition_of
from jitgress.cli.wording import duration_words
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.scope import Method, Scope
from jitgress.domain.window import format_time, parse_time
from jitgress.kube.client import Object

Texts: TypeAlias = tuple[str, ...]


class WiderError(UsageError):
    """What should become less would become more."""

    code = "wider_than_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What an approver allows less than was asked for; empty where they allow it all."""

    duration: timedelta | None = None
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    start_at: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.duration or self.paths or self.methods or self.start_at)

    def spec(self) -> dict[str, Any]:
        """Return the fields of an AccessReview that say so."""
        said = {
            "durationSeconds": int(self.duration.total_seconds()) if self.duration else None,
            "paths": list(self.paths),
            "methods": list(self.methods),
            "startTime": format_time(self.start_at) if self.start_at else None,
        }
        return {name: value for name, value in said.items() if value}

    def words(self, screen: Screen) -> str:
        """Return it in words: for 10 min, GET, on /api, from 14:00:00 CET."""
        said = [
            f"for {duration_words(self.duration)}" if self.duration else "",
            ", ".join(self.methods),
            f"on {', '.join(self.paths)}" if self.paths else "",
            f"from {screen.time(self.start_at)}" if self.start_at else "",
        ]
        return ", ".join(filter(None, said))


def narrowed_by(review: Mapping[str, Any]) -> Narrowed:
    """Return what the AccessReview `review` leaves."""
    spec = review["spec"]
    return Narrowed(
        duration=timedelta(seconds=spec["durationSeconds"]) if spec.get("durationSeconds") else None,
        paths=tuple(spec.get("paths") or ()),
        methods=tuple(spec.get("methods") or ()),
        start_at=parse_time(spec["startTime"]) if spec.get("startTime") else None,
    )


def approvals(reviews: Iterable[Object]) -> list[Object]:
    """Return the reviews that count as approvals."""
    return [
        each
        for each in reviews
        if each["spec"]["decision"] == "Approve" and condition_of(each, "Counted").get("status") == "True"
    ]


def left_of(view: RequestView, narrowings: Iterable[Narrowed]) -> tuple[Texts, Texts] | None:
    """Return the paths and methods that are left of a request, or None where that is nothing.

    Empty ones are still the most that target and policy permit. Raises `InvalidValueError`.
    """
    paths, methods = view.paths, view.methods
    for each in narrowings:
        both = _met(paths, each.paths, _common_paths), _met(methods, each.methods, _common_methods)
        if both[0] is None or both[1] is None:
            return None
        paths, methods = both[0], both[1]
    return paths, methods


def refuse_more(paths: Texts, methods: Texts, most_paths: Texts, most_methods: Texts, than: str) -> None:
    """Raise `WiderError` if `paths` and `methods` are more than the most; an empty most is any."""
    mine, most = _scope(paths, methods), _scope(most_paths, most_methods)
    outside = [
        *(mine.paths_outside(most) if paths and most_paths else ()),
        *(mine.methods_outside(most) if methods and most_methods else ()),
    ]
    if outside:
        named = ", ".join([*most_methods, *most_paths])
        raise WiderError(f"{', '.join(outside)} is more than {than}", remedy=f"Name no more than: {named}.")


def _scope(paths: Texts, methods: Texts) -> Scope:
    try:
        return Scope.of(paths or ("/",), methods or tuple(Method))
    except InvalidValueError as error:
        raise UsageError(error.message, remedy=error.remedy) from error


def _met(ours: Texts, theirs: Texts, common: Callable[[Texts, Texts], Texts]) -> Texts | None:
    """Return what both name; one that names nothing leaves it to the other."""
    if not ours or not theirs:
        return ours or theirs
    return common(ours, theirs) or None


def _common_paths(ours: Texts, theirs: Texts) -> Texts:
    met = Scope.of(ours, [Method.GET]).meet(Scope.of(theirs, [Method.GET]))
    return tuple(met.paths) if met else ()


def _common_methods(ours: Texts, theirs: Texts) -> Texts:
    return tuple(method for method in ours if method in theirs)
