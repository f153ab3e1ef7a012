"""Dividends read from the texts of disclosures."""

from datetime import date
from decimal import Decimal as D

from marketdata.demo.disclosures import DeclaredDividend, declared_dividends

HEAD = "Template Name,Background/Description of the Disclosure\n"
TOLD = (
    'Declaration of Cash Dividends,"approved a cash dividend of Php0.62 per share of common stock '
    "as of April 27, 2020 (ex-dividend date of April 22, 2020). This is 50%. Payment date will be "
    'on May 22, 2020. More."\n'
)


def test_a_declaration_gives_the_cash_and_both_days() -> None:
    assert declared_dividends(HEAD + TOLD) == [
        DeclaredDividend(D("0.62"), date(2020, 4, 22), date(2020, 5, 22))
    ]


def test_what_is_no_declaration_or_lacks_a_part_is_refused() -> None:
    other = TOLD.replace("Declaration of Cash Dividends", "Press Release")
    for text in (other, TOLD.replace("Php", "USD"), TOLD.replace("Payment date", "A date")):
        assert declared_dividends(HEAD + text) == []
