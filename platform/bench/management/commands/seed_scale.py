"""manage.py seed_scale: accounts and holdings in bulk, for benchmarks and load tests."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from bench.scale import seed


class Command(BaseCommand):
    help = "Creates accounts with holdings in bulk, each with its own household and user."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=1000)
        parser.add_argument("--holdings", type=int, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        now, start = timezone.now(), time.perf_counter()
        seeded = seed(
            accounts=options["accounts"],
            holdings=options["holdings"],
            tag=f"scale{int(now.timestamp())}",
            now=now,
        )
        took_s = time.perf_counter() - start
        self.stdout.write(
            f"{len(seeded.members)} accounts of {options['holdings']} holdings in {took_s:.1f} s"
        )
