"""No query and no form, whatever its content, makes a page fail."""

from random import Random
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse

from dashboard.urls import urlpatterns
from tests.effort import size

pytestmark = pytest.mark.django_db

REQUESTS_PER_PAGE = size("REQUESTS_PER_PAGE", usual=3, proof=8)
PAGES = [pattern for pattern in urlpatterns if pattern.name != "logout"]
# Every name that a page reads from its query or its form.
NAMES = (
    *("symbol", "year", "page", "cursor", "status", "from", "to", "range", "benchmark", "next"),
    *("account", "type", "quantity", "price", "amount", "fee", "executed_on", "executed_at"),
    *("currency", "lot_method", "action", "add", "target", "threshold", "name", "key", "email"),
    *("symbols", "model", "risk_profile", "years", "weight_max", "horizon"),
    *("format", "ratio", "new_symbol", "decision", "password", "invitation", "base_currency"),
)
VALUES = (
    *("", "AAA", "-1", "0", "1", "2024", "1949", "9999", "10000", "99999999999999999999"),
    *("0001-01-01", "9999-12-31", "2024-02-30", "2024-06-03", "1950-01-01", "2026-W01-1"),
    *("1e999999", "NaN", "Infinity", "-Infinity", "sNaN", "0x10", "1_000", "٣", "1" * 5000),
    *("\0", "A\0A", "\ud800", "\ufffe", "﷽" * 40, "ı", "İ" * 30, "=1+1", "%00", "' OR 1=1 --"),
    *("logout", "abc", "//evil.example", "javascript:alert(1)", "../../etc/passwd", "custom"),
    *("all", "1y", "ytd", "USD", "ZZZ", "buy", "specific", "[]", "{}", "null", "<b>", "a b"),
    *("01a20a30-7263-7db1-aedd-8d50271f4780", "gAAAA:1:abc", "W10:1tXYZ:sig"),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_no_query_and_no_form_breaks_a_page(page: URLPattern, shared_home: Any) -> None:
    people, home = shared_home
    ids = home.ids
    random = Random(crc32(str(page.name).encode()))
    path = _address(page, ids)
    for number in range(REQUESTS_PER_PAGE):
        client = Client(raise_request_exception=False)
        if number % 6 or page.name not in ("login", "register"):
            client.force_login(people.owner)
        sent = {name: _value(random, ids) for name in random.sample(NAMES, random.randint(1, 6))}
        # Halves of characters are sent as bytes that are not UTF-8.
        text = urlencode(sent, errors="surrogatepass")
        with transaction.atomic():
            if number % 3 == 2:
                answer = client.post(path, text, "application/x-www-form-urlencoded")
            else:
                answer = client.get(f"{path}?{text}")
            transaction.set_rollback(True)
        assert answer.status_code < 500, (number, path, sent)


KNOWN = {
    "year beyond all dates": ("gains", {"year": "9999"}, 400),
    "lots of nothing": ("lots", {}, 404),
    "lots of what is not held": ("lots", {"symbol": "ZZZ"}, 404),
    "a name of ours after the log-in": ("login", {"next": "abc"}, 302),
    "NUL in a symbol": ("performance", {"symbol": "A\0"}, 400),
    "the first day there is": ("performance", {"range": "custom", "from": "0001-01-01"}, 400),
    "the last day there is": ("performance", {"range": "custom", "to": "9999-12-31"}, 400),
}


@pytest.mark.parametrize("case", KNOWN)
def test_what_once_broke_a_page_is_refused(case: str, shared_home: Any) -> None:
    name, query, status = KNOWN[case]
    people, home = shared_home
    client = Client(raise_request_exception=False)
    client.force_login(people.owner)
    (page,) = (one for one in PAGES if one.name == name)
    assert client.get(_address(page, home.ids), query).status_code == status


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_a_day_beyond_the_limits_is_refused_by_code(
    name: str, day: str, shared_home: Any, client_of: Any
) -> None:
    people, _ = shared_home
    answer = client_of(people.owner).get("/api/v1/market/history/AAA", {name: day})
    code = "date_too_early" if day < "1950" else "date_too_late"
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def _address(page: URLPattern, ids: dict[str, str]) -> str:
    wanted = page.pattern.converters
    words = {"token": "a-token", "mail_id": "1", "basket": "schwab", "tax_file_format": "csv"}
    words |= dict.fromkeys(("household_id", "goal_id"), "01a20a30-7263-7db1-aedd-8d50271f4780")
    return reverse(str(page.name), kwargs={name: (ids | words)[name] for name in wanted})


def _value(random: Random, ids: dict[str, str]) -> str:
    if not random.randrange(4):
        return random.choice(sorted(ids.values()))
    if not random.randrange(4):
        return "".join(
            chr(random.choice((random.randrange(128), random.randrange(0xD800))))
            for _ in range(random.randint(1, 30))
        )
    return random.choice(VALUES)
