"""A request on its way: sent, looked at, waited for, and how it stands in the end. For asking and extending alike."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from jitgress.cli.exits import DeniedError, WaitTimedOutError
from jitgress.cli.names import Name
from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.view import UNSEEN, WEBHOOK, RequestView, request_view
from jitgress.cli.waiting import Wanted, wait_for
from jitgress.cli.wording import duration_words
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import InvalidObjectError
from jitgress.kube.resources import ACCESS_REQUESTS

_FIRST_LOOK: Final = timedelta(seconds=3)  # an operator answers in milliseconds; without one, asking was still done


async def send(api: KubeApi, body: Object, screen: Screen, patience: timedelta | None) -> Object:
    """Create an AccessRequest and return it once it was looked at; with `patience`, once it is settled."""
    namespace = body["metadata"]["namespace"]
    created = await _created(api, body, namespace)
    name = Name(namespace, created["metadata"]["name"])
    found = await _first_look(api, name, screen) or created
    if patience is None or request_view(found, screen.now).is_closed:
        return found
    wanted = _settled(name, screen, screen.now + patience)
    return await wait_for(api, ACCESS_REQUESTS, name, wanted, patience, screen=screen)


def tell(screen: Screen, found: Object) -> None:
    """Print how the request stands, or raise `DeniedError`."""
    view = request_view(found, screen.now)
    if view.state == "Denied":
        raise _denied(view)
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(found)
        case Format.NAME:
            screen.line(str(view.name))
        case Format.TABLE:
            _tell(screen, view)


async def _created(api: KubeApi, body: Object, namespace: str) -> Object:
    try:
        return await api.create(ACCESS_REQUESTS, body, namespace)
    except InvalidObjectError as error:
        # Ahead of what is wrong, the server names an object that was never made.
        words = error.message.partition(" is invalid: ")[2] or error.message
        raise InvalidObjectError(words, remedy=error.remedy, status=error.status) from error


async def _first_look(api: KubeApi, name: Name, screen: Screen) -> Object | None:
    """Return the request once somebody has looked at it, or None if nobody does: asking was done all the same."""

    def is_seen(found: Object) -> bool:
        return request_view(found, screen.now).state != UNSEEN

    wanted = replace(_settled(name, screen, screen.now), is_enough=is_seen)
    try:
        return await wait_for(api, ACCESS_REQUESTS, name, wanted, _FIRST_LOOK)
    except WaitTimedOutError:
        return None


def _settled(name: Name, screen: Screen, until: datetime) -> Wanted:
    """Return what is waited for: it is open, isn't going to be, or opens only after `until`."""

    def is_settled(found: Object) -> bool:
        view = request_view(found, screen.now)
        is_later = view.state == "Scheduled" and view.window is not None and view.window.not_before > until
        return view.state == "Active" or view.is_closed or is_later

    def progress(found: Object) -> str:
        view = request_view(found, screen.now)
        return f"{name} is {view.state}: {_how_it_stands(screen, view) or 'nobody has looked at it yet'}"

    return Wanted(
        is_settled, progress, standing=f"It keeps standing; take it back with: {screen.command(f'withdraw {name}')}"
    )


def _how_it_stands(screen: Screen, view: RequestView) -> str:
    if view.state == "Scheduled" and view.window:
        window = view.window
        ahead = duration_words(window.not_before - screen.now)
        return f"opens at {screen.time(window.not_before)} (in {ahead}), until {screen.time(window.not_after)}"
    return view.message


def _denied(view: RequestView) -> DeniedError:
    remedy = view.denial.get("remedy", "")
    message = view.denial.get("message") or view.message.removesuffix(remedy).rstrip()
    return DeniedError(f"{view.name}: {message}", remedy=remedy, denial=view.denial.get("code", ""))


def _tell(screen: Screen, view: RequestView) -> None:
    name, words = str(view.name), _how_it_stands(screen, view)
    match view.state:
        case "Active" if view.window:
            end = view.window.not_after
            screen.state(name, "Active", f" until {screen.time(end)} (in {duration_words(end - screen.now)})")
            screen.line(f"  {view.url}")
            screen.line(f"  {_first_use(screen, view)}")
        case state if state == UNSEEN:
            screen.state(name, state, ": nobody has looked at it yet; is the operator running?")
        case "Pending" if any(not each.startswith(WEBHOOK) for each in view.waiting_for):
            screen.state(name, "Pending", f": {words}")
            screen.line(f"  They approve it with: jitgress approve {name}")
        case "Scheduled":
            screen.state(name, "Scheduled", f": {words}")
            screen.line(f"  It opens by itself. Take it back with: {screen.command(f'withdraw {name}')}")
        case state:
            screen.state(name, state, f": {words}")
    if view.extends and not view.is_closed:
        screen.line(f"  {_about_the_extension(view)}")
    if view.glass_review and view.is_unreviewed:
        due = view.glass_review.due_at
        screen.line(f"  An approver has to review it by {screen.time(due)} (in {duration_words(due - screen.now)})")


def _about_the_extension(view: RequestView) -> str:
    if view.state == "Active" and view.window:
        return f"It takes over from {view.extends}"
    return f"Until it is Active, {view.extends} ends as it would have"


def _first_use(screen: Screen, view: RequestView) -> str:
    """Return a command that reaches what was opened."""
    authority = screen.local_authority()
    trust = f"--cacert {authority} " if authority else ""
    path = view.paths[0] if view.paths else "/"
    token = screen.command(f"token {view.name}")
    return f'curl {trust}-H "Jitgress-Authorization: Bearer $({token})" {view.url}{path}'
