"""Write a bill of materials and compare the locked packages with known weaknesses.

    audit.py            both; exit code 1 if a package has a known weakness
    audit.py --sbom     only the bill of materials, .ci/artefacts/sbom.json (CycloneDX 1.5)

Weaknesses are asked of OSV (OSV_URL replaces its address). Where it cannot be reached, the audit is
skipped, which is said in capital letters; CI on a schedule does reach it.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ARTEFACTS = ROOT / ".ci/artefacts"
OSV_URL = "https://api.osv.dev"
AT_ONCE = 500
ANSWER_S_MAX = 30
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(text: str) -> dict[tuple[str, str], list[str]]:
    """Return the packages of a lock file: (name, version) -> hashes of its archives."""
    found: dict[tuple[str, str], list[str]] = {}
    starts = list(_PINNED.finditer(text))
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        block = text[start.start() : following.start() if following else len(text)]
        found[start[1].lower(), start[2]] = _HASH.findall(block)
    return found


def bill_of_materials(packages: dict[tuple[str, str], list[str]], version: str) -> dict[str, Any]:
    """Return a CycloneDX document; the same packages give the same document."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{number}",
            "name": name,
            "version": number,
            "purl": f"pkg:pypi/{name}@{number}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
        }
        for (name, number), digests in sorted(packages.items())
    ]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "ballast", "version": version}},
        "components": components,
    }


def weaknesses(packages: list[tuple[str, str]], url: str) -> dict[tuple[str, str], list[str]]:
    """Return the ids of known weaknesses of each package that has any."""
    found = {}
    for start in range(0, len(packages), AT_ONCE):
        portion = packages[start : start + AT_ONCE]
        queries = [
            {"package": {"ecosystem": "PyPI", "name": name}, "version": number}
            for name, number in portion
        ]
        request = urllib.request.Request(
            f"{url}/v1/querybatch",
            data=json.dumps({"queries": queries}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:
            results = json.load(answer)["results"]
        for package, result in zip(portion, results, strict=True):
            if vulnerable := result.get("vulns"):
                found[package] = [one["id"] for one in vulnerable]
    return found


def main() -> int:
    packages = locked((ROOT / "requirements.lock").read_text())
    [version] = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    target = ARTEFACTS / "sbom.json"
    target.write_text(json.dumps(bill_of_materials(packages, version), indent=1))
    sys.stdout.write(f"{target.relative_to(ROOT)}: {len(packages)} packages\n")
    if "--sbom" in sys.argv:
        return 0
    try:
        found = weaknesses(sorted(packages), os.environ.get("OSV_URL") or OSV_URL)
    except (urllib.error.URLError, OSError, ValueError, KeyError) as fault:
        sys.stdout.write(
            f"SKIPPED: known weaknesses were NOT CHECKED, OSV gave no answer ({fault})\n"
        )
        return 0
    for (name, number), ids in found.items():
        sys.stdout.write(f"{name} {number} has known weaknesses: {', '.join(ids)}\n")
    if not found:
        sys.stdout.write(f"no known weakness in {len(packages)} packages\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
