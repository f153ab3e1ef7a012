"""Examine an installation and say what to do. Exit code 0: nothing is broken, 1: something is.

The doctor reads only. It works while servers are down or hang: every check has a time limit.
"""

import json
import sys
import traceback
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from monitoring.checks import CHECKS
from monitoring.examination import LOOK_S_MAX, Found, examine, faults, worst
from monitoring.findings import Level

_MARKS = {Level.OK: "ok", Level.SKIPPED: "--", Level.WARNING: "WARN", Level.PROBLEM: "FAIL"}


class Command(BaseCommand):
    help = "Examines settings, servers, work and back-ups, and says what to do."
    requires_system_checks: list[str] = []  # they are one of its checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ", ".join(check.name for check in CHECKS)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--strict", action="store_true", help="fail on warnings too")
        parser.add_argument("--only", metavar="CHECK", action="append", help=f"of {names}")
        parser.add_argument("--timeout", type=float, default=LOOK_S_MAX, help="seconds for a check")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = set(options["only"] or ())
        unknown = wanted - {check.name for check in CHECKS}
        if unknown:
            self.stderr.write(f"There is no check named {', '.join(sorted(unknown))}.")
            sys.exit(2)
        found = examine(CHECKS, look_s_max=options["timeout"], when_done=connections.close_all)
        found = {name: x for name, x in found.items() if not wanted or name in wanted}
        level = worst(found)
        if options["json"]:
            self.stdout.write(json.dumps(_described(found, level), indent=2))
        else:
            self._show(found, level)
        if options["verbosity"] > 1:
            for name, fault in faults.items():
                self.stderr.write(f"{name}: " + "".join(traceback.format_exception(fault)))
        if level == Level.PROBLEM or (options["strict"] and level == Level.WARNING):
            sys.exit(1)

    def _show(self, found: Found, level: Level) -> None:
        for name, findings in found.items():
            for finding in findings:
                self.stdout.write(f"{_MARKS[finding.level]:<5}{name:<16} {finding.text}")
                if finding.what_to_do:
                    self.stdout.write(f"{'':<21} -> {finding.what_to_do}")
        verdicts = {
            Level.PROBLEM: "Something is broken: see the lines marked FAIL.",
            Level.WARNING: "Works, but see the lines marked WARN.",
        }
        self.stdout.write(verdicts.get(level, "All is well."))


def _described(found: Found, level: Level) -> dict[str, Any]:
    return {
        "level": level.value,
        "checks": {
            name: [
                {"level": x.level.value, "text": x.text, "what_to_do": x.what_to_do}
                for x in findings
            ]
            for name, findings in found.items()
        },
    }
