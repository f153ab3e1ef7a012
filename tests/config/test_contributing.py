"""The files for those who join: valid workflow and forms, true paths, a release that is careful."""

import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"


def script(name: str) -> ModuleType:
    """Return a script of .ci as a module."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / f".ci/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit, release = script("audit"), script("release")


def offences(path: Path, schema: str) -> list[str]:
    """Return what a file breaks of a schema that the package check-jsonschema ships."""
    found = importlib.util.find_spec("check_jsonschema")
    assert found is not None
    assert found.origin is not None
    vendor = Path(found.origin).parent / "builtin_schemas" / "vendor"
    rules = json.loads((vendor / f"{schema}.json").read_text())
    # YAML 1.1 reads the key `on` as a truth value.
    content = {
        "on" if key is True else key: value
        for key, value in yaml.safe_load(path.read_text()).items()
    }
    return [error.message for error in Draft7Validator(rules).iter_errors(content)]


def test_the_workflow_and_the_forms_keep_their_schemas(tmp_path: Path) -> None:
    workflows = sorted((GITHUB / "workflows").glob("*.y*ml"))
    assert workflows
    for path in workflows:
        assert offences(path, "github-workflows") == [], path
        assert ".ci/run" in path.read_text()
    forms = [x for x in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if x.stem != "config"]
    assert len(forms) >= 3
    for path in forms:
        assert offences(path, "github-issue-forms") == [], path
    assert offences(GITHUB / "ISSUE_TEMPLATE/config.yml", "github-issue-config") == []
    (tmp_path / "bad.yml").write_text("name: x\ndescription: y\nbody: none\n")
    assert offences(tmp_path / "bad.yml", "github-issue-forms")


def missing_paths(text: str) -> list[str]:
    """Return the paths of the repository that a text names and that do not exist."""
    named = re.findall(r"`((?:[a-z_.]+/)+[a-zA-Z_.-]*)`", text)
    known = [name for name in named if "NAME" not in name and not name.startswith(".ci/artefacts")]
    return [name for name in known if not (ROOT / name).exists()]


def test_the_guides_name_files_that_exist() -> None:
    for name in ("CONTRIBUTING.md", "SECURITY.md"):
        text = (GITHUB / name).read_text()
        assert missing_paths(text) == []
        for command in re.findall(r"make ([a-z-]+)", text):
            assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.M), command
    assert missing_paths("see `platform/no/such.py`") == ["platform/no/such.py"]


def test_the_bill_of_materials_has_every_locked_package_with_its_hashes() -> None:
    packages = audit.locked((ROOT / "requirements.lock").read_text())
    assert len(packages) > 50
    assert all(len(digests) >= 1 for digests in packages.values())
    made = audit.bill_of_materials(packages, "1.2.3")
    assert made["bomFormat"] == "CycloneDX"
    names = {component["name"] for component in made["components"]}
    assert {"django", "celery", "psycopg"} <= names
    assert audit.bill_of_materials(packages, "1.2.3") == made


class _Osv(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results: list[dict[str, Any]] = [
            {"vulns": [{"id": "PYSEC-1"}]} if query["package"]["name"] == "bad" else {}
            for query in asked
        ]
        body = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_known_weaknesses_fail_the_audit_and_silence_is_said_aloud(
    osv: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = audit.weaknesses([("bad", "1.0"), ("good", "2.0")], osv)
    assert found == {("bad", "1.0"): ["PYSEC-1"]}
    monkeypatch.setattr(sys, "argv", ["audit.py"])
    monkeypatch.setenv("OSV_URL", osv)
    assert audit.main() == 0
    assert "no known weakness" in capsys.readouterr().out
    monkeypatch.setattr(audit, "locked", lambda _: {("bad", "1.0"): []})
    assert audit.main() == 1
    assert "PYSEC-1" in capsys.readouterr().out
    monkeypatch.setenv("OSV_URL", "http://127.0.0.1:1")
    assert audit.main() == 0
    assert "NOT CHECKED" in capsys.readouterr().out


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    (tmp_path / "jobs/migrations").mkdir(parents=True)
    for name in ("0001_first.py", "0002_second.py", "__init__.py"):
        (tmp_path / "jobs/migrations" / name).touch()
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").touch()
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- **News.** One.\n")
    for words in (
        ["init", "--quiet"],
        ["config", "user.email", "a@example.org"],
        ["config", "user.name", "A"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "Begin"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_a_release_makes_changelog_version_commit_and_tag(repository: Path) -> None:
    release.release("0.2.0", folder=repository, check=("true",), day=date(2026, 3, 1))
    assert 'version = "0.2.0"' in (repository / "pyproject.toml").read_text()
    assert json.loads((repository / ".ci/released.json").read_text()) == {"jobs": 2}
    notes = (repository / "CHANGELOG.md").read_text()
    assert "## Unreleased\n\n## 0.2.0 (2026-03-01)\n\n- **News.** One.\n" in notes
    assert release.run("git", "tag", folder=repository) == "v0.2.0"
    with pytest.raises(release.Refused, match="nothing under Unreleased"):
        release.release("0.3.0", folder=repository, check=(), day=date(2026, 3, 2))


@pytest.mark.parametrize(
    ("version", "check", "dirty", "words"),
    [
        ("1.2", (), False, "no version"),
        ("0.0.9", (), False, "older"),
        ("0.2.0", (), True, "has changes"),
        ("0.2.0", ("false",), False, "failed"),
    ],
)
def test_a_release_that_is_refused_changes_nothing(
    repository: Path, version: str, check: tuple[str, ...], dirty: bool, words: str
) -> None:
    if dirty:
        (repository / "new.txt").write_text("new")
    before = (repository / "CHANGELOG.md").read_text()
    with pytest.raises(release.Refused, match=words):
        release.release(version, folder=repository, check=check, day=date(2026, 3, 1))
    assert (repository / "CHANGELOG.md").read_text() == before
    assert release.run("git", "tag", folder=repository) == ""
