"""What a case expects, and in what an explanation differs from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias, cast

from jitgress.cli.policy_fields import duration, number, text, texts
from jitgress.cli.policy_yaml import Block
from jitgress.cli.wording import plain
from jitgress.domain.explaining import Explanation, Outcome
from jitgress.domain.phrasing import describe_duration
from jitgress.domain.ruling import Awaiting, Denied, Permitted

Expected: TypeAlias = Mapping[str, Any]
_OPEN: Final = frozenset({Outcome.PERMITTED, Outcome.SCHEDULED})
_READERS: Final[Mapping[str, Callable[[Block, str], Any]]] = {
    "code": text,
    "policy": text,
    "scope": text,
    "approvers": texts,
    "sourceCIDRs": texts,
    "missing": number,
    "window": duration,
    "reviewWithin": duration,
}
_ONLY_WITH: Final[Mapping[str, frozenset[Outcome]]] = {
    "code": frozenset({Outcome.DENIED}),
    "approvers": frozenset({Outcome.AWAITING}),
    "missing": frozenset({Outcome.AWAITING}),
    "window": _OPEN,
    "scope": _OPEN,
    "sourceCIDRs": _OPEN,
    "reviewWithin": _OPEN,
}
EXPECTED: Final = ("expect", *_READERS)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as it was expected."""

    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


def expected(row: Block) -> Expected:
    """Return what a case expects. Raises `UsageError` where it expects nothing, or what can't be compared."""
    if "expect" not in row:
        row.fail("the case expects nothing", key="name", remedy=f"State expect: one of {', '.join(Outcome)}.")
    told = str(row["expect"])
    if told not in set(Outcome):
        row.fail(f"unknown outcome {plain(told)!r}", key="expect", remedy=f"Use one of {', '.join(Outcome)}.")
    for key, outcomes in _ONLY_WITH.items():
        if key in row and Outcome(told) not in outcomes:
            goes_with = " or ".join(sorted(outcomes))
            row.fail(f"{key} says nothing of what is {told}", key=key, remedy=f"It goes with {goes_with}.")
    return {"expect": Outcome(told)} | {key: read(row, key) for key, read in _READERS.items() if key in row}


def differences(wanted: Expected, explanation: Explanation) -> tuple[Difference, ...]:
    """Return everything that differs from what was expected."""
    found = _found(explanation)
    compared = ((key, _words(wanted[key]), _words(found.get(key))) for key in EXPECTED if key in wanted)
    return tuple(Difference(key, want, have) for key, want, have in compared if want != have)


def _found(explanation: Explanation) -> Expected:
    found = {"expect": explanation.outcome, "policy": explanation.decision.policy or "none"}
    return found | _of_the_ruling(explanation)


def _of_the_ruling(explanation: Explanation) -> dict[str, Any]:
    match explanation.decision.ruling:
        case Denied(denial=denial):
            return {"code": denial.code.value}
        case Awaiting() as ruling:
            webhook = (f"webhook {ruling.webhook}",) if ruling.webhook else ()
            return {
                "approvers": (*map(str, ruling.approvers), *webhook),
                "missing": sum(quorum.required for quorum in ruling.missing) + len(webhook),
            }
        case Permitted(window=window, review_by=review_by) as ruling:
            return {
                "window": window.duration,
                "scope": str(ruling.scope),
                "sourceCIDRs": ruling.sources.texts(),
                **({} if review_by is None else {"reviewWithin": review_by - window.not_before}),
            }
        case _:
            return {}


def _words(value: object) -> str:
    match value:
        case timedelta():
            return describe_duration(value)
        case tuple():
            return ", ".join(sorted(map(str, cast("tuple[object, ...]", value)))) or "none"
        case None:
            return "none"
        case _:
            return str(value)
