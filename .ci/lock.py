"""Writes both lock files: `make lock`, or `make lock UPGRADE=1` for the newest versions allowed.

Resolved once for every platform and Python >= 3.11. Neither index nor machine is named: whoever
installs takes the files from their own index, and the hashes say whether they are the same files.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "requirements.lock"
DEV = ROOT / ".ci" / "requirements-dev.lock"
RUN_EXTRAS = ("servers", "data", "setup")
HEAD = """# {what} Written by `make lock`; install with
#   pip install --no-deps --require-hashes -r {name}
"""
# Addresses given to the resolver stay out of the files.
PLACES = re.compile(r"^\s*(--(extra-)?index-url|--find-links|-i|-f)\b.*\n", re.MULTILINE)


def resolved(*, extras: tuple[str, ...], target: Path, constraints: tuple[Path, ...] = ()) -> str:
    """What uv resolves, blocks of `name==version ; marker` and hashes."""
    command = [
        str(Path(sys.executable).parent / "uv"),
        *("pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"),
        *(word for extra in extras for word in ("--extra", extra)),
        *(word for path in constraints for word in ("--constraint", str(path))),
        *("--output-file", str(target)),
    ]
    if os.environ.get("UPGRADE"):
        command.append("--upgrade")
    subprocess.run(command, cwd=ROOT, check=True)
    return PLACES.sub("", target.read_text())


def blocks(text: str) -> dict[str, str]:
    """Each requirement with its hashes, by its first line."""
    found = re.findall(r"^[a-z0-9](?:.*\\\n)*.*\n", text, re.MULTILINE)
    return {block.splitlines()[0].rstrip(" \\"): block for block in found}


def main() -> None:
    run = blocks(resolved(extras=RUN_EXTRAS, target=RUN))
    head = HEAD.format(what="Everything `make run` needs.", name="requirements.lock")
    RUN.write_text(head + "".join(run.values()))
    both = blocks(resolved(extras=(*RUN_EXTRAS, "dev"), target=DEV, constraints=(RUN,)))
    head = HEAD.format(
        what="Tests and tools, on top of requirements.lock.", name=".ci/requirements-dev.lock"
    )
    DEV.write_text(head + "".join(both[name] for name in both if name not in run))
    sys.stdout.write(f"{len(run)} packages to run, {len(both) - len(run)} more to develop\n")


if __name__ == "__main__":
    main()
