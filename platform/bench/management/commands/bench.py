"""manage.py bench NAME [--json]: figures against their targets, with versions and data size."""

import gc
import json
import os
import platform
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from bench import (
    chain,
    decisions,
    engine,
    fx,
    history,
    holdings,
    imports,
    ingest,
    kills,
    ledger,
    nightly,
    notifications,
    performance,
    rebalance,
    search,
    sockets,
)

BENCHES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "holdings": holdings.run,
    "rebalance": rebalance.run,
    "engine": engine.run,
    "ledger": ledger.run,
    "history": history.run,
    "fx": fx.run,
    "imports": imports.run,
    "ingest": ingest.run,
    "chain": chain.run,
    "decisions": decisions.run,
    "nightly": nightly.run,
    "notifications": notifications.run,
    "kills": kills.run,
    "performance": performance.run,
    "search": search.run,
    "stream": sockets.run,
}

# It takes long, and needs the tools for tests.
_ON_REQUEST = frozenset({"kills"})


class Command(BaseCommand):
    help = (
        "Runs the benchmarks and prints each figure with its target. Creates accounts; use a "
        "spare database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=[*BENCHES, "all"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        gc.freeze()  # as the processes of the application do
        everything = [name for name in BENCHES if name not in _ON_REQUEST]
        names = everything if options["name"] == "all" else [options["name"]]
        figures = {name: BENCHES[name]() for name in names}
        report = {"machine": _machine(), "figures": figures}
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2, default=str))
            return
        self.stdout.write(", ".join(f"{name} {value}" for name, value in _machine().items()))
        for name, values in figures.items():
            self.stdout.write(f"\n{name}")
            self._print(values, depth=1)

    def _print(self, values: Mapping[str, Any], *, depth: int) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                self.stdout.write(f"{'  ' * depth}{name}")
                self._print(value, depth=depth + 1)
            else:
                self.stdout.write(f"{'  ' * depth}{name:<28}{value}")


def _machine() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgresql,) = cursor.fetchone()
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgresql": postgresql,
        "django": version("django"),
        "granian": version("granian"),
    }
