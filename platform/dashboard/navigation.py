"""The pages of the main navigation, declared once, and the scope they are shown in. Pure.

Every entry leads to a page of the whole household and, for one account, to a page of that account.
A page is in the navigation once its entry is in `ENTRIES`. An example of another one:

    Entry("Income", household="income", icon="coins", key="i")     one page for the household
    Entry("Income", ..., account_in_query=True)                    the same with `?account=<id>`
    Entry("Tax", household="tax", account="gains", ...)            a page for each of the two

The scope is the household or one account. It follows the page: a page of an account selects that
account, a page of the household the household. Other pages (settings, notices) keep the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class View(NamedTuple):
    """A page of an account that belongs to an entry, shown as a tab."""

    label: str
    page: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation. Pages are URL names; those of an account take `account_id`."""

    label: str
    household: str
    icon: str
    # The letter that leads there after `g`.
    key: str = ""
    # The page of one account. Empty: the entry leads to the household's page in every scope.
    account: str = ""
    # Whether the household's page shows one account by the query parameter `account`; such a page
    # puts the account as `account` into its context.
    account_in_query: bool = False
    # The tabs of an account's pages; the first is the page that the entry leads to.
    views: tuple[View, ...] = ()
    # Further pages at which the entry is the current one.
    pages: tuple[str, ...] = ()
    # Whether the entry leads to the household's page even in the scope of an account.
    always_household: bool = False
    # Query parameters that a change of the scope keeps.
    keeps: tuple[str, ...] = ()
    # Whether the bottom bar of a phone shows the entry; the others are under "More".
    on_phone: bool = False
    # The only role that has the entry; empty for everybody.
    role: str = ""

    @property
    def serves_accounts(self) -> bool:
        """Whether one account can be shown alone."""
        return bool(self.account) or self.account_in_query

    def has(self, page: str) -> bool:
        """Return whether a page belongs to this entry."""
        return page in (self.household, self.account, *self.pages) or any(
            view.page == page for view in self.views
        )


ENTRIES: Sequence[Entry] = (
    Entry(
        "Clients",
        household="clients",
        icon="layers",
        key="c",
        pages=("clients_review", "household_report"),
        role="adviser",
    ),
    Entry(
        "Tax records",
        household="accounting",
        icon="percent",
        key="r",
        pages=("accounting_year",),
        role="accountant",
    ),
    Entry(
        "Home",
        household="overview",
        account="portfolio",
        icon="home",
        key="h",
        pages=("lots", "home_value", "home_todo", "home_allocation", "home_income", "home_movers"),
        always_household=True,
        on_phone=True,
    ),
    Entry(
        "Holdings",
        household="holdings",
        icon="layers",
        key="o",
        account_in_query=True,
        pages=("asset", "asset_new"),
        keeps=("q", "asset_class", "currency", "losses", "group", "sort"),
        on_phone=True,
    ),
    Entry(
        "Performance",
        household="household_performance",
        account="performance",
        icon="chart",
        key="f",
        keeps=("range", "from", "to", "benchmark"),
    ),
    Entry(
        "Income",
        household="income",
        icon="coins",
        account_in_query=True,
        keeps=("from", "to"),
    ),
    Entry(
        "Plan",
        household="plan",
        account="targets",
        icon="target",
        key="p",
        views=(
            View("Targets", "targets"),
            View("Harvest", "harvest"),
            View("Recommendations", "recommendations"),
            View("Orders", "account_orders"),
        ),
        pages=(
            *("recommendation", "order_sheet", "rebalance", "rebalance_job", "harvest_request"),
            *("questionnaire", "models", "model", "goals", "goal"),
        ),
        on_phone=True,
    ),
    Entry(
        "Discover",
        household="discover",
        icon="compass",
        key="d",
        always_household=True,
        pages=("strategy", "strategies_compare", "strategy_clone"),
    ),
    Entry(
        "Tax",
        household="tax",
        account="gains",
        icon="percent",
        key="t",
        views=(View("Gains", "gains"), View("Reconcile", "reconciliations")),
        pages=("lot", "reconciliation", "sale_preview", "tax_filing", "tax_calendar"),
        keeps=("year",),
    ),
    Entry(
        "Activity",
        household="activity",
        account="transactions",
        icon="list",
        key="a",
        views=(
            View("Transactions", "transactions"),
            View("Dividends", "dividends_due"),
            View("Import and export", "imports"),
        ),
        pages=(
            *("edit_transaction", "import", "mapping", "record", "corporate_actions"),
            *("transaction_grid", "cash_transfer", "sell_lots"),
        ),
    ),
)


def entry_of(page: str) -> Entry | None:
    """Return the entry that a page belongs to, or None."""
    return next((entry for entry in ENTRIES if entry.has(page)), None)


def is_of_household(page: str) -> bool:
    """Return whether a page shows the whole household."""
    return any(entry.household == page for entry in ENTRIES)
