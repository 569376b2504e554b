"""What every test may rely on, however the run was started."""

import signal


def pytest_configure() -> None:
    """Have Ctrl-C interrupt, as at a terminal: a shell starts what runs in the background with it ignored (POSIX)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
