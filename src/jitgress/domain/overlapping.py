"""Policies that are about the same people and targets: one that is never asked, two that answer otherwise.

Only policies that name a subject in the same words are compared: whether a user is in a group, nobody knows here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from jitgress.domain.finding import Finding, Severity
from jitgress.domain.policy import Effect, Policy, TargetSelector
from jitgress.domain.subject import SubjectKind, SubjectRef


def unreachable(in_order: Sequence[Policy]) -> Iterator[Finding]:
    """Find policies of which everything that they match is matched by earlier ones."""
    earlier = _Shelf()
    for policy in in_order:
        before = [earlier.covering(ref, policy.targets) for ref in policy.subjects]
        names = tuple(dict.fromkeys(each.name for each in before if each is not None))
        if before and None not in before:
            yield _unreachable(policy, names)
        earlier.add(policy)


def _unreachable(policy: Policy, names: tuple[str, ...]) -> Finding:
    is_deny = policy.effect is Effect.DENY
    code = "deny-unreachable" if is_deny else "unreachable"
    what = "what it denies is decided" if is_deny else "everything that it matches is decided"
    message = f"it is never asked: {what} before, by {', '.join(names)}"
    return Finding(Severity.ERROR, code, policy.name, message, "Give it a lower priority number, or remove it.", names)


def overlaps(in_order: Sequence[Policy]) -> Iterator[Finding]:
    """Find policies that can match the same subject and target, and answer otherwise."""
    shelf = _Shelf()
    for policy in in_order:
        for earlier in shelf.meeting(policy):
            if _outcome(earlier) != _outcome(policy) and not _is_exception(earlier, policy):
                yield _overlap(earlier, policy)
        shelf.add(policy)


def _is_exception(earlier: Policy, later: Policy) -> bool:
    """Tell whether the earlier one denies first: that is what such a policy is for."""
    return earlier.effect is Effect.DENY and earlier.priority < later.priority


def _overlap(earlier: Policy, later: Policy) -> Finding:
    differ = "one allows and one denies" if earlier.effect is not later.effect else "their terms differ"
    if earlier.priority == later.priority:
        message = f"it has the priority {later.priority} of {earlier.name}, and {differ}: the names alone decide"
        return Finding(Severity.WARNING, "tie", later.name, message, "Give them different priorities.", (earlier.name,))
    message = f"{earlier.name} decides before it where both match, and {differ}"
    return Finding(Severity.NOTE, "overlap", later.name, message, "", (earlier.name,))


def covers(outer: SubjectRef, inner: SubjectRef) -> bool:
    """Tell whether `outer` surely names everybody whom `inner` names."""
    if not outer.claims <= inner.claims:
        return False
    if outer.kind is SubjectKind.WORKLOAD:
        return bool(outer.claims)
    return (outer.kind, outer.name) == (inner.kind, inner.name)


def selects_all_of(outer: TargetSelector, inner: TargetSelector) -> bool:
    """Tell whether `outer` surely matches every target that `inner` matches."""
    return (
        _holds(outer.namespaces, inner.namespaces)
        and _holds(outer.names, inner.names)
        and outer.labels.items() <= inner.labels.items()
    )


def can_meet(one: TargetSelector, other: TargetSelector) -> bool:
    """Tell whether there can be a target that both match."""
    return (
        _meets(one.namespaces, other.namespaces)
        and _meets(one.names, other.names)
        and all(other.labels.get(key, value) == value for key, value in one.labels.items())
    )


def _holds(outer: frozenset[str], inner: frozenset[str]) -> bool:
    return not outer or (bool(inner) and inner <= outer)


def _meets(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or not one.isdisjoint(other)


def _outcome(policy: Policy) -> Policy:
    """Return the policy without what says whom and what it is about."""
    return replace(policy, name="", priority=0, message="", subjects=(), targets=TargetSelector())


class _Shelf:
    """Policies by those whom they name, so that thousands can be compared."""

    def __init__(self) -> None:
        self._of: defaultdict[tuple[str, ...], list[tuple[SubjectRef, Policy]]] = defaultdict(list)

    def add(self, policy: Policy) -> None:
        """Put a policy beside those that were added before."""
        for ref in policy.subjects:
            for place in _places(ref):
                self._of[place].append((ref, policy))

    def covering(self, ref: SubjectRef, targets: TargetSelector) -> Policy | None:
        """Return the first policy that decides about all whom `ref` names, and all `targets`."""
        deciding = (policy for other, policy in self._at(ref) if _decides(other, policy, ref, targets))
        return min(deciding, key=lambda policy: policy.order, default=None)

    def meeting(self, policy: Policy) -> tuple[Policy, ...]:
        """Return every policy that can match the same subject and target, in order."""
        found = [
            other
            for ref in policy.subjects
            for theirs, other in self._at(ref)
            if (covers(theirs, ref) or covers(ref, theirs)) and can_meet(other.targets, policy.targets)
        ]
        return tuple({each.name: each for each in sorted(found, key=lambda each: each.order)}.values())

    def _at(self, ref: SubjectRef) -> Iterator[tuple[SubjectRef, Policy]]:
        for place in _places(ref):
            yield from self._of.get(place, ())


def _decides(other: SubjectRef, policy: Policy, ref: SubjectRef, targets: TargetSelector) -> bool:
    return covers(other, ref) and selects_all_of(policy.targets, targets)


def _places(ref: SubjectRef) -> Iterator[tuple[str, ...]]:
    """Return where a reference is looked for: under its name, and under each claim."""
    if ref.kind is not SubjectKind.WORKLOAD:
        yield ref.kind.value, ref.name
    yield from (("claim", key, value) for key, value in ref.claims)
