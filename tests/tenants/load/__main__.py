"""`python -m tests.tenants.load THREADS TURNS SLUG SLUG`: mixed requests of two tenants at once, each row looked at.

Each of the tenants gets THREADS threads, each of which makes TURNS requests. One JSON object is printed: how many
requests and rows there were, which rows were another tenant's, and what failed that should not.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from random import Random
from threading import Barrier
from typing import Final

import django

django.setup()

from django.db import connections  # noqa: E402 - not before Django is set up

from tenants.databases.base import close_compartments  # noqa: E402
from tests.tenants.load.requests import REQUESTS  # noqa: E402
from tests.tenants.load.visitor import Findings, Visitor  # noqa: E402

TOGETHER: Final = 120.0  # seconds until all threads have connected


def work(visitor: Visitor, findings: Findings, turns: int, random: Random, together: Barrier) -> None:
    requests, weights = zip(*REQUESTS.items(), strict=True)
    try:
        with visitor.enter():
            visitor.check_session()
        together.wait(TOGETHER)  # else the first might be done before the last has come
        for _ in range(turns):
            (request,) = random.choices(requests, weights)
            try:
                request(visitor)
            except Exception:  # noqa: BLE001 - whatever it was, a request failed
                findings.errors.append(f"{request.__name__}: {traceback.format_exc()[-600:]}")
            findings.requests.append(request.__name__)
            visitor.require_outside()
    finally:
        close_compartments()
        connections.close_all()


def main(threads: int, turns: int, *slugs: str) -> None:
    findings = Findings()
    visitors = Visitor.pair(findings, *slugs)
    together = Barrier(2 * threads)
    jobs = [
        threading.Thread(target=work, args=[visitors[number % 2], findings, turns, Random(number), together])  # noqa: S311 - a mix
        for number in range(2 * threads)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    connections.close_all()
    json.dump(findings.told(), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
