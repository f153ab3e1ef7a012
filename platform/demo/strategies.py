"""The demo's strategies: weights over its real price history. Pure.

Each holds securities of one sample only, because the samples are of different years. Days count
back from the last session, as those of the people do. Records and backtests are computed by the
same tasks as everybody's.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoVersion:
    """A version: published so many days ago, symbols with percent and band in points."""

    days_ago: int
    weights: tuple[tuple[str, str, str], ...]
    note: str = ""
    schedule: str = "quarterly"


@dataclass(frozen=True, slots=True)
class DemoStrategy:
    """A strategy of the demo's adviser."""

    name: str
    summary: str
    description: str
    risk_profile: str
    tags: tuple[str, ...]
    versions: tuple[DemoVersion, ...]


AUTHOR_NAME = "Alex of the demo"
STRATEGIES = (
    DemoStrategy(
        "Four factors",
        "Momentum, quality, low volatility and value of US shares, a quarter each.",
        "Four funds, each of them *one* well-known factor. No factor is favored, because nobody "
        "knows which comes next.\n\n"
        "- **Rebalanced** every quarter, and when a fund is five points off\n"
        "- **Costs**: the funds charge 0.15 % a year, which is in their prices\n\n"
        "Prices are a historical sample of the demo, moved in time.",
        "growth",
        ("factors", "etf"),
        (
            DemoVersion(
                430,
                (("MTUM", "30", "5"), ("QUAL", "30", "5"), ("USMV", "40", "5")),
            ),
            DemoVersion(
                250,
                (
                    ("MTUM", "25", "5"),
                    ("QUAL", "25", "5"),
                    ("USMV", "25", "5"),
                    ("VLUE", "25", "5"),
                ),
                "Adds value, so that all four factors have a quarter.",
            ),
        ),
    ),
    DemoStrategy(
        "Everyday needs",
        "Large US makers of food, medicine and household goods, with some cash.",
        "Things that people buy in every year. Expect it to fall less than the market, and to rise "
        "less.\n\nPrices are a historical sample of the demo, moved in time.",
        "moderate",
        ("defensive", "shares"),
        (
            DemoVersion(
                200,
                (
                    ("JNJ", "20", "4"),
                    ("PG", "20", "4"),
                    ("KO", "15", "4"),
                    ("PEP", "15", "4"),
                    ("WMT", "20", "4"),
                    ("CASH", "10", "3"),
                ),
                schedule="yearly",
            ),
        ),
    ),
    DemoStrategy(
        "Manila five",
        "Five large companies of the Philippines in pesos, a fifth each.",
        "A young record in another currency: no benchmark and no risk-free rate are loaded for "
        "pesos, and the page says so.\n\nPrices are a historical sample of the demo without most "
        "dividends, moved in time.",
        "aggressive",
        ("philippines", "shares"),
        (
            DemoVersion(
                60,
                (
                    ("TEL.PS", "20", "5"),
                    ("JFC.PS", "20", "5"),
                    ("SMPH.PS", "20", "5"),
                    ("AC.PS", "20", "5"),
                    ("MER.PS", "20", "5"),
                ),
                schedule="monthly",
            ),
        ),
    ),
)
