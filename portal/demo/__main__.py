"""`make demo`: the whole portal on this machine, with nothing installed beside the project."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path
from types import FrameType

from portal.demo.children import ROOT
from portal.demo.embedded import FAMILIAR_PORTS, Stack
from portal.demo.errors import DemoError
from portal.demo.progress import Progress
from portal.demo.running import Portal
from portal.demo.supervisor import watch

SETTINGS = {"BULKHEAD_MESSAGE_TTL_MIN_SECONDS": "5"}  # so that one can watch a message vanish
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WELCOME = """
[bold]Bulkhead is ready: [link={portal}]{portal}[/link][/bold]  [dim](after {seconds:.1f} s)[/dim]

  Sign in with GitHub or Bitbucket. Both are a sandbox on this machine, with an account for what it shows:
    owner · member · outsider    three people; the outsider must never see the others' tenant
    unverified-email · no-email  turned away, and told why
    no-mfa                       without a second factor

  Then: create a tenant, add a repository with labels, a parameter set, an SSH key, connect to a second tenant.
  On the command line:
    .venv/bin/bulkhead login --portal {portal}
    .venv/bin/bulkhead run --repository NAME -- env

  Data and logs: {directory}    Start anew: make demo FRESH=1    Stop: Ctrl-C
"""


def main() -> int:
    arguments = _arguments()
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    progress = Progress()
    try:
        _run(arguments, progress)
    except KeyboardInterrupt:
        progress.say("\nStopped. Everything it started has ended; the data stays.")
    except DemoError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


def _run(arguments: argparse.Namespace, progress: Progress) -> None:
    stack = Stack(arguments.directory, ports=FAMILIAR_PORTS, fresh=arguments.fresh, settings=SETTINGS)
    progress.say("Starting Bulkhead")
    portal = Portal(stack, progress)
    with contextlib.ExitStack() as started:
        started.callback(stack.stop)
        started.callback(portal.stop)
        started.callback(_ignore_signals)  # first of all: an impatient Ctrl-C would orphan what is being stopped
        with progress.step("PostgreSQL and Valkey"):
            stack.start()
        portal.start()
        progress.say(WELCOME.format(portal=stack.base_url, seconds=progress.seconds, directory=stack.directory))
        watch([*stack.servers, *portal.children], progress.warn, stopping=lambda: False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="remove what earlier starts kept")
    parser.add_argument("--directory", type=Path, default=ROOT / ".demo", help="where data, logs and secrets are kept")
    return parser.parse_args()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
