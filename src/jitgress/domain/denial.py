"""Why policy says no. A denial is a value: a code, a sentence for the person, and what would change the answer."""

from dataclasses import dataclass
from enum import StrEnum

from jitgress.domain.phrasing import sentences


class DenialCode(StrEnum):
    """The stable codes of denials."""

    TARGET_UNKNOWN = "target_unknown"
    TARGET_NOT_READY = "target_not_ready"
    NO_POLICY = "no_policy"
    POLICY_DEFECTIVE = "policy_defective"
    DURATION_OVER_CAP = "duration_over_cap"
    SCOPE_MALFORMED = "scope_malformed"
    SCOPE_OVER_TARGET = "scope_over_target"
    SCOPE_OVER_POLICY = "scope_over_policy"
    SCOPE_EMPTY = "scope_empty"
    REASON_MISSING = "reason_missing"
    APPROVERS_MISSING = "approvers_missing"
    APPROVER_DENIED = "approver_denied"


@dataclass(frozen=True, slots=True)
class Denial:
    """`message` says what is not permitted and by which rule, `remedy` what to ask for instead."""

    code: DenialCode
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return sentences(self.message, self.remedy)
