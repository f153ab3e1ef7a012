"""Check the hash chains of versions and daily records, and name every row that was changed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommendations.queries.strategy_checks import Checked, findings


class Command(BaseCommand):
    help = "Checks that no published version and no day of a record was changed or removed."

    def handle(self, *args: Any, **options: Any) -> None:
        checked, count = Checked(), 0
        for one in findings(checked):
            count += 1
            self.stdout.write(
                f"{one.strategy.public_id} {one.strategy.name}, {one.row}: {one.code}. {one.detail}"
            )
        summary = (
            f"{checked.strategies} strategies, {checked.versions} versions and {checked.days} days "
            "were checked."
        )
        if count:
            raise CommandError(f"{summary} {count} findings.")
        self.stdout.write(f"{summary} Nothing was changed.")
