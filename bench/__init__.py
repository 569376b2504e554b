"""Benchmarks: each is a module that returns figures; `python -m bench` runs them all, or the one named by NAME."""
