"""An accountant reads the granted years of a household and nothing else, until the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError, NotFound
from dashboard.urls import urlpatterns
from identity.models import AccountantLink, Role, SecurityEvent, User
from identity.operations.accountants import grant_accountant, withdraw_accountant
from identity.queries import kept_books, profile, visible_household_ids

pytestmark = pytest.mark.django_db

PageClient = Callable[[Any], Client]


@pytest.fixture
def accountant(db: None) -> User:
    from identity.models import Household

    office = Household.objects.create(name="Books")
    return User.objects.create_user(
        email="books@ballast.example", password=None, household=office, role=Role.ACCOUNTANT
    )


def grant(people: Any, accountant: User, *, years: tuple[int, ...], days: int = 30) -> Any:
    now = timezone.now()
    return grant_accountant(
        user=profile(user_id=people.owner.pk),
        email=accountant.email,
        years=years,
        ends_at=now + timedelta(days=days),
        now=now,
    )


def book(people: Any, year: int | str = "", suffix: str = "") -> str:
    return f"/accounting/{people.owner.household.public_id}{suffix}?year={year}"


def test_a_granted_year_is_read_and_downloaded_and_no_other(
    people: Any, sold: Any, accountant: User, page_client: PageClient
) -> None:
    year = timezone.now().year
    client = page_client(accountant)
    assert client.get(book(people, year)).status_code == 404
    grant(people, accountant, years=(year,))
    assert people.owner.household.name in client.get("/accounting").content.decode()
    page = client.get(book(people, year)).content.decode()
    assert "Schedule D" in page
    for name in ("csv", "txf"):
        assert client.get(book(people, year, f"/form-8949.{name}")).status_code == 200
    assert client.get(book(people, year, "/form-8949.pdf")).status_code == 404
    for wrong in (year - 1, year + 1):
        assert client.get(book(people, wrong)).status_code == 404
        assert client.get(book(people, wrong, "/form-8949.csv")).status_code == 404
    # Balances are not the accountant's to see.
    assert "Net value" not in page


def test_the_access_opens_no_other_page_and_no_action(
    people: Any, sold: Any, accountant: User, page_client: PageClient, client_of: Any
) -> None:
    year = timezone.now().year
    grant(people, accountant, years=(year,))
    assert visible_household_ids(user=accountant) == [accountant.household_id]
    client, seen = page_client(accountant), 0
    for route in urlpatterns:
        pattern = str(route.pattern)
        if pattern.count("<") != 1 or "account_id" not in pattern:
            continue
        address = reverse(route.name, args=[sold.public_id])
        statuses = {client.get(address).status_code, client.post(address).status_code}
        assert statuses <= {404, 405}, (route.name, statuses)
        seen += 1
    assert seen > 15
    report = f"/households/{people.owner.household.public_id}/report"
    assert client.get(report).status_code == 404
    assert client.get("/clients").status_code == 403
    api = client_of(accountant)
    for address in (
        f"accounts/{sold.public_id}",
        f"portfolios/{sold.public_id}/holdings",
        f"tax/returns?household_id={people.owner.household.public_id}&year={year}",
    ):
        assert api.get(f"/api/v1/{address}").status_code == 404, address


def test_a_withdrawn_or_ended_access_ends_at_once(
    people: Any, sold: Any, accountant: User, page_client: PageClient
) -> None:
    year = timezone.now().year
    link, client = grant(people, accountant, years=(year,)), page_client(accountant)
    addresses = (book(people, year), book(people, year, "/form-8949.csv"))
    assert [client.get(one).status_code for one in addresses] == [200, 200]
    assert page_client(people.owner).post(
        "/settings/household/accountants/withdraw", {"id": str(link.public_id)}
    )["Location"] == "/settings/household"  # fmt: skip
    assert [client.get(one).status_code for one in addresses] == [404, 404]
    grant(people, accountant, years=(year,))
    assert client.get(addresses[0]).status_code == 200
    AccountantLink.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert [client.get(one).status_code for one in addresses] == [404, 404]
    grant(people, accountant, years=(year,))
    User.objects.filter(pk=accountant.pk).update(role=Role.INVESTOR)
    assert [client.get(one).status_code for one in addresses] == [404, 404]


def test_nobody_else_reads_the_books(
    people: Any, sold: Any, accountant: User, page_client: PageClient
) -> None:
    year = timezone.now().year
    grant(people, accountant, years=(year,))
    for person in (people.owner, people.spouse, people.adviser, people.stranger):
        client = page_client(person)
        assert client.get(book(people, year)).status_code == 404
        assert client.get(book(people, year, "/form-8949.csv")).status_code == 404


def test_only_members_end_an_access(people: Any, accountant: User, page_client: PageClient) -> None:
    link = grant(people, accountant, years=(2025,))
    for person in (people.stranger, people.adviser, accountant):
        answer = page_client(person).post(
            "/settings/household/accountants/withdraw", {"id": str(link.public_id)}
        )
        assert answer.status_code == 404
        with pytest.raises(NotFound):
            withdraw_accountant(user=person, link_id=link.public_id, now=timezone.now())
    assert AccountantLink.objects.count() == 1
    page_client(people.spouse).post(
        "/settings/household/accountants/withdraw", {"id": str(link.public_id)}
    )
    assert not AccountantLink.objects.exists()
    kinds = SecurityEvent.objects.values_list("kind", flat=True)
    assert {"accountant_added", "accountant_removed"} <= set(kinds)


@pytest.mark.parametrize(
    ("email", "years", "days", "code"),
    [
        ("nobody@ballast.example", (2025,), 30, "accountant_not_found"),
        ("adviser@ballast.example", (2025,), 30, "accountant_not_found"),
        ("books@ballast.example", (), 30, "years_invalid"),
        ("books@ballast.example", tuple(range(2000, 2020)), 30, "years_invalid"),
        ("books@ballast.example", (1,), 30, "year_invalid"),
        ("books@ballast.example", (2025,), 0, "end_invalid"),
        ("books@ballast.example", (2025,), 900, "end_invalid"),
    ],
)
def test_a_grant_without_a_person_a_year_or_an_end_is_refused(
    people: Any, accountant: User, email: str, years: tuple[int, ...], days: int, code: str
) -> None:
    now = timezone.now()
    with pytest.raises(BallastError) as refused:
        grant_accountant(
            user=people.owner, email=email, years=years, ends_at=now + timedelta(days=days), now=now
        )
    assert refused.value.code == code
    assert not AccountantLink.objects.exists()


def test_a_member_cannot_be_the_accountant(people: Any) -> None:
    User.objects.filter(pk=people.spouse.pk).update(role=Role.ACCOUNTANT)
    with pytest.raises(BallastError) as refused:
        grant(people, people.spouse, years=(2025,))
    assert refused.value.code == "accountant_is_member"


def test_an_investor_becomes_an_accountant_and_an_adviser_does_not(
    people: Any, page_client: PageClient
) -> None:
    client = page_client(people.stranger)
    assert "Do you keep books" in client.get("/accounting").content.decode()
    client.post("/accounting")
    people.stranger.refresh_from_db()
    assert people.stranger.role == Role.ACCOUNTANT
    assert not kept_books(user=people.stranger, now=timezone.now()).exists()
    assert page_client(people.adviser).post("/accounting").status_code == 409
    people.adviser.refresh_from_db()
    assert people.adviser.role == Role.ADVISER
