"""How many connections a tenant's role has at the server, and programs of their own that open some."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from textwrap import dedent

import psycopg
import pytest

from portal.demo.embedded import Stack
from tests.conftest import Household

Backends = Callable[..., list[int]]
Program = Callable[..., str]

_PRELUDE = """
import django, os, sys, threading, time
django.setup()
from django.db import connections
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.databases.base import close_compartments, warm
from tenants.records.models import Repository
from tenants.registry.models import Tenant
tenants = list(Tenant.objects.filter(slug__in=sys.argv[1:]).order_by("slug"))
def look(number=0):
    with enter_as_system(tenants[number].id, Actor.system("test")) as inside:
        Repository.objects.count()
        with connections[inside.alias].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), session_user")
            return cursor.fetchone()
"""


@pytest.fixture
def backends(administrator: psycopg.Connection) -> Backends:
    """Return the processes that serve connections of these tenants' roles.

    A process is there for a moment after its connection was closed: `until` waits for a number of them, `most` until
    there are no more.
    """

    def look(*houses: Household) -> list[int]:
        query = "SELECT pid FROM pg_stat_activity WHERE usename = ANY(%s) ORDER BY pid"
        return [pid for (pid,) in administrator.execute(query, [[house.tenant.schema for house in houses]])]

    def found(*houses: Household, until: int | None = None, most: int | None = None) -> list[int]:
        deadline = time.monotonic() + 20
        while True:
            pids = look(*houses)
            settled = until in {None, len(pids)} and (most is None or len(pids) <= most)
            if settled or time.monotonic() > deadline:
                return pids
            time.sleep(0.02)

    return found


@pytest.fixture
def program(stack: Stack) -> Program:
    """Run a program that may `look()` into the tenants it is given, with the web's rights; return what it printed."""

    def run(code: str, *houses: Household, status: int = 0, **settings: str) -> str:
        environment = {**os.environ, **stack.environment("web"), **settings}
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", _PRELUDE + dedent(code)]
        done = subprocess.run(
            [*command, *[house.slug for house in houses]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        assert "Warning" not in done.stderr, done.stderr
        return done.stdout

    return run
