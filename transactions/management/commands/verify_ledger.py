"""manage.py verify_ledger: rebuilds every lot, disposal, holding and cash balance and compares."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transactions.operations.verification import BATCH, verified


class Command(BaseCommand):
    help = "Rebuilds everything derived from the transactions and compares it with what is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--after", type=int, default=0, help="resume after this household id")
        parser.add_argument("--batch", type=int, default=BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = transactions = differences = 0
        for outcome in verified(after_household_id=options["after"], batch=options["batch"]):
            accounts += outcome.accounts
            transactions += outcome.transactions
            for found in outcome.differences:
                differences += 1
                self.stderr.write(
                    f"account {found.account_id}: {found.what} {found.key} "
                    f"stored {found.stored}, transactions say {found.computed}"
                )
            self.stdout.write(f"up to household {outcome.last_household_id}: {accounts} accounts")
        if differences:
            raise CommandError(f"{differences} differences in {accounts} accounts")
        self.stdout.write(
            f"{accounts} accounts, {transactions} transactions: everything is what they say"
        )
