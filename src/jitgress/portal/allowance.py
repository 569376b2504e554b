"""How often something may happen: a bucket for each key, refilled steadily, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


class Allowance:
    """Token buckets by key. Beyond `max_keys` the one that was used longest ago is forgotten, and starts full again."""

    def __init__(self, rate: Rate, max_keys: int = 1024) -> None:
        self._rate = rate
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> bool:
        """Take one from the bucket of `key` at the monotonic time `now_s`; False if it is empty."""
        level, filled_at = self._buckets.pop(key, (self._rate.burst, now_s))
        level = min(self._rate.burst, level + max(0.0, now_s - filled_at) * self._rate.per_second)
        has_one = level >= 1
        self._buckets[key] = (level - 1 if has_one else level, now_s)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return has_one
