"""The people of the demo, and how they invest. Pure."""

from dataclasses import dataclass

from portfolios.samples.plans import AccountPlan, Sale, Wish


@dataclass(frozen=True, slots=True)
class Person:
    """A person who can log in; people with the same `household` see the same accounts."""

    email: str
    password: str
    full_name: str
    household: str
    role: str = "investor"


DEMO, PARTNER = "demo@ballast.example", "partner@ballast.example"
ADVISER, ADMIN = "adviser@ballast.example", "admin@ballast.example"
PEOPLE = (
    Person(DEMO, "ballast-demo", "Dana Demo", "Demo family"),
    Person(PARTNER, "ballast-demo", "Robin Demo", "Demo family"),
    Person(ADVISER, "ballast-demo", "Alex Adviser", "Adviser's office", "adviser"),
    Person(ADMIN, "ballast-admin", "Olivia Operator", "Operations", "operator"),
)

_QUARTER = 91
ACCOUNTS = (
    AccountPlan(
        DEMO,
        "Brokerage",
        "taxable",
        "USD",
        ((1640, 60_000), *((days, 6_000) for days in range(1460, 40, -_QUARTER))),
        (
            Wish("AAPL", "8", 9),
            Wish("MSFT", "8", 9),
            Wish("JNJ", "6", 7),
            Wish("JPM", "6", 7),
            Wish("KO", "5", 5),
            Wish("PG", "5", 5),
            Wish("HD", "5", 6),
            Wish("UNH", "5", 5),
            Wish("XOM", "4", 5),
            Wish("WMT", "5", 5),
            Wish("RRC", "2", 3),
            Wish("BBY", "2", 3),
            Wish("MTUM", "8", 5),
            Wish("QUAL", "8", 8),
            Wish("VLUE", "6", 6),
            Wish("UST5Y", "8", 6),
            Wish("UST10Y", "7", 6),
        ),
        (
            Sale(1200, "KO", "0.4"),
            Sale(616, "XOM", "0.5"),
            Sale(610, "RRC", "0.6"),
            Sale(300, "AAPL", "0.15"),
            Sale(150, "JPM", "0.2"),
        ),
    ),
    AccountPlan(
        DEMO,
        "Rollover IRA",
        "ira",
        "USD",
        ((1500, 85_000),),
        (
            Wish("USMV", "30", 30, "3"),
            Wish("QUAL", "20", 20, "3"),
            Wish("UST10Y", "25", 25, "3"),
            Wish("PFE", "10", 10),
            Wish("MRK", "10", 12),
        ),
        (Sale(700, "MRK", "0.3"),),
    ),
    AccountPlan(
        PARTNER,
        "Roth IRA",
        "roth_ira",
        "USD",
        tuple((days, 6_500) for days in range(1420, 100, -365)),
        (
            Wish("MTUM", "40", 40, "3"),
            Wish("SIZE", "25", 25, "3"),
            Wish("LLY", "15", 15, "3"),
            Wish("AMD", "15", 18, "3"),
        ),
    ),
    # Shares bought near their peak, for the page of losses, and a loss of the last days.
    AccountPlan(
        PARTNER,
        "Robin's shares",
        "taxable",
        "USD",
        ((1696, 7_000), (1174, 9_000), (300, 4_000)),
        (
            Wish("GE", "25", 60, "5"),
            Wish("XOM", "35", 45, "5"),
            Wish("BAC", "40", 30, "5"),
        ),
        (Sale(12, "XOM", "0.4"),),
    ),
    AccountPlan(
        PARTNER,
        "Euro account",
        "taxable",
        "EUR",
        ((1300, 40_000), (900, 15_000), (400, 15_000)),
        (
            Wish("CVX", "20", 20, "3"),
            Wish("BAC", "20", 20, "3"),
            Wish("GE", "10", 10, "3"),
            Wish("TEL.PS", "15", 14, "3"),
            Wish("JFC.PS", "15", 14, "3"),
            Wish("SMPH.PS", "15", 14, "3"),
        ),
        (Sale(500, "GE", "0.3"),),
    ),
)
