"""Users for every test, and the distribution of the suite over several processes (`-n`)."""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient

from tests.effort import PROOFS, examples

# A busy machine is no fault of the code: speed belongs in `make bench`.
settings.register_profile(
    "any-speed",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any-speed")

PASSWORD = "a-long-enough-password"
TEMPLATE = "ballast_template"

# The tests of a file stay together in one process, because the set-up of a file is expensive. But
# these files set up nothing and take long, so their tests are distributed one by one,
APART = ("config/test_admin", "config/test_fuzz", "config/test_routes", "dashboard/test_pages")
# and these files stay together: they share one whole copy of Ballast, or measure how long a
# test takes and would disturb each other.
TOGETHER = {
    "end_to_end": "whole copies",
    "edge/test_exhaustion": "measured",
    "edge/test_health": "measured",
    "stream/test_bench": "measured",
    "stream/test_faults": "measured",
}
# The longest begin first, so that no process has to finish them alone at the end: those that mostly
# wait for other programs, beside which the others compute, then those that compute longest.
LONGEST_FIRST = (
    *("end_to_end", "embedded", "edge/test_exhaustion", "dashboard/test_browser", "stream"),
    *("edge/test_front", "config/test_plans", "demo", "dashboard/test_accessibility"),
    *("dashboard/test_import_browser", "recommendations/test_columns"),
    *("transactions/test_published_examples", "recommendations/test_rebalancing_properties"),
    *("recommendations/test_solver_against_highs", "test_tidy"),
    *("transactions/test_wash_windows", "transactions/test_replaying"),
)


# Whether every test is asked for; heavy proofs that are asked for by name run in any case.
WHOLE_SUITE = pytest.StashKey[bool]()


def share(nodeid: str) -> str:
    """Return the name of the group of tests that one process receives together."""
    file = nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
    if file in APART:
        return nodeid
    return next((name for path, name in TOGETHER.items() if file.startswith(path)), file)


def pytest_collection(session: pytest.Session) -> None:
    """Let each process begin to import the tests elsewhere.

    In a fresh clone pytest compiles every file of tests. Processes that begin at the same file all
    compile all of them; otherwise each finds what the others have compiled.
    """
    process, folder = os.environ.get("PYTEST_XDIST_WORKER", ""), Path(__file__).parent
    asked = [session.config.invocation_params.dir / argument for argument in session.config.args]
    session.config.stash[WHOLE_SUITE] = asked == [folder]
    if process and asked == [folder]:
        found = sorted(
            {str(folder / path.relative_to(folder).parts[0]) for path in folder.rglob("test_*.py")}
        )
        processes = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        first = len(found) * int(process.removeprefix("gw")) // processes
        session.config.args = found[first:] + found[:first]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests in order, which must be the same in every process; leave out heavy proofs."""
    if not PROOFS and config.stash.get(WHOLE_SUITE, False):
        for item in items:
            if item.get_closest_marker("proof"):
                item.add_marker(pytest.mark.skip(reason="a heavy proof: PROOFS=1 make test"))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (turn(item.nodeid), item.path))


def turn(nodeid: str) -> int:
    """Return when a test begins: the longest first, those that are distributed singly last."""
    path = nodeid.removeprefix("tests/")
    if path.startswith(APART):
        return len(LONGEST_FIRST) + 1
    begins = (n for n, begin in enumerate(LONGEST_FIRST) if path.startswith(begin))
    return next(begins, len(LONGEST_FIRST))


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute groups instead of single tests."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    folder = Path(__file__).parent
    for path in (*APART, *TOGETHER, *LONGEST_FIRST):
        if not (folder / path).is_dir() and not (folder / f"{path}.py").is_file():
            raise pytest.UsageError(f"tests/conftest.py names tests/{path}, which is gone")

    config.option.loadscopereorder = False  # pytest-xdist would begin with the largest group
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = share
    return scheduler


@pytest.fixture(scope="session")
def tracked_files() -> tuple[str, ...]:
    """The files of the repository: tracked, or new and not ignored."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = sorted(
        {
            name
            for name in found.stdout.split("\0")
            if name and (Path(__file__).parent.parent / name).is_file()
        }
    )
    assert "tests/conftest.py" in listed
    return tuple(listed)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any
) -> None:
    """With several processes, the first makes a database with all migrations and each copies it."""
    shared = os.environ.get("BALLAST_TEST_SHARED")
    if "PYTEST_XDIST_WORKER" not in os.environ or shared is None:
        return
    from django.db import connection

    made = Path(shared) / TEMPLATE
    settings = connection.settings_dict
    with (Path(shared) / "template.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            before, own = settings["NAME"], settings["TEST"]["NAME"]
            settings["TEST"]["NAME"] = TEMPLATE
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            connection.close()
            settings["NAME"], settings["TEST"]["NAME"] = before, own
            made.touch()
    settings["TEST"]["TEMPLATE"] = TEMPLATE


@dataclass(frozen=True)
class People:
    """Two households that must never see each other, and an adviser who may see one of them."""

    owner: Any
    spouse: Any
    adviser: Any
    operator: Any
    stranger: Any


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords with Argon2 as ever, but in one pass over little memory."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"time_cost": 1, "memory_cost": 64, "parallelism": 1}.items():
            patch.setattr(Argon2PasswordHasher, name, value)
        yield


# Rows that the migrations make, not the tests.
KEPT = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _cheap_flush() -> Iterator[None]:
    """Delete the rows of tests that commit: TRUNCATE would make new files for every table."""
    from django.test import TransactionTestCase

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: delete_all_rows())
        yield


def delete_all_rows() -> None:
    """Empty every table, past triggers and foreign keys; sequences go on, as after a flush."""
    from django.db import connection, transaction

    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    quoted = map(connection.ops.quote_name, sorted(set(names) - KEPT))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(";".join(f"DELETE FROM {name}" for name in quoted))


@pytest.fixture(scope="module")
def for_the_file(
    django_db_setup: None, django_db_blocker: Any
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Rows made in `with for_the_file():` last for every test of the file.

    One transaction surrounds those of the tests: each test's own changes are still undone.
    """
    from django.db import transaction

    surrounding = transaction.atomic()
    surrounding._from_testcase = True  # type: ignore[attr-defined]  # durable blocks may begin here
    with django_db_blocker.unblock():
        surrounding.__enter__()
    yield django_db_blocker.unblock
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        surrounding.__exit__(None, None, None)


@pytest.fixture
def people(db: None) -> People:
    return make_people()


def make_people() -> People:
    from identity.models import AdviserLink, Household, Role, User

    home = Household.objects.create(name="Home")
    elsewhere = Household.objects.create(name="Elsewhere")
    office = Household.objects.create(name="Office")

    def user(name: str, household: Household, **fields: Any) -> User:
        return User.objects.create_user(
            email=f"{name}@ballast.example", password=None, household=household, **fields
        )

    adviser = user("adviser", office, role=Role.ADVISER)
    AdviserLink.objects.create(adviser=adviser, household=home)
    return People(
        owner=user("owner", home),
        spouse=user("spouse", home),
        adviser=adviser,
        operator=user("operator", office, role=Role.OPERATOR, is_staff=True, is_superuser=True),
        stranger=user("stranger", elsewhere),
    )


@pytest.fixture
def client_of() -> Callable[[Any], APIClient]:
    """Return an API client with a real access token of the user."""

    def client(user: Any) -> APIClient:
        from identity.authentication import token_key
        from identity.operations import refresh_tokens

        token = refresh_tokens.start(user=user, key=token_key(), now=timezone.now()).access
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return api

    return client


@pytest.fixture
def assets(db: None) -> dict[str, Any]:
    """Three public assets with prices, one of them in euro, and a rate for every day of use."""
    return make_assets()


def make_assets() -> dict[str, Any]:
    from marketdata.models import Asset, ExchangeRate, LatestPrice

    made = {}
    for symbol, currency, price in [
        ("AAA", "USD", "50"),
        ("BBB", "USD", "20"),
        ("EEE", "EUR", "10"),
    ]:
        asset = Asset.objects.create(
            symbol=symbol, name=f"{symbol} Inc", asset_class="equity", currency=currency
        )
        LatestPrice.objects.create(
            asset=asset,
            price=Decimal(price),
            as_of=timezone.now(),
            source="test",
            previous_close=Decimal(price),
        )
        made[symbol] = asset
    for day in (datetime(2020, 1, 2, tzinfo=UTC), timezone.now()):
        ExchangeRate.objects.create(
            currency="USD", date=day.date(), rate=Decimal("1.25"), source="test"
        )
    return made


@pytest.fixture
def account(people: People) -> Any:
    """A taxable account of the owner in dollars."""
    from transactions.operations import open_account

    return open_account(
        user=people.owner,
        name="Main",
        type="taxable",
        currency="USD",
        lot_method="fifo",
        now=timezone.now(),
    )
