"""Two households with the same contents, any number of each, and the routes of the schema."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from recommendations.engine.arrays.warming import warm
from tests.config.fitted_models import allocations
from tests.config.listed import listed_strategies
from tests.config.log_in_rows import api_keys, events, log_ins, passkeys
from tests.config.notes import notes
from tests.config.notified import hooks_and_alerts, notices, own_data_archive
from tests.config.published import hidden_strategy
from tests.conftest import People, make_assets, make_people

LEAVING = ("/logout", "/logout-everywhere", "/password", "/sessions/{log_in_id}")


@pytest.fixture(scope="session")
def compiled_engine() -> None:
    """Compile outside of any transaction: some routes answer only then."""
    warm()


@dataclass(frozen=True)
class Route:
    """One operation of the schema."""

    method: str
    path: str
    name: str
    parameters: tuple[str, ...]
    queries: tuple[str, ...]
    paged: bool

    def __str__(self) -> str:
        return self.name


@cache
def _routes() -> tuple[Route, ...]:
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    found = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            parameters = tuple(item["name"] for item in operation.get("parameters", ()))
            queries = tuple(
                item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"
            )
            name, paged = operation["operationId"], "page_size" in parameters
            found.append(Route(method.upper(), path, name, parameters, queries, paged))
    return tuple(found)


# Needs vendors; tests/marketdata/vendors has them and tries it.
OF_VENDORS = frozenset({"market_vendor_assets_list"})

GROUPS: dict[str, Callable[[Route], bool]] = {
    "list_route": lambda route: route.paged,
    "get_route": lambda route: route.method == "GET" and route.name not in OF_VENDORS,
    "id_route": lambda route: "_id}" in route.path or "{symbol}" in route.path,
    "closed_route": lambda route: not route.path.startswith("/api/v1/auth/"),
    "keyed_route": lambda route: "Idempotency-Key" in route.parameters,
    # Leaving would end the very session that the cases use.
    "fuzzed_route": lambda route: not route.path.endswith(LEAVING),
}


def _routes_of(group: str) -> list[Route]:
    found = [route for route in _routes() if GROUPS[group](route)]
    assert found, f"no route of the schema is a {group}"
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`get_route` makes one test for each route; `get_routes` makes one test for all of them.

    Furnishing a household costs more than most requests, so tests that change nothing share one.
    """
    for group in GROUPS:
        if group in metafunc.fixturenames:
            metafunc.parametrize(group, _routes_of(group), ids=str)
        if f"{group}s" in metafunc.fixturenames:
            metafunc.parametrize(f"{group}s", [_routes_of(group)], ids=["all"])


@pytest.fixture
def digests() -> Callable[[], dict[str, Any]]:
    """Return count and digest of every row of every table that a refusal must not change."""

    def digests() -> dict[str, Any]:
        counted = {}
        for model in apps.get_models():
            table = model._meta.db_table
            if table.split("_")[0] in {"django", "auth", "pghistory"} or table.endswith("event"):
                continue
            if table == "identity_session":  # a message to show next is kept there
                continue
            with connection.cursor() as cursor:
                digest = "md5(string_agg(t::text, '|' ORDER BY t::text))"
                cursor.execute(f"SELECT count(*), {digest} FROM {table} t")
                counted[table] = cursor.fetchone()
        return counted

    return digests


@dataclass
class Home:
    """A household's objects, by the names of the path parameters."""

    user: Any
    ids: dict[str, str]

    def url(self, route: Route) -> str:
        return route.path.format(**self.ids)


@pytest.fixture
def furnish(assets: Any) -> Callable[[Any, int], Home]:
    """Fill a user's household with `count` of everything that some route lists."""
    return furnished


@pytest.fixture(scope="module")
def _home_of_the_file(for_the_file: Any) -> tuple[People, Home]:
    with for_the_file():
        people = make_people()
        make_assets()
        return people, furnished(people.owner, 3)


@pytest.fixture
def shared_home(db: None, _home_of_the_file: tuple[People, Home]) -> tuple[People, Home]:
    """The people and the owner's household, furnished once for the file.

    Each test gets objects of its own and its changes are undone, so it may change anything.
    """
    return deepcopy(_home_of_the_file)


def furnished(user: Any, count: int) -> Home:
    symbols = [f"OWN{user.pk}X{number}" for number in range(count)]
    own = _own_assets(user, symbols)
    account = _account(user, symbols)
    _dividends(own)
    notice = notices(user, count)
    note = notes(user, account, count)
    listed_strategies(user, count)
    recommendation, job = _recommendations(user, account, count)
    fitted = allocations(user, count)
    adviser, invitation = _guests(user, count)
    batch = _imports(user, account, count)
    action = _corporate_actions(user, own[0], count)
    compared = _reconciliations(user, account, count)
    order = _orders(user, account, own[0], count)
    log_in = log_ins(user, count)
    events(user, count)
    hook, alert, browser = hooks_and_alerts(user, count)
    own_data_archive(user)
    purchase = account.transactions.filter(type="buy").order_by("id").first()
    return Home(
        user,
        {
            "account_id": str(account.public_id),
            "transaction_id": str(purchase.public_id),
            "lot_id": str(purchase.public_id),
            "job_id": str(job.public_id),
            "recommendation_id": str(recommendation.public_id),
            "notice_id": str(notice.public_id),
            "note_id": str(note.public_id),
            "log_in_id": str(log_in.pk),
            "passkey_id": str(passkeys(user, count).public_id),
            "key_id": str(api_keys(user, count).public_id),
            "invitation_id": str(invitation.public_id),
            "adviser_id": str(adviser.public_id),
            "import_id": str(batch.public_id),
            "action_id": str(action.public_id),
            "reconciliation_id": str(compared.public_id),
            "webhook_id": str(hook.public_id),
            "alert_id": str(alert.public_id),
            "order_id": str(order.public_id),
            "model_id": str(fitted.public_id),
            "subscription_id": str(browser.public_id),
            "strategy_id": str(hidden_strategy(user, count).public_id),
            "file_format": "ballast",
            "tax_file_format": "txf",
            "symbol": own[0].symbol,
            "day": timezone.now().date().isoformat(),
        },
    )


def _orders(user: Any, account: Any, asset: Any, count: int) -> Any:
    from transactions.models import Order

    return Order.objects.bulk_create(
        [
            Order(
                account=account,
                asset=asset,
                side="buy",
                type="market",
                quantity=5,
                created_at=timezone.now(),
                created_by=user,
            )
            for _ in range(count)
        ]
    )[0]


def _reconciliations(user: Any, account: Any, count: int) -> Any:
    from transactions.models import Reconciliation

    now = timezone.now()
    return Reconciliation.objects.bulk_create(
        [
            Reconciliation(
                account=account,
                created_at=now,
                created_by=user,
                kind="holdings",
                format="ofx",
                file_name=f"{number}.ofx",
                file_sha256="0" * 64,
                from_date=now.date(),
                to_date=now.date(),
                ledger_version=account.ledger_version,
                result={"positions": [], "cash": None, "unreadable": []},
            )
            for number in range(count)
        ]
    )[0]


def _own_assets(user: Any, symbols: list[str]) -> list[Any]:
    from marketdata.models import Asset, IdentityDecision, OwnPrice

    made = Asset.objects.bulk_create(
        [
            Asset(
                symbol=symbol,
                name=f"House of {user.email}",
                asset_class="fund",
                currency="USD",
                household_id=user.household_id,
            )
            for symbol in symbols
        ]
    )
    now = timezone.now()
    IdentityDecision.objects.bulk_create(
        [
            IdentityDecision(
                asset=made[0],
                reason=f"reason {number}",
                decided_by=user,
                decided_at=now,
                applied_at=now,
            )
            for number in range(len(symbols))
        ]
    )
    OwnPrice.objects.bulk_create(
        OwnPrice(
            household_id=user.household_id,
            asset=asset,
            date=now.date() - timedelta(days=number),
            price=Decimal(7),
            stated=Decimal(7),
            stated_currency="USD",
            origin="manual",
            recorded_at=now,
            recorded_by=user,
        )
        for asset in made
        for number in range(len(symbols) if asset is made[0] else 1)
    )
    return made


def _dividends(own: list[Any]) -> None:
    """Announce a dividend of each asset, which no account has recorded."""
    from marketdata.models import AnnouncedDividend

    AnnouncedDividend.objects.bulk_create(
        [
            AnnouncedDividend(
                asset=asset,
                ex_date=date(2024, 6, 10),
                provider="test",
                amount=1,
                currency="USD",
                payment_date=date(2024, 6, 20),
            )
            for asset in own
        ]
    )


def _account(user: Any, symbols: list[str]) -> Any:
    from portfolios.operations import Rule, TargetWeight, set_restrictions, set_targets
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    now = timezone.now()
    account = open_account(
        user=user, name=f"Secret of {user.email}", type="taxable", currency="USD", now=now
    )
    type(account).objects.bulk_create(
        [
            type(account)(
                household_id=user.household_id,
                owner=user,
                name=f"Secret {number}",
                type="ira",
                currency="USD",
                created_at=now,
            )
            for number in range(len(symbols) - 1)
        ]
    )
    day = datetime(2024, 1, 2, tzinfo=UTC)
    # Young lots, which the household's calendar lists.
    young = now - timedelta(days=300)
    record(
        account=account,
        entries=[
            Entry(side, at, "USD", symbol, Decimal(quantity), Decimal(price))
            for side, at, quantity, price in (
                ("buy", day, 3, 5),
                ("sell", day, 1, 6),
                ("buy", young, 1, 5),
            )
            for symbol in symbols
        ],
        user=user,
        now=now,
    )
    wanted = symbols[:999]
    share = (Decimal(100) / (len(wanted) + 1)).quantize(Decimal("0.0001"))
    weights = [TargetWeight(symbol, share, Decimal(1)) for symbol in wanted]
    rest = Decimal(100) - share * len(wanted)
    set_targets(account=account, weights=[*weights, TargetWeight("CASH", rest, Decimal(1))])
    set_restrictions(
        account=account,
        rules=[Rule(symbol, "no_buy", date(2099, 1, 1)) for symbol in symbols],
    )
    return account


def _imports(user: Any, account: Any, count: int) -> Any:
    """Create `count` files, and `count` rows in the first of them."""
    from transactions.models import Import, ImportRow

    now = timezone.now()
    made = Import.objects.bulk_create(
        [
            Import(
                account=account,
                created_by=user,
                created_at=now,
                status="preview",
                format="ballast",
                file_name=f"Secret {number}.csv",
                row_count=count,
            )
            for number in range(count)
        ]
    )
    ImportRow.objects.bulk_create(
        [
            ImportRow(
                batch=made[0],
                number=number,
                line=number + 1,
                status="error",
                problems=[{"code": "date_missing", "detail": "Secret", "column": "date"}],
            )
            for number in range(1, count + 1)
        ]
    )
    return made[0]


def _corporate_actions(user: Any, asset: Any, count: int) -> Any:
    """Create `count` splits of an own asset, all of one day."""
    from marketdata.models import CorporateAction

    made = [
        CorporateAction(
            asset=asset,
            household_id=user.household_id,
            kind="split",
            ex_date=date(2024, 6, 10),
            ratio_new=2 + number,
            ratio_old=1,
            currency="USD",
            source="person",
            reference=f"Secret {number}",
            proposed_by=user,
            proposed_at=timezone.now(),
        )
        for number in range(count)
    ]
    return CorporateAction.objects.bulk_create(made)[0]


def _recommendations(user: Any, account: Any, count: int) -> tuple[Any, Any]:
    from jobs.models import Job
    from recommendations.engine.options import Options
    from recommendations.engine.problem import inputs_json
    from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
    from recommendations.models import Recommendation
    from recommendations.queries import rebalance_inputs

    now = timezone.now()
    inputs = rebalance_inputs(account=account, options=Options(), now=now)
    text, result = inputs_json(inputs=inputs), result_json(result=rebalance(inputs=inputs))
    jobs = Job.objects.bulk_create(
        [
            Job(
                kind="recommendations.rebalance",
                queue="interactive",
                household_id=user.household_id,
                requested_by=user,
                subject_id=account.public_id,
                params={},
                params_hash=str(number),
                created_at=now,
                woken_at=now,
                estimated_completion=now,
            )
            for number in range(count)
        ]
    )
    made = Recommendation.objects.bulk_create(
        [
            Recommendation(
                account=account,
                job=job,
                kind="rebalance",
                engine_version=ENGINE_VERSION,
                inputs=text if number == 0 else "{}",
                result=result if number == 0 else "{}",
                created_at=now,
            )
            for number, job in enumerate(jobs)
        ]
    )
    return made[0], jobs[0]


def _guests(user: Any, count: int) -> tuple[Any, Any]:
    from identity.models import AdviserLink, Household, Invitation, Role, User

    office = Household.objects.create(name="Guests")
    advisers = User.objects.bulk_create(
        [
            User(
                email=f"guest{number}.{user.pk}@ballast.example",
                household=office,
                role=Role.ADVISER,
                password="!",
            )
            for number in range(count)
        ]
    )
    AdviserLink.objects.bulk_create(
        [AdviserLink(adviser=adviser, household_id=user.household_id) for adviser in advisers]
    )
    now = timezone.now()
    invitations = Invitation.objects.bulk_create(
        [
            Invitation(
                household_id=user.household_id,
                email=f"friend{number}.{user.pk}@ballast.example",
                token_hash=f"{user.pk}-{number}",
                invited_by=user,
                created_at=now,
                expires_at=now + timedelta(days=7),
            )
            for number in range(count)
        ]
    )
    return advisers[0], invitations[0]
