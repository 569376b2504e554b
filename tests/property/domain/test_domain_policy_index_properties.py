"""The index against the plain scan, on policies of which several match."""

import random
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.policy import Policy, TargetSelector, deciding_policy
from jitgress.domain.policy_index import PolicyIndex
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target
from tests.builders import a_policy, a_target, group, user, workload

NAMES: Final = st.sampled_from(["alice", "bob", "dev", ""])  # the same for users and groups: kinds must not mix
CLAIMS: Final = st.frozensets(
    st.sampled_from([("repo", "shop"), ("repo", "bank"), ("ref", "main"), ("ref=main", ""), ("ref", "=main")]),
    max_size=2,
)
LABELS: Final = st.dictionaries(st.sampled_from(["tier", "zone"]), st.sampled_from(["a", "b", ""]), max_size=2)
NAMESPACES, TARGET_NAMES = st.sampled_from(["shop", "bank"]), st.sampled_from(["orders", "billing", "shop"])

ALICE_OF_DEV: Final = st.sampled_from([user("alice"), group("dev"), workload(repo="shop")])
REFS: Final = ALICE_OF_DEV | st.builds(SubjectRef, st.sampled_from(SubjectKind), NAMES, st.just(frozenset()) | CLAIMS)
SELECTORS: Final = st.builds(
    TargetSelector,
    namespaces=st.just(frozenset({"shop", "bank"})) | st.frozensets(NAMESPACES, max_size=2),
    names=st.just(frozenset[str]()) | st.frozensets(TARGET_NAMES, max_size=2),
    labels=st.sampled_from([{}, {"tier": "a"}]) | LABELS,
)
POLICIES: Final = st.lists(
    st.builds(
        a_policy,
        name=st.text("abc", min_size=1, max_size=3),
        priority=st.integers(0, 2),
        subjects=st.lists(REFS, max_size=3),
        targets=SELECTORS,
        defect=st.sampled_from([None, None, None, None, "broken"]),
    ),
    min_size=3,
    max_size=12,
    unique_by=lambda policy: policy.name,
)
USERNAMES: Final = st.just("alice") | NAMES
SUBJECTS: Final = st.builds(Subject, USERNAMES, st.just(frozenset({"dev"})) | st.frozensets(NAMES, max_size=3), CLAIMS)
TARGETS: Final = st.builds(
    a_target, namespace=NAMESPACES, name=TARGET_NAMES, labels=st.just({"tier": "a", "zone": "b"}) | LABELS
)


@settings(max_examples=1000)
@given(
    policies=POLICIES,
    subjects=st.lists(SUBJECTS, min_size=2),
    targets=st.lists(TARGETS, min_size=2),
    seed=st.integers(),
)
def test_the_index_finds_what_a_plain_scan_finds(
    *, policies: list[Policy], subjects: list[Subject], targets: list[Target], seed: int
) -> None:
    shuffled = random.Random(seed).sample(policies, len(policies))  # noqa: S311  an order, not a secret
    index = PolicyIndex(shuffled)

    for subject in subjects:
        for target in targets:
            assert index.deciding(subject, target) == deciding_policy(policies, subject, target)


@given(policies=POLICIES, subject=SUBJECTS, target=TARGETS)
def test_the_first_of_all_that_match_decides(*, policies: list[Policy], subject: Subject, target: Target) -> None:
    found = PolicyIndex(policies).deciding(subject, target)
    matching = [policy for policy in policies if policy.matches(subject, target)]

    if found is None:
        assert not matching
    else:
        assert found in matching
        assert all(found is each or (found.priority, found.name) < (each.priority, each.name) for each in matching)
