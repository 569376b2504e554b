"""What became of each case of a table."""

from dataclasses import dataclass

from jitgress.cli.policy_cases import Case, Table
from jitgress.cli.policy_expected import Difference, differences


@dataclass(frozen=True, slots=True)
class Result:
    """A case, in what it differs from what was expected, and what was decided, in words."""

    case: Case
    differences: tuple[Difference, ...]
    why: str

    @property
    def is_ok(self) -> bool:
        """Tell whether all was as expected."""
        return not self.differences


def results(table: Table) -> tuple[Result, ...]:
    """Return the result of each case, in the order of the table."""
    return tuple(_result(case, table) for case in table.cases)


def _result(case: Case, table: Table) -> Result:
    explanation = case.explanation(table.files)
    return Result(case, differences(case.expected, explanation), explanation.decision.reasons[-1])
