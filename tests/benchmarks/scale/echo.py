"""A contestant that adds two numbers, or leaves: what the pipe to each of them is tried with."""

from __future__ import annotations

import sys

from tests.benchmarks.scale.contestant import serve


def add(one: int, other: int) -> int:
    print("what an act prints is no answer")  # noqa: T201 - on purpose
    return one + other


if __name__ == "__main__":
    serve({"add": add, "leave": sys.exit})
