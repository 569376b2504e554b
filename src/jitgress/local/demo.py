"""The main job with real parts, step by step, as its users see it: through the command line and the ingress.

Each step says what it did and how long it took; the first that fails ends the demo with what every part last said.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from jitgress.domain.clock import SystemClock
from jitgress.domain.errors import JitgressError
from jitgress.domain.phrasing import sentences
from jitgress.local.layout import Layout
from jitgress.local.stack import Stack, StackError
from jitgress.local.story import ORDERS, SHORT, STEPS, Story, up
from jitgress.local.visitor import Visitor

_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count


def play(story: Story, steps: Sequence[Callable[[Story], str]], console: Console) -> bool:
    """Go through the steps; tell whether all of them were as expected."""
    for number, step in enumerate(steps, 1):
        began = time.monotonic()
        try:
            told = step(story)
        except JitgressError as error:
            console.print(f"[red]{number:>2}  FAILED[/red]  {step.__name__}: {error.message}", highlight=False)
            for name in story.stack.processes.known():
                console.print(f"--- {name}\n{story.stack.processes.last_words(name, 6)}", markup=False, highlight=False)
            return False
        took = time.monotonic() - began
        console.print(f"[green]{number:>2}  ok[/green] {took:5.1f} s  {told}", highlight=False, soft_wrap=True)
    return True


def refuse_what_others_started(layout: Layout) -> None:
    """Raise `StackError` where there is a stack already: the demo kills parts of its own, and removes it at the end."""
    if layout.is_stack:
        raise StackError(
            f"{layout.folder} holds a stack that this demo didn't start",
            remedy="End that one with jitgress local down, or choose another folder with JITGRESS_LOCAL_DIR.",
        )


def main() -> None:
    """Set the stack up, tell the story, end it unless it should stay."""
    parser = argparse.ArgumentParser(description="Show the main job with real parts.")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    parser.add_argument("--short", action="store_true", help="one window only")
    parser.add_argument("--dir", type=Path, default=Path(os.environ.get("JITGRESS_LOCAL_DIR", ".local")))
    given = parser.parse_args()
    console = Console()
    stack = Stack(given.dir, SystemClock(), lambda _: None)
    try:
        refuse_what_others_started(stack.layout)
        is_told = _run(stack, SHORT if given.short else STEPS, console, is_kept=given.keep)
    except JitgressError as error:
        console.print(
            f"error: {sentences(error.message, error.remedy)}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("interrupted: what the demo had started is ended and removed", highlight=False)
        sys.exit(_INTERRUPTED)
    sys.exit(0 if is_told else 1)


def _run(stack: Stack, steps: Sequence[Callable[[Story], str]], console: Console, *, is_kept: bool) -> bool:
    """Set the stack up and tell the story; the stack stays only if it should and all was as expected."""
    began = time.monotonic()
    is_told = False
    try:
        up(stack.layout)
        console.print(f" 0  up {time.monotonic() - began:5.1f} s  API server, etcd, Traefik, HAProxy, jitgress")
        is_told = play(Story(stack, Visitor(stack.layout)), steps, console)
        if is_told:
            console.print(f"[bold]All steps as expected, in {time.monotonic() - began:.0f} s.[/bold]", highlight=False)
    finally:
        if stack.layout.is_stack and not (is_kept and is_told):
            stack.down()
    if is_told and is_kept:
        tell_how_to_go_on(console, stack.layout)
    return is_told


def tell_how_to_go_on(console: Console, layout: Layout) -> None:
    """Say where the stack is, how its people sign in, and what could come next."""
    content = json.loads(layout.env_file.read_text())
    names = ", ".join(user["username"].partition("@")[0] for user in content["users"])
    for line in (
        f"\nIt stays up. Portal: {content['portal_url']}. People: {names}.",
        f"What they sign in with (kube_token) is in {layout.env_file}. For example:",
        f'  .venv/bin/jitgress --as-local alice request {ORDERS} --for 2m --reason "a look" --wait',
        "  .venv/bin/jitgress local down",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
