"""The rules of the house that no linter knows. Each rule is shown to fail on a bad sample below.

A rule takes a file's path (from the top of the repository) and its text, and returns offences:
what is wrong, and what to write instead.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

import pytest
from django.apps import apps as django_apps

from transactions.ledger.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent
APPS = ("marketdata", "transactions", "portfolios", "recommendations", "notifications")
# Upstream first: a foreign key may point to its own room or to one that stands earlier.
FLOW = (
    *("core", "stores", "edge", "identity", "jobs"),
    *(*APPS, "dashboard", "stream", "demo", "bench", "config"),
)
# Rooms whose files are pure unless their names say otherwise.
PURE_ROOMS = (*APPS, "identity", "jobs")
TOP = {
    *APPS,
    *(".ci", ".dockerignore", ".gitattributes", ".github", ".gitignore"),
    *("CHANGELOG.md", "LICENSE"),
    *("Makefile", "README.md", "docker-compose.yml", "manage.py", "platform", "pyproject.toml"),
    *("requirements.lock", "tests"),
}
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

# Files that may know Django, by their name or their folder's; every other file of an app is pure.
EDGES = {"api", "tasks", "consumers", "admin", "pages", "management"}
# Of identity: Django and DRF call them on every request, at start-up and when rows are deleted.
EDGES |= {"middleware", "authentication", "checks", "signals"}
EDGES |= {"metrics"}  # read figures where they are kept, when Prometheus asks
DJANGO = EDGES | {"models", "queries", "operations", "forms", "apps", "migrations"}
SOCKETS = {"senders", "providers", "brokers", "storage"}
FRAMEWORKS = {"django", "rest_framework", "celery", "channels", "drf_spectacular"}
OUTSIDE = {"redis", "psycopg", "socket", "subprocess", "urllib", "http", "ssl", "asyncio"}
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now"),
    *("time.time", "time.time_ns", "timezone.localdate", "timezone.localtime"),
}
# Rooms in which reading the clock is the trade.
CLOCK_ROOMS = (
    *("platform/edge/", "platform/stream/", "platform/embedded/", "platform/config/"),
    *("platform/stores/", "platform/bench/", "platform/demo/"),
    "platform/core/identifiers.py",  # a UUIDv7 is a point in time
)

LOCKING_SQL = re.compile(
    r"\bFOR\s+(NO\s+KEY\s+)?UPDATE\b(?!.*SKIP\s+LOCKED)|\bLOCK\s+TABLE\b", re.IGNORECASE
)

Rule = Callable[[str, str], list[str]]


@lru_cache(maxsize=1)
def parsed(text: str) -> ast.Module:
    """Return the tree of a file, which one rule after the other looks at."""
    return ast.parse(text)


def room_and_names(path: str) -> tuple[str, set[str]]:
    """The top folder (or the one below platform/) and the names a file goes by inside it."""
    parts = PurePosixPath(path).with_suffix("").parts
    parts = parts[1:] if parts[0] == "platform" else parts
    return parts[0], set(parts[1:])


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    """`timezone.now` of a call's function; empty when it is anything else than names and dots."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def clock_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ".".join(dotted(node.func).split(".")[-2:])
            if name in CLOCKS:
                yield node.lineno, name


def purity(path: str, text: str) -> list[str]:
    room, names = room_and_names(path)
    if room not in PURE_ROOMS or names & DJANGO or not names - {"__init__"}:
        return []
    tree, offences = parsed(text), []
    banned = FRAMEWORKS - {"channels"} if names & SOCKETS else FRAMEWORKS | OUTSIDE
    for line, name in imported(tree):
        parts = name.split(".")
        impure = parts[0] in FLOW and len(parts) > 1 and parts[1] in DJANGO
        if parts[0] in banned or impure:
            offences.append(
                f"{path}:{line} imports {name}: a file of this name is pure; give it values, or "
                "move the line to models, queries, operations or an edge"
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "open" and not names & SOCKETS:
            offences.append(f"{path}:{node.lineno} opens a file: a file of this name is pure")
    return offences


def clocks(path: str, text: str) -> list[str]:
    _, names = room_and_names(path)
    if names & EDGES or path.startswith((*CLOCK_ROOMS, "tests/")):
        return []
    return [
        f"{path}:{line} calls {name}(): take `now` or `as_of` as an argument; only edges ask"
        for line, name in clock_calls(parsed(text))
    ]


def lengths(path: str, text: str) -> list[str]:
    lines = text.count("\n")
    offences = []
    if lines > FILE_LINES_MAX:
        offences.append(f"{path} has {lines} lines: split it by subject at {FILE_LINES_MAX}")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                offences.append(
                    f"{path}:{node.lineno} {node.name} has {length} lines: "
                    f"at most {FUNCTION_LINES_MAX}, name its parts"
                )
    return offences


def wake_up_calls(path: str, text: str) -> list[str]:
    return [
        f"{path}:{node.lineno} calls .delay(): write a job row, or use delay_on_commit"
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"delay", "apply_async"}
    ]


def default_order(path: str, text: str) -> list[str]:
    return [
        f"{path}:{line.lineno} sets Meta.ordering: order the query that needs it"
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.ClassDef) and node.name == "Meta"
        for line in node.body
        if isinstance(line, ast.Assign)
        and any(isinstance(x, ast.Name) and x.id == "ordering" for x in line.targets)
    ]


def one_way_to_lock(path: str, text: str) -> list[str]:
    """Two callers that lock the same rows in different orders wait for each other for ever.

    Work taken with SKIP LOCKED waits for nobody; everything else goes through `stores.locks`.
    """
    if path == "platform/stores/locks.py" or path.startswith("tests/"):
        return []
    tree = parsed(text)
    claims = {
        node.func
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(x.arg == "skip_locked" for x in node.keywords)
    }
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "select_for_update"
        and node not in claims
    ]
    lines += [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and LOCKING_SQL.search(node.value)
    ]
    return [
        f"{path}:{line} locks rows: use stores.locks.locked(rows), or claim with SKIP LOCKED"
        for line in sorted(lines)
    ]


def names(path: str, text: str) -> list[str]:
    offences = []
    for part in PurePosixPath(path).with_suffix("").parts:
        if re.fullmatch(r"utils?|helpers?|common|misc|services?|managers?", part):
            offences.append(f"{path}: {part} says nothing; name the subject")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.ClassDef) and re.search(
            r"(Service|Helper|Utils?|Input\w*Serializer|OutputSerializer)$", node.name
        ):
            offences.append(f"{path}:{node.lineno} class {node.name}: name it by its noun")
        if isinstance(node, ast.ClassDef) and node.name.endswith("Manager"):
            bases = [ast.unparse(base) for base in node.bases]
            if not any("Manager" in base for base in bases):  # Django's own word for its own thing
                offences.append(f"{path}:{node.lineno} class {node.name}: name it by its noun")
    return offences


def import_paths(path: str, text: str) -> list[str]:
    return [
        f"{path}:{node.lineno} changes sys.path: pyproject.toml names both source roots"
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Attribute) and dotted(node) == "sys.path"
    ]


# Rooms that read what strangers upload.
UPLOADED = "transactions/files/"


def named_expressions(path: str, text: str) -> list[str]:
    """In these rooms every expression stands at the top of its module, where a test meets it."""
    if not path.startswith(UPLOADED):
        return []
    tree = parsed(text)
    at_the_top = {
        call
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and dotted(call.func) == "re.compile"
    }
    return [
        f"{path}:{call.lineno} calls {dotted(call.func)}: compile the expression at the top of the "
        "module, with an end to each repetition"
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and dotted(call.func).startswith("re.")
        and call not in at_the_top
    ]


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


# Where kinds of transactions are listed by name: the table itself, and what the words of other
# programs mean in ours.
KINDS_LISTED = ("transactions/ledger/kinds.py", "transactions/files/formats/", "tests/")
KINDS_NAMED_MAX = 2


def lists_of_kinds(path: str, text: str) -> list[str]:
    """A second list of kinds is forgotten when a kind is added: derive it from the table."""
    if path.startswith(KINDS_LISTED):
        return []
    offences = []
    for node in ast.walk(parsed(text)):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = [*node.elts]
        elif isinstance(node, ast.Dict):
            parts = [*node.keys]
        elif isinstance(node, ast.Call):
            parts = [*node.args]
        words = [x.value for x in parts if isinstance(x, ast.Constant)]
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and "\n" not in node.value
        ):
            words = [*node.value.split()]
        named = sorted(KINDS.keys() & {word for word in words if isinstance(word, str)})
        if len(named) > KINDS_NAMED_MAX:
            offences.append(
                f"{path}:{getattr(node, 'lineno', 0)} lists {', '.join(named)}: derive the kinds "
                "from a column of transactions/ledger/kinds.py"
            )
    return offences


PYTHON_RULES: list[Rule] = [
    *(purity, clocks, lengths, wake_up_calls, default_order, one_way_to_lock, names, import_paths),
    named_expressions,
    lists_of_kinds,
]


@cache
def tracked() -> tuple[str, ...]:
    """The files of the repository: tracked, or new and not ignored."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = sorted({name for name in found.stdout.split("\0") if name and (ROOT / name).is_file()})
    assert "tests/test_tidy.py" in listed
    return tuple(listed)


def sources() -> list[str]:
    return [x for x in tracked() if x.endswith(".py") and "/migrations/" not in x]


@cache
def offences_by_rule() -> dict[Rule, list[str]]:
    found: dict[Rule, list[str]] = {rule: [] for rule in PYTHON_RULES}
    for path in sources():
        text = (ROOT / path).read_text()
        for rule, offences in found.items():
            offences += rule(path, text)
    return found


@pytest.mark.parametrize("rule", PYTHON_RULES, ids=lambda rule: rule.__name__)
def test_every_source_file_keeps_the_rule(rule: Rule) -> None:
    assert not offences_by_rule()[rule], "\n".join(offences_by_rule()[rule])


def test_no_tracked_file_names_an_index_or_a_machine() -> None:
    offences = []
    for path in tracked():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content and path != "tests/test_tidy.py":
            offences += places(path, content.decode())
    assert not offences, "\n".join(offences)


def unknown_at_the_top(paths: list[str]) -> list[str]:
    return sorted({path.split("/")[0] for path in paths} - TOP)


def test_the_top_level_has_the_allowed_names_only() -> None:
    assert unknown_at_the_top(list(tracked())) == []


def shadows_of_platform(paths: list[str]) -> list[str]:
    """Files that would make platform/ importable: Python then finds ours instead of its own module.

    `import platform` is a line in half of all packages (pip, uuid, Django's debug page). With
    platform/__init__.py they would get our folder and fail far from here, so platform/ is a source
    root: its rooms are imported by their own names and it holds no Python file itself.
    """
    return [x for x in paths if re.fullmatch(r"platform(/[^/]*)?\.py[a-z]?", x)]


def test_platform_is_a_folder_and_never_a_package() -> None:
    assert shadows_of_platform(list(tracked())) == []
    shown = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.python_implementation())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == sys.implementation.name.replace("cpython", "CPython")


def test_no_package_files_below_tests() -> None:
    assert [x for x in tracked() if x.startswith("tests/") and x.endswith("__init__.py")] == []


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


LONG = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
BAD: list[tuple[Rule, str, str]] = [
    (lists_of_kinds, "portfolios/queries/gains.py", "KINDS = {'buy', 'sell', 'reinvestment'}\n"),
    (lists_of_kinds, "platform/dashboard/forms/entries.py", "TRADES = 'buy sell split'\n"),
    (lists_of_kinds, "portfolios/performance/effects.py", "x = {'buy': 1, 'sell': 2, 'tax': 3}\n"),
    (purity, "transactions/ledger/lots.py", "from django.db import models\n"),
    (purity, "portfolios/values/tables.py", "import rest_framework.fields\n"),
    (purity, "transactions/ledger/lots.py", "from marketdata.models import Asset\n"),
    (purity, "transactions/ledger/lots.py", "from transactions import queries\n"),
    (purity, "marketdata/fx.py", "import urllib.request\n"),
    (purity, "marketdata/fx.py", "rows = open('rates.csv')\n"),
    (purity, "notifications/senders.py", "from django.core import mail\n"),
    (purity, "platform/jobs/leases.py", "from django.db import connection\n"),
    (purity, "platform/identity/tokens.py", "from django.conf import settings\n"),
    (clocks, "transactions/ledger/lots.py", "from datetime import date\nday = date.today()\n"),
    (clocks, "portfolios/operations.py", "now = timezone.now()\n"),
    (clocks, "platform/jobs/queries.py", "now = datetime.datetime.now(UTC)\n"),
    (clocks, "platform/core/dates.py", "import time\nt = time.time()\n"),
    (lengths, "portfolios/holdings/valuation.py", LONG),
    (lengths, "portfolios/holdings/valuation.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    (wake_up_calls, "jobs/operations.py", "run.delay(1)\n"),
    (wake_up_calls, "jobs/operations.py", "run.apply_async(args=[1])\n"),
    (
        default_order,
        "portfolios/models.py",
        "class A:\n    class Meta:\n        ordering = ['id']\n",
    ),
    (one_way_to_lock, "jobs/queries.py", "J.order_by('pk').select_for_update().get(pk=1)\n"),
    (one_way_to_lock, "jobs/queries.py", "J.select_for_update(no_key=True).order_by('pk')\n"),
    (one_way_to_lock, "jobs/queries.py", "sql = 'SELECT 1 FROM a FOR UPDATE'\n"),
    (
        one_way_to_lock,
        "jobs/queries.py",
        "sql = f'SELECT {x} FROM a for no key update'\n",
    ),
    (one_way_to_lock, "jobs/queries.py", "sql = 'LOCK TABLE a IN SHARE MODE'\n"),
    (names, "portfolios/utils.py", ""),
    (names, "transactions/helpers/dates.py", ""),
    (names, "transactions/ledger/lots.py", "class LotService:\n    pass\n"),
    (names, "transactions/ledger/lots.py", "class LotManager:\n    pass\n"),
    (names, "transactions/api.py", "class OutputSerializer(Serializer):\n    pass\n"),
    (import_paths, "manage.py", "import sys\nsys.path.insert(0, 'platform')\n"),
    (named_expressions, "transactions/files/formats/ofx.py", "x = re.sub('a*', '', text)\n"),
    (named_expressions, "transactions/files/a.py", "def f(t):\n    re.compile('a').match(t)\n"),
    (places, "requirements.lock", "--extra-index" + "-url https://index.example/x/\n"),
    (places, "requirements.lock", "--find" + "-links /opt/wheels\n"),
    (places, "README.md", "cd /ro" + "ot/ballast\n"),
    (places, "a.txt", "see /home/" + "jane/ballast\n"),
]
GOOD: list[tuple[Rule, str, str]] = [
    (named_expressions, "transactions/files/formats/ofx.py", "A = {1: re.compile('a')}\n"),
    (named_expressions, "tests/test_tidy.py", "re.fullmatch('a*', text)\n"),
    (purity, "transactions/operations/ledger.py", "from django.db import transaction\n"),
    (purity, "transactions/ledger/lots.py", "from transactions.ledger.entries import Entry\n"),
    (purity, "notifications/senders.py", "import redis\n"),
    (purity, "platform/jobs/operations/working.py", "import redis\n"),
    (purity, "platform/jobs/metrics.py", "from django.db import connection\n"),
    (clocks, "transactions/api.py", "now = timezone.now()\n"),
    (clocks, "transactions/models.py", "when = Field(default=timezone.now)\n"),
    (clocks, "platform/stores/single_flight.py", "import time\nt = time.monotonic()\n"),
    (lengths, "portfolios/holdings/valuation.py", LONG.replace("    x = 1\n", "", 1)),
    (wake_up_calls, "jobs/operations.py", "run.delay_on_commit(1)\n"),
    (default_order, "portfolios/admin.py", "class A:\n    ordering = ['id']\n"),
    (one_way_to_lock, "jobs/queries.py", "J.select_for_update(skip_locked=True).order_by('id')\n"),
    (one_way_to_lock, "jobs/queries.py", "sql = 'SELECT 1 FROM a FOR UPDATE SKIP LOCKED'\n"),
    (one_way_to_lock, "jobs/queries.py", "x = list(locked(J.objects.all()))\n"),
    (names, "identity/models.py", "class UserManager(BaseUserManager[User]):\n    pass\n"),
    (import_paths, "manage.py", "import sys\nargs = sys.argv\n"),
    (places, "requirements.lock", "django==5.2 \\\n    --hash=sha256:00\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_rule_finds_its_offence(rule: Rule, path: str, text: str) -> None:
    assert rule(path, text), f"{rule.__name__} lets this pass:\n{text[:200]}"


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_leaves_good_code_alone(rule: Rule, path: str, text: str) -> None:
    assert rule(path, text) == []


def test_the_other_rules_find_their_offences() -> None:
    assert unknown_at_the_top(["docs/a.md", "platform/core/money.py"]) == ["docs"]
    assert shadows_of_platform(["platform/__init__.py", "platform/core/a.py"])
    assert shadows_of_platform(["platform.py"])
    assert points_downstream("marketdata", "transactions")
    assert not points_downstream("transactions", "marketdata")
