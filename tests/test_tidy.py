"""The rules of the house that no linter knows. Each rule is shown to fail on a bad sample below.

A rule takes a file's path (from the top of the repository) and its text, and returns offences:
what is wrong, and what to write instead.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pytest

from transactions.ledger.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent
APPS = ("marketdata", "transactions", "portfolios", "recommendations", "notifications")
ROOMS = (
    *("core", "stores", "edge", "identity", "jobs"),
    *(*APPS, "dashboard", "stream", "demo", "monitoring", "bench", "config"),
)
# Rooms whose files are pure unless their names say otherwise.
PURE_ROOMS = (*APPS, "identity", "jobs")
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
    *("platform/stores/", "platform/bench/", "platform/demo/", ".ci/"),
    "platform/core/identifiers.py",  # a UUIDv7 is a point in time
)

LOCKING_SQL = re.compile(
    r"\bFOR\s+(NO\s+KEY\s+)?UPDATE\b(?!.*SKIP\s+LOCKED)|\bLOCK\s+TABLE\b", re.IGNORECASE
)
CLAIM_IN_A_LIST = re.compile(r"\bLIMIT\b[^)]*\bFOR\s+(NO\s+KEY\s+)?UPDATE\b", re.IGNORECASE)

Rule = Callable[[str, str], list[str]]


@lru_cache(maxsize=1)
def parsed(text: str) -> ast.Module:
    """Return the tree of a file."""
    return ast.parse(text)


@lru_cache(maxsize=1)
def nodes(text: str) -> list[ast.AST]:
    """Return every node of a file, which one rule after the other looks at."""
    return list(ast.walk(parsed(text)))


def room_and_names(path: str) -> tuple[str, set[str]]:
    """The top folder (or the one below platform/) and the names a file goes by inside it."""
    parts = PurePosixPath(path).with_suffix("").parts
    parts = parts[1:] if parts[0] == "platform" else parts
    return parts[0], set(parts[1:])


def imported(text: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a file imports."""
    for node in nodes(text):
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


def clock_calls(text: str) -> Iterator[tuple[int, str]]:
    for node in nodes(text):
        if isinstance(node, ast.Call):
            name = ".".join(dotted(node.func).split(".")[-2:])
            if name in CLOCKS:
                yield node.lineno, name


def purity(path: str, text: str) -> list[str]:
    room, names = room_and_names(path)
    if room not in PURE_ROOMS or names & DJANGO or not names - {"__init__"}:
        return []
    offences = []
    banned = FRAMEWORKS - {"channels"} if names & SOCKETS else FRAMEWORKS | OUTSIDE
    for line, name in imported(text):
        parts = name.split(".")
        impure = parts[0] in ROOMS and len(parts) > 1 and parts[1] in DJANGO
        if parts[0] in banned or impure:
            offences.append(
                f"{path}:{line} imports {name}: a file of this name is pure; give it values, or "
                "move the line to models, queries, operations or an edge"
            )
    for node in nodes(text):
        if isinstance(node, ast.Call) and dotted(node.func) == "open" and not names & SOCKETS:
            offences.append(f"{path}:{node.lineno} opens a file: a file of this name is pure")
    return offences


def clocks(path: str, text: str) -> list[str]:
    _, names = room_and_names(path)
    if names & EDGES or path.startswith((*CLOCK_ROOMS, "tests/")):
        return []
    return [
        f"{path}:{line} calls {name}(): take `now` or `as_of` as an argument; only edges ask"
        for line, name in clock_calls(text)
    ]


def lengths(path: str, text: str) -> list[str]:
    lines = text.count("\n")
    offences = []
    if lines > FILE_LINES_MAX:
        offences.append(f"{path} has {lines} lines: split it by subject at {FILE_LINES_MAX}")
    for node in nodes(text):
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
        for node in nodes(text)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"delay", "apply_async"}
    ]


def default_order(path: str, text: str) -> list[str]:
    return [
        f"{path}:{line.lineno} sets Meta.ordering: order the query that needs it"
        for node in nodes(text)
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
    claims = {
        node.func
        for node in nodes(text)
        if isinstance(node, ast.Call) and any(x.arg == "skip_locked" for x in node.keywords)
    }
    lines = [
        node.lineno
        for node in nodes(text)
        if isinstance(node, ast.Attribute)
        and node.attr == "select_for_update"
        and node not in claims
    ]
    texts = [
        node
        for node in nodes(text)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    lines += [node.lineno for node in texts if LOCKING_SQL.search(str(node.value))]
    # A claim inside IN (...) may run once for each row it updates, so its LIMIT would not hold.
    lines += [
        node.lineno
        for node in texts
        if CLAIM_IN_A_LIST.search(str(node.value)) and "AS MATERIALIZED" not in str(node.value)
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
    for node in nodes(text):
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
        for node in nodes(text)
        if isinstance(node, ast.Attribute) and dotted(node) == "sys.path"
    ]


# Rooms that read what strangers upload.
UPLOADED = "transactions/files/"


def named_expressions(path: str, text: str) -> list[str]:
    """In these rooms every expression stands at the top of its module, where a test meets it."""
    if not path.startswith(UPLOADED):
        return []
    at_the_top = {
        call
        for node in parsed(text).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and dotted(call.func) == "re.compile"
    }
    return [
        f"{path}:{call.lineno} calls {dotted(call.func)}: compile the expression at the top of the "
        "module, with an end to each repetition"
        for call in nodes(text)
        if isinstance(call, ast.Call)
        and dotted(call.func).startswith("re.")
        and call not in at_the_top
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
    for node in nodes(text):
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


@pytest.fixture(scope="module")
def offences_by_rule(tracked_files: tuple[str, ...]) -> dict[Rule, list[str]]:
    found: dict[Rule, list[str]] = {rule: [] for rule in PYTHON_RULES}
    for path in tracked_files:
        if not path.endswith(".py") or "/migrations/" in path:
            continue
        text = (ROOT / path).read_text()
        for rule, offences in found.items():
            offences += rule(path, text)
    return found


@pytest.mark.parametrize("rule", PYTHON_RULES, ids=lambda rule: rule.__name__)
def test_every_source_file_keeps_the_rule(
    rule: Rule, offences_by_rule: dict[Rule, list[str]]
) -> None:
    assert not offences_by_rule[rule], "\n".join(offences_by_rule[rule])


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
    (purity, "platform/identity/token_signing.py", "from django.conf import settings\n"),
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
    (
        one_way_to_lock,
        "jobs/queries.py",
        "x = 'UPDATE a SET b = 1 WHERE id IN (SELECT id FROM a LIMIT 5 FOR UPDATE SKIP LOCKED)'\n",
    ),
    (names, "portfolios/utils.py", ""),
    (names, "transactions/helpers/dates.py", ""),
    (names, "transactions/ledger/lots.py", "class LotService:\n    pass\n"),
    (names, "transactions/ledger/lots.py", "class LotManager:\n    pass\n"),
    (names, "transactions/api.py", "class OutputSerializer(Serializer):\n    pass\n"),
    (import_paths, "manage.py", "import sys\nsys.path.insert(0, 'platform')\n"),
    (named_expressions, "transactions/files/formats/ofx.py", "x = re.sub('a*', '', text)\n"),
    (named_expressions, "transactions/files/a.py", "def f(t):\n    re.compile('a').match(t)\n"),
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
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_rule_finds_its_offence(rule: Rule, path: str, text: str) -> None:
    assert rule(path, text), f"{rule.__name__} lets this pass:\n{text[:200]}"


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_leaves_good_code_alone(rule: Rule, path: str, text: str) -> None:
    assert rule(path, text) == []
