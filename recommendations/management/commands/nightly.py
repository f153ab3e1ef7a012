"""Begin, watch and cancel the nightly run. The schedule begins it by itself; workers do it."""

import time
from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.errors import BallastError
from identity.models import User
from recommendations.engine.options import Options
from recommendations.models import NightlyRun, NightState
from recommendations.operations.nightly import begin_night, cancel_night
from recommendations.queries.nights import night_of, progress

_POLL_S = 1.0


class Command(BaseCommand):
    help = "Begins the night after the last session and shows how far it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--night", type=date.fromisoformat, help="the session it follows")
        parser.add_argument("--status", action="store_true", help="show it, begin nothing")
        parser.add_argument("--cancel", action="store_true", help="cancel it")
        parser.add_argument("--watch", action="store_true", help="show its progress until it ends")
        parser.add_argument(
            "--overrule",
            metavar="EMAIL",
            help="begin it in spite of what the guards found, as this operator",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        night = options["night"] or self._last_night()
        try:
            if options["status"] or options["cancel"]:
                run = self._known(night)
                if options["cancel"]:
                    cancel_night(run=run, now=timezone.now())
            else:
                run = begin_night(
                    night=night,
                    options=Options(),
                    now=timezone.now(),
                    overruled_by=self._operator(options["overrule"]),
                )
        except BallastError as refusal:
            raise CommandError(refusal.detail) from refusal
        shown = self._show(run, "")
        while options["watch"] and run.state == NightState.RUNNING:
            time.sleep(_POLL_S)
            shown = self._show(run, shown)

    def _last_night(self) -> date:
        found = night_of(
            exchange=settings.NIGHTLY_EXCHANGE, now=timezone.now(), settled=timedelta(0)
        )
        if found is None:
            raise CommandError(
                f"{settings.NIGHTLY_EXCHANGE} is open. Name the night with --night, or wait for "
                "the close."
            )
        return found

    def _known(self, night: date) -> NightlyRun:
        run = NightlyRun.objects.filter(night=night).first()
        if run is None:
            raise CommandError(f"The night of {night} has not begun.")
        return run

    def _operator(self, email: str | None) -> User | None:
        if email is None:
            return None
        user = User.objects.filter(email__iexact=email, is_staff=True).first()
        if user is None:
            raise CommandError(f"{email} is no operator.")
        return user

    def _show(self, run: NightlyRun, before: str) -> str:
        """Print the state of the run if it has changed; return it."""
        run.refresh_from_db()
        found = progress(run=run, now=timezone.now())
        lines = [f"night of {run.night}: {run.state}"]
        for finding in run.findings:
            names = ", ".join(finding["names"])
            lines.append(f"  {finding['code']}: {finding['count']} {names}".rstrip())
        if run.state != NightState.STOPPED:
            lines.append(
                f"  {found.done} of {found.chunks} chunks, {found.failed} failed; "
                f"{found.accounts} of {run.accounts} accounts"
            )
            for name, count in {**found.outcomes, **found.codes}.items():
                lines.append(f"  {count:>9} {name}")
        text = "\n".join(lines)
        if text != before:
            self.stdout.write(text)
            if found.accounts_a_second:
                left = found.seconds_left
                more = f", {left:.0f} s left" if left is not None else ""
                self.stdout.write(f"  {found.accounts_a_second:.0f} accounts a second{more}")
        return text
