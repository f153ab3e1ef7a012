"""Compare the committed API contract with the code; `schema.py --write` writes it again."""

import difflib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "platform" / "openapi.yaml"
DIFFERENCE_LINES_MAX = 60


def main() -> int:
    command = [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    environment = {**os.environ, "TESTING": "1"}
    made = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode:
        return made.returncode
    if "--write" in sys.argv:
        COMMITTED.write_text(made.stdout)
        return 0
    committed = COMMITTED.read_text() if COMMITTED.exists() else ""
    lines = list(
        difflib.unified_diff(
            committed.splitlines(), made.stdout.splitlines(), "committed", "code", lineterm="", n=2
        )
    )
    if not lines:
        sys.stdout.write(
            f"{COMMITTED.name}: {len(committed.splitlines())} lines, as the code says\n"
        )
        return 0
    sys.stdout.write("\n".join(lines[:DIFFERENCE_LINES_MAX]) + "\n")
    sys.stdout.write("The code and platform/openapi.yaml differ: look, then `make schema`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
