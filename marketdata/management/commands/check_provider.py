"""Check a vendor of market data in ten seconds: its key, its quota and its symbols."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.operations.asking import limits
from marketdata.operations.provider_check import Check, checks
from marketdata.operations.provider_state import states


class Command(BaseCommand):
    help = "Asks a vendor for each thing it can do and says what it answered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the vendor's name in PROVIDERS, such as tiingo")
        parser.add_argument("--symbol", help="a symbol of the vendor; default: one it must know")

    def handle(self, *args: Any, **options: Any) -> None:
        name, started = options["name"], time.monotonic()
        wrong = 0
        try:
            for check in checks(name=name, symbol=options["symbol"], now=timezone.now()):
                self._say(check)
                wrong += check.fault is not None
        except ValueError as error:
            raise CommandError(str(error)) from None
        [state] = states(limits={name: limits(name)}, now=timezone.now())
        for limit, left in zip(limits(name), state.tokens, strict=True):
            window = f"{limit.window_ms / 1000:g} s"
            self.stdout.write(f"  quota      {left:.0f} of {limit.calls} calls in {window} left")
        self.stdout.write(f"  breaker    {state.stage}")
        self.stdout.write(f"Took {time.monotonic() - started:.1f} s.")
        if wrong:
            raise CommandError(f"{wrong} of the checks failed.")

    def _say(self, check: Check) -> None:
        mark = "ok" if check.fault is None else "FAILED"
        self.stdout.write(f"  {check.what:<10} {mark:<7} {check.said}")
