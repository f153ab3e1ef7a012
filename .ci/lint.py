"""`make lint`: everything that judges the code without running it. `make format`: --fix."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "import-linter": ["lint-imports", "--no-logo"],
    "mypy": ["mypy"],
}
FIXES = {
    "ruff check": ["ruff", "check", "--fix-only", "."],
    "ruff format": ["ruff", "format", "."],
}


def main() -> int:
    # Django's plugin for mypy reads the settings, which refuse to load unless a purpose is set.
    environment = {**os.environ, "TESTING": "1"}
    failed = []
    for name, (program, *words) in (FIXES if "--fix" in sys.argv else CHECKS).items():
        sys.stdout.write(f"--- {name}\n")
        sys.stdout.flush()
        started = time.monotonic()
        done = subprocess.run([str(BIN / program), *words], cwd=ROOT, env=environment, check=False)
        outcome = "FAILED" if done.returncode else "passed"
        sys.stdout.write(f"--- {name} {outcome} in {time.monotonic() - started:.1f} s\n")
        if done.returncode:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
