"""Policies: whether they can be understood, and all is there that they name."""
