"""Make a release: `python .ci/release.py 1.2.0`. It pushes nothing.

no changes in the tree, the next version, a changelog with something in it -> all checks pass
-> changelog, version and last migrations written -> archives and bill of materials in .ci/artefacts
-> commit and tag
"""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARTEFACTS = ROOT / ".ci/artefacts"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_UNRELEASED = "## Unreleased\n"


class Refused(Exception):
    """The release is not made; nothing was changed."""


def checked_version(text: str, current: str) -> str:
    """Return the version, which must be newer than the current one."""
    if not _VERSION.fullmatch(text):
        raise Refused(f"{text} is no version. Write three numbers, such as 1.2.0.")
    new, old = (tuple(int(part) for part in one.split(".")) for one in (text, current))
    if new < old:
        raise Refused(f"{text} is older than {current}.")
    return text


def released_changelog(text: str, version: str, day: date) -> str:
    """Return the changelog with its unreleased part under the version, and an empty part above."""
    before, found, after = text.partition(_UNRELEASED)
    news = after.partition("\n## ")[0]
    if not found or not news.strip():
        raise Refused("CHANGELOG.md has nothing under Unreleased.")
    if f"\n## {version} " in text:
        raise Refused(f"CHANGELOG.md has a part {version} already.")
    return f"{before}{_UNRELEASED}\n## {version} ({day})\n{after}"


def versioned_project(text: str, version: str) -> str:
    """Return pyproject.toml with the version."""
    changed, count = re.subn(r'^version = ".+"$', f'version = "{version}"', text, flags=re.M)
    assert count == 1, "pyproject.toml states the version once"
    return changed


def last_migrations(folder: Path) -> dict[str, int]:
    """Return the number of the last migration of each app: old code that still runs has these."""
    found: dict[str, int] = {}
    for path in run("git", "ls-files", "*/migrations/0*.py", folder=folder).splitlines():
        app, number = Path(path).parent.parent.name, int(Path(path).name[:4])
        found[app] = max(number, found.get(app, 0))
    return dict(sorted(found.items()))


def run(*command: str, folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, check=False, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise Refused(f"{' '.join(command)} failed: {done.stdout.strip()}")
    return done.stdout.strip()


def release(version: str, *, folder: Path = ROOT, check: tuple[str, ...], day: date) -> None:
    """Make commit and tag of a version in a repository."""
    project, changelog = folder / "pyproject.toml", folder / "CHANGELOG.md"
    [current] = re.findall(r'^version = "(.+)"$', project.read_text(), re.M)
    checked_version(version, current)
    if changes := run("git", "status", "--porcelain", folder=folder):
        raise Refused(f"The tree has changes; commit or remove them first:\n{changes}")
    if run("git", "tag", "--list", f"v{version}", folder=folder):
        raise Refused(f"There is a tag v{version} already.")
    notes = released_changelog(changelog.read_text(), version, day)
    if check:
        run(*check, folder=folder)
    changelog.write_text(notes)
    project.write_text(versioned_project(project.read_text(), version))
    migrations = json.dumps(last_migrations(folder), indent=1)
    (folder / ".ci/released.json").write_text(f"{migrations}\n")
    run("git", "add", ".ci/released.json", folder=folder)
    run("git", "commit", "--quiet", "--all", "--message", f"Release {version}", folder=folder)
    run("git", "tag", "--annotate", f"v{version}", "--message", f"Ballast {version}", folder=folder)


def build(version: str) -> None:
    """Build what others download, of the tagged state."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    name = f"ballast-{version}"
    archive = ARTEFACTS / f"{name}.tar.gz"
    run("git", "archive", f"--prefix={name}/", "--output", str(archive), f"v{version}")
    run(sys.executable, ".ci/audit.py", "--sbom")
    sys.stdout.write(f"built {archive.relative_to(ROOT)} and .ci/artefacts/sbom.json\n")


def main() -> int:
    if len(sys.argv) != 2:
        sys.stdout.write(f"{__doc__}\n")
        return 2
    version = sys.argv[1]
    check = () if os.environ.get("CHECKED") == "1" else ("bash", ".ci/run")
    try:
        release(version, check=check, day=datetime.now(UTC).date())
        build(version)
    except Refused as refusal:
        sys.stdout.write(f"{refusal}\n")
        return 1
    sys.stdout.write(f"tagged v{version}; now: git push && git push origin v{version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
