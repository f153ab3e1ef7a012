"""What an operator may write into a listing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.marketdata.vendors.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_operator_lists_no_asset_that_vendors_must_not_quote(
    pair: Any, make_asset: Callable[..., Any], people: Any
) -> None:
    from marketdata.models import Listing, Source

    sample = Source.objects.create(name="old prices", kind="package")
    public = make_asset("ACME")
    wrong = {
        "asset": [
            {"asset": make_asset("OWN", household=people.owner.household)},
            {"asset": make_asset("DEMO", source=sample)},
        ],
        "provider": [{"provider": "tingo"}],
        "provider_symbol": [{"provider_symbol": "ACME,BOLT"}, {"provider_symbol": "AC\nME"}],
    }
    right = {"asset": public, "provider": "first", "provider_symbol": "ACME", "rank": 0}
    for field, changes in wrong.items():
        for change in changes:
            with pytest.raises(ValidationError) as refusal:
                Listing(**{**right, **change}, added_at=NOW).full_clean()
            assert list(refusal.value.message_dict) == [field]
    Listing(**right, added_at=NOW).full_clean()
