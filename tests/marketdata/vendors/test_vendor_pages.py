"""The page that finds securities, the operators' pages of vendors, and `check_provider`."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.marketdata.vendors.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(client: Any, people: Any, pair: Any) -> Any:
    client.force_login(people.owner)
    return client


@pytest.fixture
def operator(client: Any, people: Any, pair: Any) -> Any:
    client.force_login(people.operator)
    return client


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_person_finds_and_adds_a_security_and_sees_its_price(owner: Any, pair: Any) -> None:
    pair.set_price("ACME", "101.25", as_of=timezone.now())
    assert "Find a security" in text_of(owner.get("/securities"))
    page = text_of(owner.get("/securities?q=acme"))
    assert "Acme Corporation" in page
    assert 'aria-label="Add ACME"' in page
    chosen = {"provider": "first", "provider_symbol": "ACME", "q": "acme"}
    answer = owner.post("/securities/follow", chosen, follow=True)
    assert "ACME is added. Its newest price is 101.25 USD." in text_of(answer)
    assert "Added as ACME" in text_of(answer)


def test_a_person_comes_back_to_the_page_they_were_on_and_nowhere_else(
    owner: Any, pair: Any
) -> None:
    back = "/accounts/1/imports/2"
    page = text_of(owner.get("/securities", {"q": "acme", "back": back}))
    assert f'<a class="button" href="{back}">' in page
    chosen = {"provider": "first", "provider_symbol": "ACME", "back": back}
    answer = owner.post("/securities/follow", chosen)
    assert answer["Location"] == "/securities?q=ACME&back=%2Faccounts%2F1%2Fimports%2F2"
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil"):
        page = text_of(owner.get("/securities", {"q": "acme", "back": elsewhere}))
        for attribute in ("href", "value", "action"):
            assert f'{attribute}="{elsewhere}' not in page
        assert "Back to where you were" not in page


def test_an_unknown_security_of_a_file_can_be_found(owner: Any, pair: Any, account: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    text = (
        "type,executed_at,symbol,quantity,price,amount,currency,lot_method\r\n"
        "deposit,2026-01-05T12:00:00Z,,,,1000,USD,\r\n"
        "buy,2026-01-06T12:00:00Z,ACME,2,100,,USD,\r\n"
    )
    file = SimpleUploadedFile("mine.csv", text.encode(), "text/csv")
    answer = owner.post(
        f"/accounts/{account.public_id}/imports", {"file": file, "format": "ballast"}, follow=True
    )
    page = text_of(answer)
    assert 'aria-label="Find ACME at a vendor"' in page
    assert "/securities?q=ACME&amp;back=/accounts/" in page
    owner.post("/securities/follow", {"provider": "first", "provider_symbol": "ACME"})
    page = text_of(owner.get(answer.request["PATH_INFO"]))
    assert "Find ACME at a vendor" not in page


def test_nothing_found_and_nobody_there_are_told_apart(owner: Any, pair: Any) -> None:
    assert "No vendor knows a security like this" in text_of(owner.get("/securities?q=zzz"))
    pair.behave("first", "500")
    pair.behave("second", "500")
    answer = owner.get("/securities?q=bolt")
    assert answer.status_code == 503
    assert "does not answer" in text_of(answer)
    wished = {"provider": "first", "provider_symbol": "BOLT"}
    assert owner.post("/securities/follow", wished).status_code == 503


def test_an_installation_without_vendors_says_what_to_do(owner: Any, settings: Any) -> None:
    settings.PROVIDERS = []
    answer = owner.get("/securities?q=acme")
    assert answer.status_code == 409
    assert "Set PROVIDERS" in text_of(answer)
    assert "Find a security" not in text_of(owner.get("/"))


@pytest.mark.parametrize("fields", [{}, {"provider": "first"}, {"provider_symbol": "x" * 65}])
def test_a_broken_form_adds_nothing(owner: Any, fields: dict[str, str]) -> None:
    from marketdata.models import Asset

    assert owner.post("/securities/follow", fields).status_code == 404
    assert not Asset.objects.exists()


def test_a_quote_of_markup_in_a_search_stays_text(owner: Any) -> None:
    page = text_of(owner.get("/securities", {"q": "<script>alert(1)</script>"}))
    assert "<script>alert(1)" not in page


def test_operators_see_vendors_and_hold_their_breakers(operator: Any, pair: Any) -> None:
    from marketdata.operations.asking import limits, note_vendors
    from marketdata.operations.provider_state import states

    note_vendors(now=timezone.now())
    page = text_of(operator.get("/admin/marketdata/vendor/"))
    assert "first" in page
    assert "closed" in page
    from marketdata.models import Vendor

    pk = Vendor.objects.get(name="first").pk
    operator.post("/admin/marketdata/vendor/", {"action": "open_breaker", "_selected_action": [pk]})
    [state] = states(limits={"first": limits("first")}, now=timezone.now())
    assert state.held == "open"
    assert "open, by hand" in text_of(operator.get(f"/admin/marketdata/vendor/{pk}/change/"))
    assert operator.get("/admin/marketdata/listing/").status_code == 200
    assert operator.get("/admin/marketdata/disagreement/").status_code == 200


def test_an_operator_has_a_history_loaded_again(operator: Any, listed: Any) -> None:
    asset = listed("ACME")
    listing = asset.listings.get(provider="first")
    operator.post(
        "/admin/marketdata/listing/", {"action": "load_again", "_selected_action": [listing.pk]}
    )
    listing.refresh_from_db()
    assert listing.days_due_at is not None


def test_check_provider_says_what_works(pair: Any) -> None:
    pair.set_price("ACME", "101.25", as_of=timezone.now())
    told = StringIO()
    call_command("check_provider", "first", stdout=told)
    lines = told.getvalue()
    assert "quotes     ok      ACME 101.25 USD, 0 min old" in lines
    assert "search     ok" in lines
    assert "breaker    closed" in lines


@pytest.mark.parametrize(
    ("behaviour", "advice"),
    [("401", "The key is wrong"), ("402", "plan of this key"), ("html", "something else")],
)
def test_check_provider_says_what_is_wrong(pair: Any, behaviour: str, advice: str) -> None:
    pair.behave("first", behaviour)
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("check_provider", "first", stdout=told)
    assert advice in told.getvalue()


def test_check_provider_names_what_is_missing(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="There is no vendor nobody"):
        call_command("check_provider", "nobody")
    monkeypatch.delenv("FIRST_KEY")
    with pytest.raises(CommandError, match="needs FIRST_KEY, which is not set"):
        call_command("check_provider", "first")


def test_the_oldest_quotes_of_a_vendor_come_first(pair: Any, listed: Any) -> None:
    from marketdata.models import LatestPrice
    from marketdata.queries.listings import oldest_quotes

    listed("ACME")
    LatestPrice.objects.create(asset=listed("BOLT"), price=5, as_of=NOW, source="second")
    assert oldest_quotes(provider="first", count=5) == [
        ("ACME", None, None),
        ("BOLT", NOW, "second"),
    ]
    assert oldest_quotes(provider="second", count=5) == []


def test_prometheus_reads_breakers_and_quotas_of_vendors(client: Any, pair: Any) -> None:
    from marketdata.operations.provider_state import hold
    from marketdata.providers.breaker import Held

    hold(name="second", held=Held.OPEN)
    text = text_of(client.get("/metrics"))
    assert 'ballast_provider_breaker{provider="first"} 0.0' in text
    assert 'ballast_provider_breaker{provider="second"} 2.0' in text
    assert 'ballast_provider_calls_left{provider="first",window_s="60"} 100000.0' in text
