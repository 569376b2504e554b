"""Signing keys and gate tokens: mint, publish, rotate."""
