"""Bring old prices back into the hot tier, where they can be changed, for 30 days at least.

manage.py restore_prices days 2015-01-01 2016-12-31
manage.py restore_prices minutes 2022-03-01 2022-03-31
"""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata.operations import restore_prices
from marketdata.partitions import DAILY, MINUTES

TABLES = {"days": DAILY, "minutes": MINUTES}


class Command(BaseCommand):
    help = "Restores the partitions of a range of days. May be killed and started again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prices", choices=list(TABLES))
        parser.add_argument("since", type=date.fromisoformat)
        parser.add_argument("until", type=date.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        failed = count = 0
        for one in restore_prices(
            table=TABLES[options["prices"]],
            since=options["since"],
            until=options["until"],
            as_of=now.date(),
            now=now,
        ):
            count += 1
            failed += one.outcome == "failed"
            self.stdout.write(f"{one.name}: {one.rows} rows: {one.outcome} {one.error}".rstrip())
        if failed:
            raise CommandError(f"{failed} partitions could not be restored.")
        if not count:
            self.stdout.write("All prices of this range are in the hot tier already.")
