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
    help = (
        "Recomputes lots, sales and wash sales from the transactions and compares them with the "
        "database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        start = parser.add_mutually_exclusive_group()
        start.add_argument("--resume", action="store_true", help="continue the last unfinished run")
        start.add_argument("--after", type=int, default=0, help="start after this household id")
        parser.add_argument("--batch", type=int, default=BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._run(resume=options["resume"], after=options["after"])
        self.stdout.write(f"run {run.pk} starts after household {run.last_household_id}")
        try:
            for found in go_on(run=run, clock=timezone.now, batch=options["batch"]):
                for difference in found.differences:
                    self.stderr.write(
                        f"account {difference.account_id}: {difference.what} {difference.key} "
                        f"stored {difference.stored}, recomputed {difference.computed}"
                    )
                for rebooking in found.waiting if found.differences else ():
                    self.stderr.write(
                        f"The rebooking of {rebooking} is not done yet. Until then, differences of "
                        "this household are expected: verify it again afterwards."
                    )
                self.stdout.write(
                    f"checked up to household {run.last_household_id}: {run.accounts} accounts"
                )
        except RunTaken as fault:
            raise CommandError(fault.detail) from fault
        if run.difference_count:
            raise CommandError(
                f"Found {run.difference_count} differences in {run.accounts} accounts. "
                "They are listed above."
            )
        self.stdout.write(
            f"{run.accounts} accounts, {run.transactions} transactions: no differences"
        )

    def _run(self, *, resume: bool, after: int) -> VerificationRun:
        if not resume:
            return begin_run(clock=timezone.now, after_household_id=after)
        run = unfinished_run()
        if run is None:
            raise CommandError(
                "Every run is finished, so there is nothing to resume. Omit --resume."
            )
        return run
