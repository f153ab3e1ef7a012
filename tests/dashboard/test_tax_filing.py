"""How one files, on a page."""

from collections.abc import Callable
from typing import Any

import pytest

from portfolios.models import TaxCarryforward, TaxFiling

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/taxes"


def form(owner: Any, *rows: tuple[str, str, str], status: str = "joint") -> dict[str, Any]:
    fields: dict[str, Any] = {
        "filing_status": status,
        "carried-TOTAL_FORMS": len(rows),
        "carried-INITIAL_FORMS": 0,
    }
    for number, (year, short, long) in enumerate(rows):
        fields |= {
            f"carried-{number}-owner": str(owner.public_id),
            f"carried-{number}-year": year,
            f"carried-{number}-short_term": short,
            f"carried-{number}-long_term": long,
        }
    return fields


def test_filing_and_losses_carried_in_are_kept_and_shown_again(
    owner: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(owner)
    rows = (("2024", "500", ""), ("2025", "0", "1200.50"), ("", "", ""))
    assert client.post(ADDRESS, form(owner, *rows)).status_code == 302
    assert TaxFiling.objects.get().filing_status == "joint"
    kept = TaxCarryforward.objects.order_by("year").values_list("year", "short_term", "long_term")
    assert [tuple(map(float, row)) for row in kept] == [(2024, 500, 0), (2025, 0, 1200.5)]
    text = client.get(ADDRESS).content.decode()
    assert 'value="1200.5"' in text
    assert client.post(ADDRESS, form(owner, ("2024", "1", "2"))).status_code == 302
    assert TaxCarryforward.objects.count() == 1


@pytest.mark.parametrize(
    "rows",
    [
        [("2199", "1", "0")],
        [("2024", "-1", "0")],
        [("2024", "1", "0"), ("2024", "2", "0")],
        [("soon", "1", "0")],
        [("2024", "0.001", "0")],
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    owner: Any, page_client: Callable[[Any], Any], rows: list[tuple[str, str, str]]
) -> None:
    answer = page_client(owner).post(ADDRESS, form(owner, *rows))
    assert answer.status_code == 400
    assert not TaxCarryforward.objects.exists()
    assert not TaxFiling.objects.exists()
