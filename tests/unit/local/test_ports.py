"""Two stacks on one machine never meet: ports that are free, and a loopback network for each."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jitgress.local.ports import NETWORKS, NoNetworkError, claim_network, free_port


@pytest.fixture(autouse=True)
def _claims_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks that run on this machine keep their networks."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"], ids=["loopback", "everywhere"])  # noqa: S104  a busy port of others
def busy_port(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind((request.param, 0))
        busy.listen()
        yield busy.getsockname()[1]


def a_stack(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_the_preferred_port_is_given_when_nobody_listens_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]

    assert free_port(free) == free


def test_a_busy_port_is_never_given(busy_port: int) -> None:
    given = free_port(busy_port)

    assert given != busy_port
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", given))
        mine.listen()


def test_two_stacks_have_two_networks(tmp_path: Path) -> None:
    first, second = (claim_network(a_stack(tmp_path, name)) for name in ("first", "second"))

    assert first != second
    assert {first, second} <= set(NETWORKS)


def test_a_stack_that_claims_again_keeps_its_network(tmp_path: Path) -> None:
    stack = a_stack(tmp_path, "stack")

    assert claim_network(stack) == claim_network(stack)


def test_the_network_of_a_stack_whose_folder_is_gone_is_free_again(tmp_path: Path) -> None:
    gone = a_stack(tmp_path, "gone")
    number = claim_network(gone)
    gone.rmdir()

    assert claim_network(a_stack(tmp_path, "next")) == number


def test_a_claim_that_was_never_finished_holds_nothing(tmp_path: Path) -> None:
    stack = a_stack(tmp_path, "stack")
    number = claim_network(stack)
    claim = next(tmp_path.glob(f"jitgress-networks-*/{number}"))
    claim.write_text("")

    assert claim_network(a_stack(tmp_path, "next")) == number


def test_when_every_network_is_taken_the_error_says_what_to_do(tmp_path: Path) -> None:
    taken = [claim_network(a_stack(tmp_path, str(number))) for number in NETWORKS]

    assert sorted(taken) == list(NETWORKS)
    with pytest.raises(NoNetworkError) as raised:
        claim_network(a_stack(tmp_path, "one-too-many"))
    assert "jitgress local down" in raised.value.remedy


def test_claims_are_their_owners_alone(tmp_path: Path) -> None:
    claim_network(a_stack(tmp_path, "stack"))

    folder = next(tmp_path.glob("jitgress-networks-*"))

    assert folder.stat().st_mode & 0o777 == 0o700
