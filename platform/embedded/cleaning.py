"""`make clean`: remove everything Ballast made in and for this checkout. Standard library only."""

import os
import shutil
import sys
from pathlib import Path

from embedded.places import ROOT, UNREACHABLE_BELOW, Refused, hold, places

CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")
MADE = (".venv", ".ci/artefacts", *CACHES)


def main() -> int:
    """Remove the files; refuse while a copy runs on the data."""
    data = Path(os.environ.get("DATA_DIR") or ".data")
    data = data if data.is_absolute() else ROOT / data
    doomed = [ROOT / name for name in MADE]
    if data.exists():
        try:
            where = places(data)
            hold(where).close()
        except Refused as refusal:
            sys.stdout.write(f"{refusal}\n")
            return 1
        doomed += [where.sockets, UNREACHABLE_BELOW / where.sockets.name, data]
    for path in [*doomed, *ROOT.rglob("__pycache__")]:
        if path.exists():
            shutil.rmtree(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
