"""Benchmarks: each compares us with a reference in one run on one machine, contestants taking turns.

`manage.py bench NAME [--quick]` imports `tests.benchmarks.NAME` and calls its `run(bench)`.
"""
