"""Recompute every lot, disposal, wash sale, holding and cash balance, and compare them.

Every run is stored batch by batch. Operators see it in the admin, and `--resume` continues a run
that was killed.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from transactions.models import VerificationRun
from transactions.operations.verification import BATCH
from transactions.operations.verification_runs import RunTaken, begin_run, go_on, unfinished_run


class Command(BaseCommand):
    help = "Rebuilds everything derived from the transactions and compares it with what is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        start = parser.add_mutually_exclusive_group()
        start.add_argument(
            "--resume", action="store_true", help="go on with the last run that was not finished"
        )
        start.add_argument("--after", type=int, default=0, help="begin after this household id")
        parser.add_argument("--batch", type=int, default=BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._run(resume=options["resume"], after=options["after"])
        self.stdout.write(f"run {run.pk}, after household {run.last_household_id}")
        try:
            for found in go_on(run=run, clock=timezone.now, batch=options["batch"]):
                for difference in found.differences:
                    self.stderr.write(
                        f"account {difference.account_id}: {difference.what} {difference.key} "
                        f"stored {difference.stored}, transactions say {difference.computed}"
                    )
                self.stdout.write(
                    f"up to household {run.last_household_id}: {run.accounts} accounts"
                )
        except RunTaken as fault:
            raise CommandError(fault.detail) from fault
        if run.difference_count:
            raise CommandError(f"{run.difference_count} differences in {run.accounts} accounts")
        self.stdout.write(
            f"{run.accounts} accounts, {run.transactions} transactions: everything is what they say"
        )

    def _run(self, *, resume: bool, after: int) -> VerificationRun:
        if not resume:
            return begin_run(clock=timezone.now, after_household_id=after)
        run = unfinished_run()
        if run is None:
            raise CommandError("Every run came to its end: there is nothing to resume.")
        return run
