"""Move old prices to the warm and the cold tier, as the schedule does every night.

manage.py archive_prices
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata.operations import archive_prices


class Command(BaseCommand):
    help = "Moves partitions of old prices. May be killed and started again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        failed = 0
        for one in archive_prices(as_of=now.date(), now=now):
            moved = f"{one.source} to {one.target}: {one.outcome} {one.error}".rstrip()
            self.stdout.write(f"{one.name}: {one.rows} rows, {moved}")
            failed += one.outcome == "failed"
        if failed:
            raise CommandError(f"{failed} partitions could not be moved and stay where they are.")
