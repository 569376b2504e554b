"""The same answer as `deciding_policy` gives, without a look at every policy: for clusters with thousands of them.

Each policy is filed once for each subject that it names, under what it states about targets that fewest others state. A
decision looks only into the drawers that its subject and its target can open.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from jitgress.domain.policy import Policy, TargetSelector
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target

_Key: TypeAlias = tuple[str, str, str, str]
_CLAIM: Final = "claim"


class PolicyIndex:
    """Every policy, filed. It never changes: where a policy changes a new one is made."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        in_order = sorted(policies, key=lambda policy: policy.order)
        filed = [policy for policy in in_order if not policy.is_about_everybody]
        self._about_everybody = [policy for policy in in_order if policy.is_about_everybody]
        used = Counter(key for policy in filed for keys in _statements(policy.targets) for key in keys)
        drawers: defaultdict[_Key, list[Policy]] = defaultdict(list)
        for policy in filed:
            rarest = min(_statements(policy.targets), key=lambda keys: max(used[key] for key in keys), default=())
            for mine in set(_subjects(policy.subjects)):
                for theirs in rarest:
                    drawers[*mine, *theirs].append(policy)
        self._drawers = dict(drawers)

    def deciding(self, subject: Subject, target: Target) -> Policy | None:
        """Return the first policy that matches, or None."""
        best = self._about_everybody[0] if self._about_everybody else None
        for mine in _keys_of(subject):
            for theirs in _keys_to(target):
                for policy in self._drawers.get((*mine, *theirs), ()):
                    if best is not None and policy.order >= best.order:
                        break
                    if policy.matches(subject, target):
                        best = policy
                        break
        return best


def _subjects(refs: Iterable[SubjectRef]) -> Iterator[tuple[str, str]]:
    for ref in refs:
        if ref.kind is SubjectKind.WORKLOAD:
            # One of its claims is enough to find it by; without any it names nobody.
            yield from ((_CLAIM, f"{key}={value}") for key, value in sorted(ref.claims)[:1])
        else:
            yield ref.kind.value, ref.name


def _keys_of(subject: Subject) -> Iterator[tuple[str, str]]:
    yield SubjectKind.USER.value, subject.username
    yield from ((SubjectKind.GROUP.value, group) for group in subject.groups)
    yield from ((_CLAIM, f"{key}={value}") for key, value in subject.claims)


def _statements(targets: TargetSelector) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield what is stated about targets: a target that is meant has one of the keys of each statement."""
    if targets.names:
        yield tuple(("name", name) for name in targets.names)
    if targets.namespaces:
        yield tuple(("namespace", namespace) for namespace in targets.namespaces)
    for key, value in targets.labels.items():
        yield (("label", f"{key}={value}"),)


def _keys_to(target: Target) -> Iterator[tuple[str, str]]:
    yield "name", target.ref.name
    yield "namespace", target.ref.namespace
    yield from (("label", f"{key}={value}") for key, value in target.labels.items())
