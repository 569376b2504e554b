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
    POLICY_DENIES = "policy_denies"
    GROUPS_CHANGED = "groups_changed"
    PATHS_NOT_NAMED = "paths_not_named"
    REASON_UNFIT = "reason_unfit"
    TICKET_UNFIT = "ticket_unfit"
    MFA_MISSING = "mfa_missing"
    EXPRESSION_UNMET = "expression_unmet"
    START_TOO_FAR = "start_too_far"
    OUTSIDE_SCHEDULE = "outside_schedule"
    WINDOW_EMPTY = "window_empty"
    LIMIT_REACHED = "limit_reached"
    EXTENSION_IMPOSSIBLE = "extension_impossible"
    EXTENSION_OVER_SUM = "extension_over_sum"
    BREAK_GLASS_IMPOSSIBLE = "break_glass_impossible"
    REVIEW_OVERDUE = "review_overdue"
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
