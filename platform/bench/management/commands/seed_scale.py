"""manage.py seed_scale: accounts and holdings in bulk, for benchmarks and load tests."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bench.seeding.loading import SeedingRefused, load
from bench.seeding.population import SECURITIES_MAX


class Command(BaseCommand):
    help = "Adds accounts with transactions, lots, holdings, targets and prices, in bulk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=1000)
        parser.add_argument(
            "--holdings-per-account", type=int, default=20, help="on average; two lots each"
        )
        parser.add_argument(
            "--securities", type=int, help="a fifteenth of the accounts, 500 to 100,000, if not set"
        )
        parser.add_argument(
            "--out-of-band",
            type=float,
            default=0.1,
            metavar="FRACTION",
            help="the fraction of accounts outside of their bands at the seeded prices",
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same")
        parser.add_argument(
            "--despite-users",
            action="store_true",
            help="fill a database that people use; their ledgers are locked meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accounts, start = options["accounts"], time.perf_counter()
        given = options["securities"]
        try:
            report = load(
                accounts=accounts,
                holdings=options["holdings_per_account"],
                securities=given or min(max(accounts // 15, 500), SECURITIES_MAX),
                outside=options["out_of_band"],
                seed=options["seed"],
                now=timezone.now(),
                despite_users=options["despite_users"],
                progress=self.stdout.write if options["verbosity"] > 1 else lambda line: None,
            )
        except (SeedingRefused, ValueError) as fault:
            raise CommandError(str(fault)) from fault
        for table, (own, indexes) in report.bytes.items():
            self.stdout.write(f"{table}: {own / 1e6:,.0f} MB, indexes {indexes / 1e6:,.0f} MB")
        self.stdout.write(f"WAL: {report.wal_bytes / 1e6:,.0f} MB")
        self.stdout.write(f"{accounts} accounts in {time.perf_counter() - start:.1f} s")
