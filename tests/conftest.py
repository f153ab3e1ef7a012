"""People every test may meet: the owner, the spouse, the adviser, the operator, the stranger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

PASSWORD = "a-long-enough-password"


@dataclass(frozen=True)
class People:
    """Two households that must never see each other, and those who may look into one."""

    owner: Any
    spouse: Any
    adviser: Any
    operator: Any
    stranger: Any


@pytest.fixture
def people(db: None) -> People:
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
    """An API client that carries a real access token of the user."""

    def client(user: Any) -> APIClient:
        from identity.authentication import token_key
        from identity.operations import log_ins

        token = log_ins.start(user=user, key=token_key(), now=timezone.now()).access
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return api

    return client


@pytest.fixture
def assets(db: None) -> dict[str, Any]:
    """Three public assets with prices, one of them in euro, and a rate for every day of use."""
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
