"""Drives the main job: on a stack of its own, or with --base-url on a portal that runs, where you sign in yourself."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from portal.cli.failures import Failure
from portal.demo.children import ROOT
from portal.demo.embedded import Stack
from portal.demo.errors import DemoError
from portal.demo.running import Portal
from portal.demo.smoke.api import Api
from portal.demo.smoke.browser import Browser, PageError
from portal.demo.smoke.job import Job
from portal.demo.smoke.people import PersonAtTheTerminal, SandboxOwner
from portal.demo.smoke.report import Report, StepError
from portal.demo.smoke.terminal import Terminal

# Their message says enough; with any other comes the traceback. All end in the same verdict.
PLAIN = (StepError, PageError, DemoError, Failure, httpx.HTTPError, KeyboardInterrupt)


def main() -> int:
    arguments = _arguments()
    report = Report()
    drive = _on_a_running_portal if arguments.base_url else _on_a_stack_of_its_own
    with tempfile.TemporaryDirectory(prefix="bulkhead-smoke-", ignore_cleanup_errors=True) as name:
        try:
            drive(arguments, report, Path(name))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it was, there is a verdict
            if not isinstance(error, PLAIN):
                traceback.print_exc()
            report.failed(error, logs=_keep_logs(Path(name)))
            return 1
    report.passed()
    return 0


def _on_a_stack_of_its_own(arguments: argparse.Namespace, report: Report, directory: Path) -> None:
    ttl = arguments.ttl or 6
    stack = Stack(directory / "stack", settings={"BULKHEAD_MESSAGE_TTL_MIN_SECONDS": str(ttl)})
    with ExitStack() as started:
        with report.step("start PostgreSQL and Valkey"):
            started.enter_context(stack)
        with report.step("start web server, workers, beat and identity provider"):
            started.enter_context(Portal(stack))
        terminal = Terminal(directory, stack.base_url)
        browser = started.enter_context(closing(Browser(stack.base_url)))
        api = started.enter_context(closing(Api(terminal)))
        owner = SandboxOwner(browser, report)
        owner.sign_in("owner")
        slugs = (arguments.tenant, arguments.second_tenant)
        Job(owner, terminal, api, report, *slugs, ttl=ttl, is_gone=partial(is_gone, stack)).run()


def _keep_logs(directory: Path) -> Path | None:
    """Save the logs of a stack that goes away, to find out what went wrong."""
    logs, kept = directory / "stack" / "logs", ROOT / "artefacts" / "smoke-logs"
    if not logs.exists():
        return None
    shutil.rmtree(kept, ignore_errors=True)
    with suppress(OSError):
        return Path(shutil.copytree(logs, kept))
    return None


def _on_a_running_portal(arguments: argparse.Namespace, report: Report, directory: Path) -> None:
    terminal = Terminal(directory, arguments.base_url)
    owner = PersonAtTheTerminal(report, arguments.base_url)
    slugs = (arguments.tenant, arguments.second_tenant)
    with closing(Api(terminal)) as api:
        Job(owner, terminal, api, report, *slugs, ttl=arguments.ttl or 60).run()


def is_gone(stack: Stack, message_id: str) -> bool:
    """Say whether no table of any tenant holds the message's content; read as the server's administrator."""
    everywhere = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name LIKE '%_contents'"
    with psycopg.connect(make_conninfo(**stack.administrator() | {"dbname": "bulkhead"})) as connection:
        for schema, table in connection.execute(everywhere).fetchall():
            count = sql.SQL("SELECT count(*) FROM {} WHERE message_id = %s").format(sql.Identifier(schema, table))
            if connection.execute(count, [message_id]).fetchone() != (0,):
                return False
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__)
    parser.add_argument("--base-url", help="a running portal, for example https://portal.example.com")
    parser.add_argument("--tenant", default="acme", help="the tenant that sends (default: acme)")
    parser.add_argument("--second-tenant", default="northwind", help="the tenant that receives (default: northwind)")
    parser.add_argument("--ttl", type=int, help="seconds that the message lives (default: 6; 60 with --base-url)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
