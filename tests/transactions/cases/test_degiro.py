"""DEGIRO's files: conversions, languages, equal fills and where the order id stands."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

DEGIRO_DIVIDEND = """
Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id
18-12-2023,08:37,15-12-2023,,,Valuta Creditering,,EUR,"774,35",EUR,"774,35",
18-12-2023,08:37,15-12-2023,,,Valuta Debitering,"1,0977",USD,"-850,00",USD,"0,00",
15-12-2023,09:05,14-12-2023,APPLE INC,US0378331005,Dividend,,USD,"1.000,00",USD,"850,00",
15-12-2023,09:05,14-12-2023,APPLE INC,US0378331005,Dividendbelasting,,USD,"-150,00",USD,"-150,00",
"""


def test_a_dividend_that_the_broker_converted_counts_as_converted(person: Any) -> None:
    person.rate("USD", "2023-12-14", "1.0919")
    person.rate("USD", "2023-12-15", "1.0946")
    own = person.account("EUR")
    own.bring(DEGIRO_DIVIDEND)
    assert own.cash == D("774.35")
    assert own.told("cash_effect") == [("dividend", "911.00"), ("tax", "-136.65")]
    assert own.again(DEGIRO_DIVIDEND) == 0


DEGIRO_GERMAN = """
Datum,Uhrzeit,Valutadatum,Produkt,ISIN,Beschreibung,FX,Änderung,,Saldo,,Order-ID
14-05-2020,16:11,14-05-2020,SAP SE,DE0007164600,Transaktionsgebühr,,EUR,"-2,00",EUR,"9,83",0a1b-1
14-05-2020,16:11,14-05-2020,SAP SE,DE0007164600,Transaktionsgebühr,,EUR,"-0,42",EUR,"11,83",0a1b-1
14-05-2020,16:11,14-05-2020,SAP SE,DE0007164600,"Kauf 25 zu je 11,51 EUR (DE0007164600)",,EUR,"-287,75",EUR,"12,25",0a1b-1
14-05-2020,09:00,13-05-2020,LIQUIDITY FUND,LU1959429272,"Geldmarktfonds Umwandlung: Kauf 0,0302 zu je 9.920,28 EUR",,,,EUR,"300,00",
13-05-2020,12:54,13-05-2020,,,SOFORT Einzahlung,,EUR,"300,00",EUR,"300,00",
"""  # noqa: E501


def test_a_german_statement_has_its_trades_and_their_costs(person: Any) -> None:
    own = person.account("EUR")
    own.bring(DEGIRO_GERMAN)
    assert own.cash == D("9.83")
    assert own.told("quantity", "fee") == [
        ("deposit", "None", "0.00"),
        ("buy", "25", "2.42"),
    ]
    assert [lot[1:] for lot in own.lots("DE0007164600")] == [(D(25), D("290.17"))]
    assert own.again(DEGIRO_GERMAN) == 0


HEADINGS = {
    "fr": "Date,Heure,Produit,Code ISIN,Place boursière,Lieu d'exécution,Quantité,Cours,,"
    "Montant devise locale,,Montant EUR,Taux de change,Frais conversion AutoFX,"
    "Frais de courtage et/ou de parties,Montant négocié EUR,ID Ordre",
    "de": "Datum,Uhrzeit,Produkt,ISIN,Referenzbörse,Ausführungsort,Anzahl,Kurs,,"
    "Wert in Lokalwährung,,Wert EUR,Wechselkurs,AutoFX-Gebühr,"
    "Transaktionsgebühren und/oder Fremdkosten EUR,Gesamt EUR,Order-ID",
    "es": "Fecha,Hora,Producto,ISIN,Bolsa de referencia,Centro de ejecución,Número,Precio,,"
    "Valor local,,Valor EUR,Tipo de cambio,Comisión AutoFX,"
    "Costes de transacción y/o externos EUR,Total EUR,ID Orden",
    "it": "Data,Ora,Prodotto,ISIN,Borsa di riferimento,Borsa,Quantità,Quotazione,,"
    "Valore locale,,Valore EUR,Tasso di cambio,Commissione AutoFX,"
    "Costi di transazione e/o di terze parti EUR,Totale EUR,ID Ordine",
    "pt": "Data,Hora,Produto,ISIN,Bolsa de referência,Bolsa,Quantidade,Preços,,"
    "Valor local,,Valor EUR,Taxa de Câmbio,Taxa Autofx,"
    "Custos de transação e/ou taxas de terceiros,Total EUR,ID da Ordem",
    "nl": "Datum,Tijd,Product,ISIN,Beurs,Uitvoeringsplaats,Aantal,Koers,,"
    "Lokale waarde,,Waarde EUR,Wisselkoers,AutoFX Kosten,"
    "Transactiekosten en/of kosten van derden EUR,Totaal EUR,Order ID",
    "en": "Date,Time,Product,ISIN,Reference exchange,Venue,Quantity,Price,,"
    "Local value,,Value EUR,Exchange rate,AutoFX Fee,"
    "Transaction and/or third party fees EUR,Total EUR,Order ID",
}
DEGIRO_ROWS = """
18-06-2024,16:20,APPLE INC,US0378331005,NDQ,XNAS,12,"48,2000",USD,"-578,40",USD,"-533,33","1,0845","-1,33","-2,00","-536,66",6e1cbf61
19-06-2024,16:20,APPLE INC,US0378331005,NDQ,XNAS,-12,"48,2000",USD,"578,40",USD,"533,33","1,0845","-1,33","-2,00","530,00",6e1cbf62
"""  # noqa: E501


@pytest.mark.parametrize("settled", ["EUR", "CHF", "GBP"])
@pytest.mark.parametrize("language", sorted(HEADINGS))
@pytest.mark.parametrize("known_in", ["", "USD"])
def test_a_share_in_dollars_settles_in_the_account_in_every_language(
    person: Any, language: str, settled: str, known_in: str
) -> None:
    """The symbol is created in the account's currency, or is known in dollars already."""
    own = person.account(settled)
    text = (HEADINGS[language] + DEGIRO_ROWS).replace("EUR", settled)
    if known_in:
        person.asset("AAPL", known_in, isin="US0378331005")
    own.bring(text)
    symbol = "AAPL" if known_in else "US0378331005"
    assert own.told("symbol", "quantity", "cash_effect") == [
        ("buy", symbol, "12", "-536.66"),
        ("sell", symbol, "12", "530.00"),
    ]
    (line,) = own.gains()
    assert (D(line["proceeds"]), D(line["cost_basis"])) == (D("530.00"), D("536.66"))
    assert own.lots(symbol) == []
    assert own.cash == D("-6.66")
    assert own.again(text) == 0


DEGIRO_FILLS = """
Date,Time,Product,ISIN,Reference exchange,Venue,Quantity,Price,,Local value,,Value EUR,Exchange rate,AutoFX Fee,Transaction and/or third party fees EUR,Total EUR,Order ID,
28-05-2024,15:30,APPLE INC,US0378331005,NDQ,XNAS,50,"12,6000",USD,"-630,00",USD,"-580,00","1,0862","-1,45","-2,00","-583,45",,07bedc06-f3a5-4975-944e-a52aa46ccef5
28-05-2024,15:30,APPLE INC,US0378331005,NDQ,XNAS,50,"12,6000",USD,"-630,00",USD,"-580,00","1,0862","-1,45",,"-581,45",,07bedc06-f3a5-4975-944e-a52aa46ccef5
28-05-2024,15:30,APPLE INC,US0378331005,NDQ,XNAS,50,"12,6000",USD,"-630,00",USD,"-580,00","1,0862","-1,45",,"-581,45",,07bedc06-f3a5-4975-944e-a52aa46ccef5
"""  # noqa: E501


def test_equal_fills_of_an_order_are_all_of_it_and_its_id_is_known_by_its_shape(
    person: Any,
) -> None:
    own = person.account("EUR")
    own.bring(DEGIRO_FILLS)
    order = "07bedc06-f3a5-4975-944e-a52aa46ccef5"
    assert own.told("quantity", "order_id") == [("buy", "50", order)] * 3
    assert own.cash == D("-1746.35")
    assert own.again(DEGIRO_FILLS) == 0


DUTCH_HEADING = "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"
TWO_DIVIDENDS = (
    DUTCH_HEADING
    + """20-12-2023,08:37,19-12-2023,,,Valuta Creditering,,EUR,"18,30",EUR,"792,65",
20-12-2023,08:37,19-12-2023,,,Valuta Debitering,"1,0929",USD,"-20,00",USD,"0,00",
19-12-2023,09:05,18-12-2023,COCA-COLA,US1912161007,Dividend,,USD,"20,00",USD,"20,00",
18-12-2023,08:37,15-12-2023,,,Valuta Creditering,,EUR,"774,35",EUR,"774,35",
18-12-2023,08:37,15-12-2023,,,Valuta Debitering,"1,0977",USD,"-850,00",USD,"0,00",
15-12-2023,09:05,14-12-2023,APPLE INC,US0378331005,Dividend,,USD,"1.000,00",USD,"850,00",
15-12-2023,09:05,14-12-2023,APPLE INC,US0378331005,Dividendbelasting,,USD,"-150,00",USD,"-150,00",
"""
)  # noqa: E501


def test_each_conversion_belongs_to_the_payments_before_it(person: Any) -> None:
    own = person.account("EUR")
    own.bring(TWO_DIVIDENDS)
    assert sorted(own.told("cash_effect")) == [
        ("dividend", "18.30"),
        ("dividend", "911.00"),
        ("tax", "-136.65"),
    ]
    assert own.cash == D("792.65")  # as the balance says


def test_a_conversion_that_fits_no_payment_changes_nothing(person: Any) -> None:
    """The payment stays in its currency, at the day's fixing."""
    person.rate("USD", "2023-12-15", "1.0946")
    own = person.account("EUR")
    own.bring(DEGIRO_DIVIDEND.replace('"-850,00"', '"-849,00"'))
    assert sorted(own.told("currency", "amount")) == [
        ("dividend", "USD", "1000.00"),
        ("tax", "USD", "150.00"),
    ]


LANGUAGES = {
    "nl": (
        "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id",
        ("Koop", "@", "DEGIRO Transactiekosten en/of kosten van derden"),
        ("Dividendbelasting", "Valuta Creditering", "Valuta Debitering"),
    ),
    "en": (
        "Date,Time,Value date,Product,ISIN,Description,FX,Change,,Balance,,Order Id",
        ("Buy", "@", "DEGIRO Transaction and/or third party fees"),
        ("Dividend Tax", "FX Credit", "FX Debit"),
    ),
    "de": (
        "Datum,Uhrzeit,Valutadatum,Produkt,ISIN,Beschreibung,FX,Änderung,,Saldo,,Order-ID",
        ("Kauf", "zu je", "Transaktionsgebühr"),
        ("Dividendensteuer", "Währungswechsel (Einbuchung)", "Währungswechsel (Ausbuchung)"),
    ),
    "fr": (
        "Date,Heure,Date de valeur,Produit,Code ISIN,Description,FX,Mouvements,,Solde,,ID Ordre",
        ("Achat", "@", "Frais DEGIRO de courtage et/ou de parties tierces"),
        ("Impôts sur dividende", "Opération de change - Crédit", "Opération de change - Débit"),
    ),
    "es": (
        "Fecha,Hora,Fecha valor,Producto,ISIN,Descripción,Tipo,Variación,,Saldo,,ID Orden",
        ("Compra", "@", "Costes de transacción y/o externos de DEGIRO"),
        ("Retención del dividendo", "Ingreso Cambio de Divisa", "Retirada Cambio de Divisa"),
    ),
    "it": (
        "Data,Ora,Data Valuta,Prodotto,ISIN,Descrizione,Tasso,Variazioni,,Saldo,,ID Ordine",
        ("Acquisto", "@", "Costi di transazione DEGIRO e/o di terze parti"),
        ("Ritenuta sul dividendo", "Accredito cambio valuta", "Prelievo cambio valuta"),
    ),
    "pt": (
        "Data,Hora,Data Valor,Produto,ISIN,Descrição,Taxa,Mudança,,Saldo,,ID da Ordem",
        ("Compra", "@", "Comissões de transação DEGIRO e/ou taxas de terceiros"),
        ("Imposto sobre dividendo", "Crédito de divisa", "Levantamento de divisa"),
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_is_read_in_every_language(person: Any, language: str) -> None:
    """A trade, its costs, a tax withheld, and both sides of a conversion."""
    heading, (buy, at, costs), (tax, credit, debit) = LANGUAGES[language]
    own = person.account("EUR")
    rows = [
        f'18-12-2023,08:37,15-12-2023,,,{credit},,EUR,"774,35",EUR,"484,18",',
        f'18-12-2023,08:37,15-12-2023,,,{debit},"1,0977",USD,"-850,00",USD,"0,00",',
        '15-12-2023,09:05,14-12-2023,APPLE,US0378331005,Dividend,,USD,"1.000,00",USD,"850,00",',
        f'15-12-2023,09:05,14-12-2023,APPLE,US0378331005,{tax},,USD,"-150,00",USD,"-150,00",',
        f'14-12-2023,16:11,14-12-2023,SAP,DE0007164600,{costs},,EUR,"-2,42",EUR,"-290,17",0a1b-1',
        f'14-12-2023,16:11,14-12-2023,SAP,DE0007164600,"{buy} 25 {at} 11,51 EUR (DE0007164600)",,'
        'EUR,"-287,75",EUR,"-287,75",0a1b-1',
    ]
    own.bring("\n".join([heading, *rows]))
    assert sorted(own.told("cash_effect")) == [
        ("buy", "-290.17"),
        ("dividend", "911.00"),
        ("tax", "-136.65"),
    ]
    assert own.cash == D("484.18")


def test_the_costs_of_an_order_that_is_refused_are_refused_with_it(person: Any) -> None:
    own = person.account("EUR")
    batch = own.preview(DEGIRO_GERMAN.replace("Kauf 25 zu je", "Erwerb 25 zu je"))
    assert own.verdicts(batch) == [
        "error held_back",
        "error held_back",
        "error type_unknown",
        "skipped sweep",
        "ready",
    ]


def test_fills_of_an_order_need_no_heading_for_its_id(person: Any) -> None:
    own = person.account("EUR")
    text = DEGIRO_FILLS.replace("Order ID,\n", "Order ID\n")
    own.bring(text)
    assert {row["order_id"] for row in own.transactions()} == {
        "07bedc06-f3a5-4975-944e-a52aa46ccef5"
    }
    assert own.cash == D("-1746.35")
    lines = text.strip().splitlines()
    assert own.again("\n".join([*lines, lines[-1]])) == 1
