"""What is said to be unreachable never decides, and what overlaps can match together."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.overlapping import covers, overlaps, unreachable
from jitgress.domain.policy import Effect, Policy, TargetSelector, deciding_policy
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target
from tests.builders import a_policy, a_target

WORDS = st.sampled_from(["a", "b"])
CLAIMS = st.frozensets(st.tuples(WORDS, WORDS), max_size=2)
REFS = st.builds(SubjectRef, st.sampled_from(SubjectKind), WORDS, CLAIMS)
SOME = st.frozensets(WORDS, max_size=2)
SELECTORS = st.builds(TargetSelector, SOME, SOME, st.dictionaries(WORDS, WORDS, max_size=1)).filter(
    lambda selector: selector.is_stated
)
SUBJECTS = st.builds(Subject, WORDS, SOME, CLAIMS)
TARGETS = st.builds(
    lambda namespace, name, labels: a_target(namespace=namespace, name=name, labels=labels),
    WORDS,
    WORDS,
    st.dictionaries(WORDS, WORDS, max_size=2),
)


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    """Return a few policies of different names, in their order."""
    made = [
        a_policy(
            name=f"p{number}",
            priority=draw(st.integers(0, 2)),
            subjects=draw(st.lists(REFS, min_size=1, max_size=2)),
            targets=draw(SELECTORS),
            max_duration=timedelta(minutes=draw(st.integers(1, 2))),
            effect=draw(st.sampled_from(Effect)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    return sorted(made, key=lambda policy: policy.order)


@given(policies(), st.lists(st.tuples(SUBJECTS, TARGETS), max_size=8))
def test_what_is_unreachable_never_decides(made: list[Policy], asked: Iterable[tuple[Subject, Target]]) -> None:
    hidden = {finding.policy for finding in unreachable(made)}

    deciding = [deciding_policy(made, subject, target) for subject, target in asked]

    assert not hidden & {policy.name for policy in deciding if policy is not None}


@given(REFS, REFS, SUBJECTS)
def test_who_is_covered_is_named(outer: SubjectRef, inner: SubjectRef, subject: Subject) -> None:
    if covers(outer, inner) and inner.names(subject):
        assert outer.names(subject)


@given(policies())
def test_what_overlaps_is_told_of_the_later_one(made: list[Policy]) -> None:
    place = {policy.name: number for number, policy in enumerate(made)}

    for finding in overlaps(made):
        assert [place[other] < place[finding.policy] for other in finding.others] == [True]


@given(policies(), SUBJECTS, TARGETS)
def test_two_that_name_the_same_and_match_together_overlap_if_they_differ(
    made: list[Policy], subject: Subject, target: Target
) -> None:
    """The oracle looks at one subject and target; only what they match by the same words is promised."""
    told = {(finding.policy, *finding.others) for finding in overlaps(made)}

    for earlier in made:
        for later in made[made.index(earlier) + 1 :]:
            shared = [ref for ref in later.subjects if ref in earlier.subjects and ref.names(subject)]
            both = earlier.targets.matches(target) and later.targets.matches(target)
            differ = (earlier.effect, earlier.max_duration) != (later.effect, later.max_duration)
            is_denied_first = earlier.effect is Effect.DENY and earlier.priority < later.priority
            if shared and both and differ and not is_denied_first:
                assert (later.name, earlier.name) in told
