"""The HTTP API that issues gate tokens."""
