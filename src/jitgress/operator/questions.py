"""What an external approval system is asked about one request."""

from dataclasses import dataclass
from datetime import datetime

from jitgress.domain.request import Request
from jitgress.domain.target import Target
from jitgress.operator.answers import answer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `request` have `target`? `webhook` is the name that the policy gives; from `until` on no answer counts."""

    webhook: str
    request: Request
    target: Target
    policy: str
    until: datetime

    @property
    def id(self) -> str:
        """The same for every repetition, and the id of the event that will record the answer."""
        return answer_id(self.request.ref.uid, self.webhook)
