"""What policies permit, read from the objects as people wrote them, and nothing else: the oracle of invariants 4 and 5.

It knows nothing of the code under test: no index, no judging in order, no folding of one rule into another. Each
function takes objects of the API and says what is wrong with what is open, as sentences.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import permutations
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """An approval that the ledger says was counted, with its AccessReview."""

    who: Object
    at: datetime
    spec: Object


@dataclass(frozen=True, slots=True)
class Opening:
    """What is open, or about to be: a grant's spec, the request that it comes from, and who approved."""

    grant: Object
    request: Object
    approvals: tuple[Counted, ...]
    extended_until: datetime | None
    """The end of what it extends, if it extends anything."""


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def decides(policies: Iterable[Object], who: Object, namespace: str) -> Object | None:
    """Return the policy that decides: the lowest priority first, ties by name."""
    about = [each for each in policies if namespace in each["spec"]["targets"]["namespaces"]]
    matching = [each for each in about if is_one_of(who, each["spec"]["subjects"])]
    return min(matching, key=lambda each: (each["spec"]["priority"], each["metadata"]["name"]), default=None)


def is_one_of(who: Object, named: Iterable[Object]) -> bool:
    return any(
        each["name"] == who["username"] if each["kind"] == "User" else each["name"] in who.get("groups", ())
        for each in named
    )


def same_person(one: Object, other: Object) -> bool:
    return spelled(one) == spelled(other)


def spelled(who: Object) -> str:
    return unicodedata.normalize("NFKC", who["username"]).casefold().strip()


def too_much(policy: Object, opening: Opening) -> list[str]:
    """Invariant 4: say in what the opening exceeds this policy."""
    terms, grant, request = policy["spec"], opening.grant, opening.request["spec"]
    if terms.get("effect") == "Deny":
        return ["the policy denies"]
    begin, end, since = (time_of(grant[field]) for field in ("notBefore", "notAfter", "since"))
    wrong = [] if begin < end else ["it ends before it begins"]
    if request.get("breakGlass"):
        return wrong + _too_much_for_broken_glass(terms, opening, end - begin)
    cap = seconds(terms["maxDurationSeconds"])
    if opening.extended_until is None:
        wrong += [] if end - begin <= cap else [f"{end - begin} is more than the cap of {cap}"]
    else:
        wrong += _too_much_in_all(terms, opening, since, end)
    if not is_inside(terms.get("schedule"), begin, end):
        wrong.append(f"{begin} to {end} is outside of the weekly hours")
    return wrong + _too_wide(terms, grant)


def _too_much_for_broken_glass(terms: Object, opening: Opening, lasts: timedelta) -> list[str]:
    glass = terms.get("breakGlass")
    if glass is None or not is_one_of(opening.request["spec"]["requester"], glass["subjects"]):
        return ["not entitled to break the glass"]
    cap = seconds(glass["maxDurationSeconds"])
    wrong = [] if lasts <= cap else [f"{lasts} is more than the {cap} of break-glass"]
    if "reviewBy" not in opening.grant:
        wrong.append("nobody has to review it")
    return wrong + _too_wide(terms, opening.grant)


def _too_much_in_all(terms: Object, opening: Opening, since: datetime, end: datetime) -> list[str]:
    extensions = terms.get("extensions")
    if extensions is None:
        return ["it is an extension, and there are none"]
    wrong = []
    if end - since > seconds(extensions["maxTotalSeconds"]):
        wrong.append(f"{end - since} is more than the sum of {extensions['maxTotalSeconds']} s")
    if opening.grant["extensions"] > extensions["max"]:
        wrong.append(f"it is the extension number {opening.grant['extensions']}")
    if opening.extended_until is not None and end - opening.extended_until > seconds(terms["maxDurationSeconds"]):
        wrong.append("it adds more than the cap")
    return wrong


def _too_wide(terms: Object, grant: Object) -> list[str]:
    wrong = []
    scope = terms.get("scope")
    if scope is not None and not are_below(grant["paths"], scope["paths"]):
        wrong.append(f"paths {grant['paths']} are more than {scope['paths']}")
    if scope is not None and not set(grant["methods"]) <= set(scope["methods"]):
        wrong.append(f"methods {grant['methods']} are more than {scope['methods']}")
    if not are_inside(grant.get("sourceCIDRs"), terms.get("sourceCIDRs")):
        wrong.append(f"sources {grant.get('sourceCIDRs')} are more than {terms.get('sourceCIDRs')}")
    return wrong


def is_inside(schedule: Object | None, begin: datetime, end: datetime) -> bool:
    """Tell whether a span lies in one of the schedule's days. All schedules here are daily, in UTC, within one day."""
    if schedule is None:
        return True
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    for window in schedule["windows"]:
        opens, closes = (midnight + _since_midnight(window[side]) for side in ("from", "to"))
        if opens <= begin and end <= closes:
            return True
    return False


def _since_midnight(clock: str) -> timedelta:
    hours, _, minutes = clock.partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def are_below(paths: Iterable[str], outer: Iterable[str]) -> bool:
    """Compare segment by segment."""
    outer_segments = [_segments(path) for path in outer]
    return all(any(_segments(path)[: len(each)] == each for each in outer_segments) for path in paths)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def are_inside(networks: Sequence[str] | None, outer: Sequence[str] | None) -> bool:
    """Compare addresses: the first and the last of each network. Absent is everywhere. All here are IPv4."""
    if outer is None:
        return True
    return networks is not None and all(
        any(ip_network(each)[0] in ip_network(wide) and ip_network(each)[-1] in ip_network(wide) for wide in outer)
        for each in networks
    )


def lacking_approvals(policy: Object, opening: Opening) -> list[str]:
    """Invariant 5: N approvals are N distinct people who are entitled, none of them the requester."""
    approval, request = policy["spec"]["approval"], opening.request
    if request["spec"].get("breakGlass"):
        return []
    until = time_of(request["metadata"]["creationTimestamp"]) + seconds(approval["timeoutSeconds"])
    in_time = [each for each in opening.approvals if each.at < until]
    people: dict[str, list[Object]] = {}
    for each in in_time:
        if not same_person(each.who, request["spec"]["requester"]):
            people.setdefault(spelled(each.who), []).append(each.who)
    wanted = [quorum["approvers"] for quorum in quorums(approval) for _ in range(quorum["required"])]
    seated = any(
        all(any(is_one_of(who, named) for who in names) for names, named in zip(order, wanted, strict=True))
        for order in permutations(people.values(), len(wanted))
    )
    return [] if seated else [f"{sorted(people)} are not enough for {quorums(approval)}"]


def quorums(approval: Object) -> list[Object]:
    return list(approval.get("groups") or [{"required": approval["required"], "approvers": approval["approvers"]}])


def may_review(policy: Object, who: Object) -> bool:
    """Tell whether somebody is one of those who decide."""
    named = [each for quorum in quorums(policy["spec"]["approval"]) for each in quorum["approvers"]]
    return is_one_of(who, [*named, *policy["spec"]["approval"].get("approvers", [])])


def more_than_asked(opening: Opening) -> list[str]:
    """Invariant 4: nobody gets more than they asked for, nor more than an approver left of it."""
    asked, grant = opening.request["spec"], opening.grant
    begin, end = time_of(grant["notBefore"]), time_of(grant["notAfter"])
    wrong = []
    for each in (asked, *(counted.spec for counted in opening.approvals)):
        start = max(begin, opening.extended_until or begin)
        if "durationSeconds" in each and end - start > seconds(each["durationSeconds"]):
            wrong.append(f"{end - start} is more than {each['durationSeconds']} s")
        if "paths" in each and not are_below(grant["paths"], each["paths"]):
            wrong.append(f"paths {grant['paths']} are more than {each['paths']}")
        if "startTime" in each and begin < time_of(each["startTime"]):
            wrong.append(f"it begins before {each['startTime']}")
        if "endTime" in each and end > time_of(each["endTime"]):
            wrong.append(f"it ends after {each['endTime']}")
    return wrong


def widened(before: Object, after: Object) -> list[str]:
    """Invariant 4: say in what a later version of a grant is more than an earlier one, or another grant."""
    lessens = {"notAfter", "paths", "methods", "sourceCIDRs"}
    wrong = [
        f"{key} changed"
        for key in before.keys() | after.keys()
        if key not in lessens and before.get(key) != after.get(key)
    ]
    if time_of(after["notAfter"]) > time_of(before["notAfter"]):
        wrong.append("it lasts longer")
    if not are_below(after["paths"], before["paths"]) or not set(after["methods"]) <= set(before["methods"]):
        wrong.append("it reaches further")
    if not are_inside(after.get("sourceCIDRs"), before.get("sourceCIDRs")):
        wrong.append("it can be used from more places")
    return wrong
