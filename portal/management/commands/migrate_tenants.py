"""`manage.py migrate_tenants`: bring the records' migrations to every tenant (see tenants/rollout)."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, connections

from portal.management.rollout import plan_as_json, plan_as_text, report_as_json, watcher
from tenants.provisioning.line import Line, UnfitMigrationError
from tenants.registry.models import Tenant
from tenants.rollout.behind import Standing, standing
from tenants.rollout.crew import Crew
from tenants.rollout.lock import AlreadyRunningError, only_run, session_name
from tenants.rollout.outcome import Report
from tenants.rollout.run import Rollout, steps_for
from tenants.rollout.statements import Limits

_JOBS: Final = min(4, os.cpu_count() or 1)


class Command(BaseCommand):
    help = "Bring the records' migrations to every tenant: in waves, halting on the first failure; again resumes."
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", action="store_true", help="change nothing; show which tenants, versions and SQL")
        parser.add_argument("--check", action="store_true", help="change nothing; fail if any is behind or failed")
        parser.add_argument("--tenant", metavar="SLUG", action="append", help="this one alone; may be repeated")
        parser.add_argument("--jobs", type=int, default=_JOBS, help="how many at once (%(default)s)")
        parser.add_argument(
            "--canaries", type=int, default=1, help="how many go first, if fewer are marked so (%(default)s)"
        )
        parser.add_argument("--lock-timeout", type=float, default=2.0, help="seconds (%(default)s)")
        parser.add_argument("--statement-timeout", type=float, default=60.0, help="seconds (%(default)s)")
        parser.add_argument("--json", action="store_true", help="results as JSON on standard output")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except (UnfitMigrationError, AlreadyRunningError) as error:
            raise CommandError(str(error)) from error
        except ProgrammingError as error:
            needs = "It needs the owner's or the provisioner's database role, and a registry that is migrated first."
            raise CommandError(f"{needs} {error}") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; tenants that were in hand were finished. Run again to go on.") from None

    def _handle(self, options: dict[str, Any]) -> None:
        slugs = options["tenant"]
        if slugs:
            known = Tenant.objects.filter(slug__in=slugs).values_list("slug", flat=True)
            if unknown := sorted(set(slugs) - set(known)):
                raise CommandError(f"There is no tenant {', '.join(unknown)}.")
        line = Line()
        if options["check"]:
            self._check(line, standing(line, slugs))
        elif options["plan"]:
            self._plan(line, standing(line, slugs), as_json=options["json"])
        else:
            self._run(line, options)

    def _check(self, line: Line, found: Standing) -> None:
        failed = [target for target in found.behind if target.failure]
        if found.behind:
            raise CommandError(f"{len(found.behind)} behind {line.leaf}, {len(failed)} of them after a failure.")
        self.stdout.write(f"All are at {line.leaf}." if not found.ahead else f"None is behind {line.leaf}.")

    def _plan(self, line: Line, found: Standing, *, as_json: bool) -> None:
        steps = steps_for(line, found.behind)
        show = plan_as_json if as_json else plan_as_text
        self.stdout.write(show(line, found, list(steps.values())))

    def _run(self, line: Line, options: dict[str, Any]) -> None:
        begun = time.monotonic()
        limits = Limits(round(options["lock_timeout"] * 1000), round(options["statement_timeout"] * 1000))
        with only_run(connections["default"]):
            found = standing(line, options["tenant"])
            crew = Crew(max(1, options["jobs"]), limits, session_name())
            with watcher(len(found.behind), self.stderr) as watching:
                run = Rollout(line, crew, max(1, options["canaries"]), watching, options["tenant"])
                report = run.run(found)
        self._tell(line, report, time.monotonic() - begun, as_json=options["json"])

    def _tell(self, line: Line, report: Report, seconds: float, *, as_json: bool) -> None:
        for target in report.ahead:
            self.stderr.write(f"{target.slug} ({target.schema}) is at {target.version}, unknown here: left alone.")
        if as_json:
            self.stdout.write(json.dumps(report_as_json(line, report, seconds), indent=2))
        elif report.migrated or report.is_complete:
            self.stdout.write(f"{report.migrated} migrated to {line.leaf} in {seconds:.1f} s.")
        if not report.is_complete:
            trouble = "\n".join(outcome.sentence() for outcome in [*report.failed, *report.busy])
            raise CommandError(f"{report.halted or 'Some are busy.'} Run again to go on.\n{trouble}")
