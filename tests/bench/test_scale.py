"""The accounts of the benchmarks obey the rules that accounts of people obey."""

from decimal import Decimal

import pytest
from django.db.models import Count, Min, Sum
from django.utils import timezone

from bench.scale import seed
from portfolios.models import Target

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("holdings", [1, 7, 30])
def test_targets_sum_to_one_hundred_whatever_the_number_of_holdings(holdings: int) -> None:
    seed(accounts=3, holdings=holdings, tag="sums", now=timezone.now())
    sums = Target.objects.values("account").annotate(
        total=Sum("target_percentage"), least=Min("target_percentage"), rows=Count("*")
    )
    assert [(row["total"], row["rows"]) for row in sums] == [(Decimal(100), holdings)] * 3
    assert all(row["least"] >= Decimal(100) / holdings - Decimal("0.0001") for row in sums)
