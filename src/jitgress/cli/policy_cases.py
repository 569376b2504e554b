"""Tables of expectations: what somebody would ask, and what should become of it. Read strictly, with lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jitgress.cli.exits import UsageError
from jitgress.cli.policy_expected import EXPECTED, expected
from jitgress.cli.policy_fields import block, blocks, duration, number, part, text, texts, time
from jitgress.cli.policy_files import Files, read_files, understand
from jitgress.cli.policy_yaml import Block, items, read_documents
from jitgress.cli.wording import plain
from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.explaining import Explanation, explain
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Narrowing, Review, ReviewDecision
from jitgress.domain.situation import Extended, Situation
from jitgress.domain.subject import Subject
from jitgress.domain.target import Target, TargetRef
from jitgress.domain.window import Window

DEFAULT_TIME: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
"""A Monday. A case without a time is asked at this one, so that a table says the same every day."""
_TABLE: Final = ("policies", "targets", "at", "cases")
_ASKED: Final = (
    "name",
    "as",
    "groups",
    "claims",
    "target",
    "for",
    "at",
    "start",
    "until",
    "paths",
    "methods",
    "reason",
)
_MORE: Final = ("ticket", "breakGlass", "extends", "reviews", "answer", "decidedAfter", "openGrants", "openOnTarget")
_COUNTED: Final = ("askedToday", "overdueReviews")
_UID: Final = "case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, what is known beside it, and what is expected, as it was written."""

    name: str
    place: str
    target: Target | None
    request: Request
    reviews: tuple[Review, ...]
    situation: Situation
    decided_at: datetime
    expected: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def explanation(self, files: Files) -> Explanation:
        """Return what the policies say of it."""
        return explain(
            self.target, files.policies, self.request, self.reviews, situation=self.situation, now=self.decided_at
        )


@dataclass(frozen=True, slots=True)
class Table:
    """The policies and targets that a file names, and its cases."""

    path: Path
    files: Files
    cases: tuple[Case, ...]


def read_table(path: Path) -> Table:
    """Return the table in a file. Raises `UsageError` for whatever can't be understood wholly, or says nothing."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise UsageError(f"{path} holds {len(documents)} documents", remedy="Write one table a file.")
    table = documents[0]
    table.nothing_but(_TABLE)
    files = _files(table)
    at = part(table, "at", time) or DEFAULT_TIME
    rows = blocks(table, "cases")
    if not rows:
        table.fail("the table has no cases, so it would show nothing", key="cases", remedy="Write one at least.")
    cases = tuple(_case(row, files, at) for row in rows)
    for row, case in zip(rows, cases, strict=True):
        if [each.name for each in cases].count(case.name) > 1:
            row.fail(f"two cases are called {plain(case.name)!r}", key="name", remedy="Give each its own name.")
    return Table(path, files, cases)


def _files(table: Block) -> Files:
    found = [_named(table, key) for key in ("policies", "targets")]
    policies = {each.name: each for files in found for each in files.policies}
    targets = {each.ref: each for files in found for each in files.targets}
    twice = sorted({each.name for files in found for each in files.policies if each != policies[each.name]})
    if twice:
        table.fail(f"policies come twice, and differ: {', '.join(twice)}", key="policies", remedy="Leave one out.")
    if not policies:
        table.fail("the table names no policy", key="policies", remedy="Name their files, or write them here.")
    for policy in policies.values():
        if policy.defect is not None:
            table.fail(f"policy {policy.name} can't be understood: {policy.defect}", key="policies")
    return Files(tuple(policies.values()), tuple(targets.values()))


def _named(table: Block, key: str) -> Files:
    """Return what a list of paths, beside the table's own, and of objects says."""
    entries = items(table.get(key) or [])
    paths = [table.path.parent / each for each in entries if isinstance(each, str)]
    objects = [each for each in entries if isinstance(each, Block)]
    if len(paths) + len(objects) != len(entries):
        table.fail(f"{key} is not a list of paths and objects", key=key)
    stated = understand(objects)
    read = read_files(paths) if paths else Files((), ())
    return Files((*read.policies, *stated.policies), (*read.targets, *stated.targets))


def _case(row: Block, files: Files, default_at: datetime) -> Case:
    row.nothing_but((*_ASKED, *_MORE, *_COUNTED, *EXPECTED))
    at = part(row, "at", time) or default_at
    namespace, _, name = text(row, "target").partition("/")
    if not namespace or not name:
        row.fail(f"{row['target']!r} doesn't name a target", key="target", remedy="Write it as NAMESPACE/TARGET.")
    target = files.target(namespace, name)
    if target is None and row.get("code") != "target_unknown":
        row.fail(f"there is no target {plain(row['target'])}", key="target", remedy="Name its file in targets.")
    request = _request(row, RequestRef(namespace, "case", _UID), name, at)
    reviews = tuple(_review(each, at, number) for number, each in enumerate(blocks(row, "reviews"), start=1))
    answers = part(row, "answer", block)
    answer = None if answers is None else _answer(answers, at)
    heard = [at, *(each.created_at for each in reviews), *([answer.at] if answer else [])]
    waited = part(row, "decidedAfter", duration)
    return Case(
        name=text(row, "name"),
        place=f"{row.path}:{row.line}",
        target=target,
        request=request,
        reviews=reviews,
        situation=_situation(row, request, target, (answer,) if answer else ()),
        decided_at=max(heard) if waited is None else at + waited,
        expected=expected(row),
    )


def _request(row: Block, ref: RequestRef, target: str, at: datetime) -> Request:
    is_glass = row.get("breakGlass", False)
    if not isinstance(is_glass, bool):
        row.fail("breakGlass is not true or false", key="breakGlass")
    return Request(
        ref=ref,
        target=target,
        requester=_subject(row),
        reason=part(row, "reason", text) or "a case of a table",
        ticket=part(row, "ticket", text) or "",
        duration=part(row, "for", duration),
        created_at=at,
        start_at=part(row, "start", time),
        end_at=part(row, "until", time),
        paths=texts(row, "paths"),
        methods=texts(row, "methods"),
        extends=RequestRef(ref.namespace, "extended", "extended") if "extends" in row else None,
        break_glass=is_glass,
    )


def _subject(row: Block) -> Subject:
    claims = part(row, "claims", block)
    pairs = [(key, value) for key, values in (claims or Block()).items() for value in _claim(row, values)]
    return Subject(text(row, "as"), frozenset(texts(row, "groups")), frozenset(pairs))


def _claim(row: Block, value: object) -> list[str]:
    values = [str(each) for each in items(value) if isinstance(each, str | int) and not isinstance(each, bool)]
    if len(values) != len(items(value)):
        row.fail("claims are not texts or lists of texts", key="claims")
    return values


def _review(row: Block, at: datetime, number: int) -> Review:
    row.nothing_but(("as", "groups", "claims", "decision", "after", "for", "paths", "methods", "start"))
    decision = str(row.get("decision", ReviewDecision.APPROVE))
    if decision not in set(ReviewDecision):
        row.fail(f"unknown decision {decision!r}", key="decision", remedy=f"Use one of {', '.join(ReviewDecision)}.")
    less = Narrowing(
        duration=part(row, "for", duration),
        paths=texts(row, "paths"),
        methods=texts(row, "methods"),
        start_at=part(row, "start", time),
    )
    return Review(
        uid=f"review-{number:04}",
        name=f"review-{number}",
        request_uid=_UID,
        decision=ReviewDecision(decision),
        reviewer=_subject(row),
        created_at=at + (part(row, "after", duration) or timedelta(0)),
        narrowing=less,
    )


def _answer(row: Block, at: datetime) -> Answer:
    row.nothing_but(("webhook", "verdict", "after", "notAfter"))
    verdict = text(row, "verdict")
    if verdict not in set(AnswerVerdict):
        row.fail(f"unknown verdict {verdict!r}", key="verdict", remedy=f"Use one of {', '.join(AnswerVerdict)}.")
    answered_at = at + (part(row, "after", duration) or timedelta(0))
    until = part(row, "notAfter", time)
    return Answer(text(row, "webhook"), AnswerVerdict(verdict), answered_at, not_after=until)


def _situation(row: Block, request: Request, target: Target | None, answers: tuple[Answer, ...]) -> Situation:
    chain = part(row, "extends", block)
    is_known = chain is not None and target is not None
    return Situation(
        open_of_subject=number(row, "openGrants"),
        open_on_target=number(row, "openOnTarget"),
        asked_within_day=number(row, "askedToday"),
        overdue_reviews=number(row, "overdueReviews"),
        extended=Extended(_extended(chain, request, target), is_over=False) if is_known and chain and target else None,
        answers=answers,
    )


def _extended(row: Block, request: Request, target: Target) -> Grant:
    row.nothing_but(("since", "until", "extensions"))
    since, until = time(row, "since"), time(row, "until")
    return Grant(
        id=GrantId("extended"),
        request=RequestRef(request.ref.namespace, "extended", "extended"),
        target=TargetRef(target.ref.namespace, target.ref.name, target.ref.uid),
        policy="",
        subject=request.requester,
        host=target.host,
        address="192.0.2.1:80",
        scope=target.ceiling,
        window=Window(since, until),
        since=since,
        extensions=number(row, "extensions"),
    )
