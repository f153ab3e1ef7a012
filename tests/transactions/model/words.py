"""The terms of the model: stated rows, a household, its shares, and replacements."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

EVENTS = (
    "split",
    "stock_dividend",
    "spin_off",
    "merger",
    "symbol_change",
    "return_of_capital",
    "rights_issue",
)
PURCHASES = ("buy", "reinvestment", "rights_exercise")
RANKS = dict.fromkeys(EVENTS, 0) | dict.fromkeys((*PURCHASES, "transfer_in"), 1)
RANKS |= {"rights_exercise": 2, "transfer_out": 3, "sell": 4}
# Corporate actions of one asset at one instant: units, cash, what is distributed, exchanges.
TURNS = {"return_of_capital": 1, "spin_off": 2, "rights_issue": 2, "merger": 3, "symbol_change": 3}
WINDOW = timedelta(days=30)


class Refused(Exception):
    """A row sells, moves or names more than is held."""


@dataclass(frozen=True)
class Row:
    """One stated transaction; `to` is the account a transfer goes to, `chosen` names lots."""

    id: int
    type: str
    account: str
    at: datetime
    asset: str = ""
    quantity: Fraction = Fraction(0)
    amount: Fraction = Fraction(0)
    fee: Fraction = Fraction(0)
    method: str = "fifo"
    chosen: tuple[tuple[int, Fraction], ...] = ()
    order: str = ""
    ratio: Fraction | None = None
    new_asset: str = ""
    basis_part: Fraction = Fraction(0)
    opened: date | None = None
    to: str = ""
    rates: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))

    @property
    def moment(self) -> tuple[datetime, int]:
        return self.at, RANKS[self.type]

    @property
    def net(self) -> Fraction:
        return self.amount - self.fee if self.type == "sell" else self.amount + self.fee


@dataclass(frozen=True)
class Household:
    """Accounts by name and type, assets that are substantially identical, and the policy."""

    accounts: dict[str, str]
    identical: dict[str, str] = field(default_factory=dict)
    crypto: frozenset[str] = frozenset()
    wash_sales: bool = True
    earlier_acquired_count: bool = True
    carry_date: bool = False
    employer_plan_counts: bool = True
    crypto_exempt: bool = True


@dataclass(eq=False)
class Shares:
    """Shares of one acquisition that are alike. `since` starts their holding period."""

    acquisition: int
    bought_in: str
    account: str
    asset: str
    opened: datetime
    since: date
    quantity: Fraction
    basis: Fraction
    # These facts distinguish purchases of one instant.
    stated: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    moved: Fraction = Fraction(0)
    purchase: bool = True
    same_purchase: tuple[object, ...] = ()
    arrived: bool = False
    # Shares that a transfer brings from outside: since when the household's accounts hold them.
    elsewhere: bool = False
    arrives: datetime = datetime.min.replace(tzinfo=UTC)
    replaced_a_loss: bool = False
    sale: Row | None = None
    # The day they were sold, for cash that came later.
    sold_on: date | None = None
    # Parts of sales, in the order in which the methods took them.
    part: int = 0
    proceeds: Fraction = Fraction(0)
    matched: Fraction = Fraction(0)
    deferred: Fraction = Fraction(0)
    lost_quantity: Fraction = Fraction(0)
    lost: Fraction = Fraction(0)

    @property
    def age(self) -> tuple[object, ...]:
        return (
            *(self.opened, self.stated, self.acquisition, self.since),
            not self.replaced_a_loss,
        )

    @property
    def long(self) -> bool:
        assert self.sale is not None
        return long_term(self.since, self.sold_on or self.sale.at.date())

    @property
    def held(self) -> bool:
        return self.arrived and self.sale is None

    @property
    def unit_basis(self) -> Fraction:
        return self.basis / self.quantity

    @property
    def loss(self) -> Fraction:
        return self.basis - self.proceeds


@dataclass(frozen=True)
class Match:
    """`loss_quantity` units of a sale at a loss replaced by `quantity` units of a purchase."""

    sale: int
    loss_lot: int
    replacement: int
    quantity: Fraction
    loss_quantity: Fraction
    disallowed: Fraction
    days_held: int
    permanent: bool


@dataclass
class Outcome:
    """Open shares, sales, and replacements."""

    lots: list[Shares]
    sold: list[Shares]
    matches: list[Match]


def long_term(since: date, sold: date) -> bool:
    """Held more than a year: the day of acquisition does not count, the day of sale does."""
    first = since + timedelta(days=1)
    if (first.month, first.day) == (2, 29):
        return sold >= date(first.year + 1, 3, 1)
    return sold >= date(first.year + 1, first.month, first.day)


def bought(row: Row) -> Shares:
    return Shares(
        acquisition=row.id,
        bought_in=row.account,
        account=row.account,
        asset=row.new_asset or row.asset,
        opened=row.at,
        since=row.at.date(),
        quantity=row.quantity,
        basis=row.amount + row.fee,
        stated=(row.quantity, row.net),
        same_purchase=(row.account, row.asset, row.order or row.at),
    )


def received(row: Row) -> Shares:
    """Received from outside, with its basis; acquired on the day it was acquired there."""
    day = row.opened or row.at.date()
    opened = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Shares(
        acquisition=row.id,
        bought_in=row.account,
        account=row.account,
        asset=row.asset,
        opened=opened,
        since=day,
        quantity=row.quantity,
        basis=row.amount,
        stated=(row.quantity, row.net),
        same_purchase=(row.account, row.asset, opened),
        elsewhere=True,
        arrives=row.at,
    )


def units_per_old(row: Row) -> Fraction:
    """Return new units per old one; 0 if a row is no split, or states only units added."""
    if row.ratio is None or row.type not in ("split", "stock_dividend"):
        return Fraction(0)
    return row.ratio + (row.type == "stock_dividend")


def place_in_line(shares: Shares) -> tuple[object, ...]:
    """Order replacements by purchase; within one purchase, kept shares before leaving ones."""
    bought_in, asset = shares.same_purchase[:2]
    return (
        *(shares.opened, bought_in, asset, *shares.age[1:]),
        *(shares.account, shares.asset, shares.sale is not None),
    )
