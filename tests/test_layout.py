"""What lies where: the top level, platform/, foreign keys; and what no file may name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps as django_apps

ROOT = Path(__file__).resolve().parent.parent
APPS = ("marketdata", "transactions", "portfolios", "recommendations", "notifications")
# Upstream first: a foreign key may point to its own room or to one that stands earlier.
FLOW = (
    *("core", "stores", "edge", "identity", "jobs"),
    *(*APPS, "dashboard", "stream", "demo", "monitoring", "bench", "config"),
)
TOP = {
    *APPS,
    *(".ci", ".dockerignore", ".gitattributes", ".github", ".gitignore"),
    *("CHANGELOG.md", "LICENSE"),
    *("Makefile", "README.md", "docker-compose.yml", "manage.py", "platform", "pyproject.toml"),
    *("requirements.lock", "tests"),
}


PLACES = {
    "an index address": re.compile(
        r"(index-url|find-links)[ =]+['\"]?\S*/|/simple/?['\"\s]|pythonhosted"
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(root|work|home/[a-z]\w*|Users/\w+)/"),
}


def places(path: str, text: str) -> list[str]:
    return [
        f"{path}:{number} holds {what}: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in PLACES.items()
        if pattern.search(line)
    ]


def test_no_tracked_file_names_an_index_or_a_machine(tracked_files: tuple[str, ...]) -> None:
    offences = []
    for path in tracked_files:
        content = (ROOT / path).read_bytes()
        if b"\0" not in content and path != "tests/test_layout.py":
            offences += places(path, content.decode())
    assert not offences, "\n".join(offences)


def unknown_at_the_top(paths: list[str]) -> list[str]:
    return sorted({path.split("/")[0] for path in paths} - TOP)


def test_the_top_level_has_the_allowed_names_only(tracked_files: tuple[str, ...]) -> None:
    assert unknown_at_the_top(list(tracked_files)) == []


def shadows_of_platform(paths: list[str]) -> list[str]:
    """Files that would make platform/ importable: Python then finds ours instead of its own module.

    `import platform` is a line in half of all packages (pip, uuid, Django's debug page). With
    platform/__init__.py they would get our folder and fail far from here, so platform/ is a source
    root: its rooms are imported by their own names and it holds no Python file itself.
    """
    return [x for x in paths if re.fullmatch(r"platform(/[^/]*)?\.py[a-z]?", x)]


def test_platform_is_a_folder_and_never_a_package(tracked_files: tuple[str, ...]) -> None:
    assert shadows_of_platform(list(tracked_files)) == []
    shown = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.python_implementation())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == sys.implementation.name.replace("cpython", "CPython")


def test_no_package_files_below_tests(tracked_files: tuple[str, ...]) -> None:
    assert [x for x in tracked_files if x.startswith("tests/") and x.endswith("__init__.py")] == []


def points_downstream(source: str, target: str) -> bool:
    """Whether a foreign key from one app to another runs against the flow of data."""
    return source in FLOW and target in FLOW and FLOW.index(target) > FLOW.index(source)


def test_foreign_keys_point_upstream() -> None:
    keys = [
        (model._meta.app_label, field.name, field.related_model._meta.app_label)
        for model in django_apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is not None
    ]
    assert [key for key in keys if points_downstream(key[0], key[2])] == []
    assert ("transactions", "household", "identity") in keys


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.lock", "--extra-index" + "-url https://index.example/x/\n"),
        ("requirements.lock", "--find" + "-links /opt/wheels\n"),
        ("README.md", "cd /ro" + "ot/ballast\n"),
        ("a.txt", "see /home/" + "jane/ballast\n"),
    ],
)
def test_an_address_and_a_path_are_found(path: str, text: str) -> None:
    assert places(path, text)


def test_a_hash_is_no_place() -> None:
    assert places("requirements.lock", "django==5.2 \\\n    --hash=sha256:00\n") == []


def test_each_rule_finds_its_offence() -> None:
    assert unknown_at_the_top(["docs/a.md", "platform/core/money.py"]) == ["docs"]
    assert shadows_of_platform(["platform/__init__.py", "platform/core/a.py"])
    assert shadows_of_platform(["platform.py"])
    assert points_downstream("marketdata", "transactions")
    assert not points_downstream("transactions", "marketdata")
