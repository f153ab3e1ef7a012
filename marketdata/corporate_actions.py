"""Corporate actions of a security: their kinds and terms, and when two reports are one. Pure.

    one action   the same kind, at most DAYS_APART_MAX calendar days apart, with ratios less than a
                 fifth apart. Sources date an action by its record, ex or payment date; a ratio made
                 from the units a broker added is off by the fraction of a share it paid out:
                 33 shares become 49, not 49.5
    change of    a split and a stock dividend both change the units of the security itself, so they
    units        are compared by new units for one old: 2:1, and 1 for each share held, are alike

Worked example: a split of 3:2 with the ex-day June 10, and 49:33 on June 11: 1.4848 / 1.5 is less
than a fifth off and one day apart, so it is one split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from core.errors import InvalidInput
from core.limits import RATIO_MAX
from core.money import plain

DAYS_APART_MAX = 5
RATIOS_APART = Fraction(1, 5)


@dataclass(frozen=True, slots=True)
class ActionKind:
    """A kind of corporate action: the terms it needs, and those it may have."""

    name: str
    label: str
    about: str
    requires: frozenset[str]
    takes: frozenset[str] = frozenset()
    # It changes the units of the security itself.
    rescales: bool = False

    @property
    def terms(self) -> frozenset[str]:
        return self.requires | self.takes


_FRACTION = frozenset({"cash_in_lieu_price"})
_PAID = frozenset({"payment_date"})
_ALL = (
    ActionKind(
        "split",
        "Split",
        "New units replace old ones: 2:1, or 1:10 for a reverse split. Basis and dates stay.",
        frozenset({"ratio"}),
        _FRACTION,
        rescales=True,
    ),
    ActionKind(
        "stock_dividend",
        "Stock dividend",
        "More shares of the same for each share held, not taxed: 1:20 for 5 %.",
        frozenset({"ratio"}),
        _FRACTION,
        rescales=True,
    ),
    ActionKind(
        "spin_off",
        "Spin-off",
        "Shares of another company for each share held, with a part of the basis.",
        frozenset({"new_symbol", "ratio", "basis_percentage"}),
        _FRACTION,
    ),
    ActionKind(
        "rights_issue",
        "Rights issue",
        "Rights for each share held. Without a percentage their basis is zero.",
        frozenset({"new_symbol", "ratio"}),
        _FRACTION | {"basis_percentage"},
    ),
    ActionKind(
        "merger",
        "Merger",
        "Shares of the successor, cash, or both for every share held.",
        frozenset(),
        _FRACTION | {"new_symbol", "ratio", "cash_per_share", "new_share_value"},
    ),
    ActionKind(
        "exchange_offer",
        "Exchange offer",
        "Shares of another company, and perhaps cash, for each share that its holder tenders.",
        frozenset({"new_symbol", "ratio"}),
        _FRACTION | {"cash_per_share", "new_share_value"},
    ),
    ActionKind(
        "symbol_change",
        "Symbol change",
        "The security gets another symbol. Lots and dates stay.",
        frozenset({"new_symbol"}),
    ),
    ActionKind(
        "return_of_capital",
        "Return of capital",
        "Cash for each share that reduces its basis; the part beyond the basis is gain.",
        frozenset({"cash_per_share"}),
        _PAID,
    ),
    ActionKind(
        "liquidation",
        "Liquidation",
        "Cash for each share: first it recovers the basis, then it is gain. The final payment "
        "closes the shares, with a loss if basis is left.",
        frozenset({"cash_per_share"}),
        _PAID | {"final"},
    ),
    ActionKind(
        "delisting",
        "Delisting at zero",
        "The shares became worthless. The loss falls on December 31 of the year of the ex-day.",
        frozenset(),
    ),
    ActionKind(
        "cash_in_lieu",
        "Cash in lieu",
        "Cash for the fraction of a share that an earlier action left.",
        frozenset({"cash_in_lieu_price"}),
        _PAID,
    ),
)
ACTION_KINDS: Mapping[str, ActionKind] = MappingProxyType({kind.name: kind for kind in _ALL})
ACTION_CHOICES = tuple((kind.name, kind.label) for kind in _ALL)
# Every term that only some kinds have.
_TERMS = frozenset().union(*(kind.terms for kind in _ALL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a corporate action for one share. Prices and cash are in `currency`.

    `ratio_new` for `ratio_old`: of a split or merger, new units for old ones; of a distribution,
    units received for units held. `new_share_value`: the value of one new share, against which
    cash beside stock is measured. `cash_in_lieu_price`: what is paid for a whole share where only
    a fraction is left. `final`: the last payment of a liquidation.
    """

    kind: str
    symbol: str
    ex_date: date
    currency: str
    new_symbol: str | None = None
    ratio_new: Decimal | None = None
    ratio_old: Decimal | None = None
    basis_percentage: Decimal | None = None
    cash_per_share: Decimal | None = None
    new_share_value: Decimal | None = None
    cash_in_lieu_price: Decimal | None = None
    payment_date: date | None = None
    final: bool = False

    @property
    def about(self) -> ActionKind:
        return ACTION_KINDS[self.kind]

    @property
    def ratio(self) -> Fraction | None:
        if self.ratio_new is None or self.ratio_old is None:
            return None
        return Fraction(self.ratio_new) / Fraction(self.ratio_old)

    @property
    def rescaling(self) -> Fraction | None:
        """New units for one old unit, if the action changes the units of the security."""
        if not self.about.rescales or self.ratio is None:
            return None
        return 1 + self.ratio if self.kind == "stock_dividend" else self.ratio

    @property
    def booked_on(self) -> date:
        """The day of the transactions: the payment, the end of the year, or the ex-day."""
        if self.kind == "delisting":
            return date(self.ex_date.year, 12, 31)
        return self.payment_date or self.ex_date


def same_day(one: date, other: date) -> bool:
    """Return whether two sources may mean one action by these days."""
    return abs((one - other).days) <= DAYS_APART_MAX


def same_ratio(one: Fraction, other: Fraction) -> bool:
    """Return whether two ratios may be one, of which one was derived from rounded units."""
    return abs(one / other - 1) < RATIOS_APART


def same_action(one: Terms, other: Terms) -> bool:
    """Return whether two reports about one security are the same action."""
    if not same_day(one.ex_date, other.ex_date):
        return False
    if one.rescaling is not None and other.rescaling is not None:
        return same_ratio(one.rescaling, other.rescaling)
    if one.kind != other.kind or (one.new_symbol or "") != (other.new_symbol or ""):
        return False
    if one.kind == "liquidation" and one.final != other.final:
        return False
    return one.ratio is None or other.ratio is None or same_ratio(one.ratio, other.ratio)


def ensure_terms(terms: Terms) -> None:
    """Refuse terms that the kind needs and lacks, or has and does not know."""
    kind, given = terms.about, _given(terms)
    for name in sorted(kind.requires - given):
        raise InvalidInput(
            f"{kind.label} needs the {_words(name)}. Add it.",
            code="term_required",
            fields={name: ["is required"]},
        )
    for name in sorted(given & (_TERMS - kind.terms)):
        raise InvalidInput(
            f"{kind.label} has no {_words(name)}. Remove it.",
            code="term_not_allowed",
            fields={name: [f"is not used by {kind.name}"]},
        )
    if terms.new_symbol is not None and terms.new_symbol == terms.symbol:
        raise _invalid("new_symbol", "must differ from symbol", code="new_symbol_same")
    for term in (terms.ratio_new, terms.ratio_old):
        if term is not None and not 0 < term <= RATIO_MAX:
            raise _invalid("ratio", "must consist of positive numbers", code="ratio_invalid")
    if terms.rescaling == 1:
        raise _invalid("ratio", "must change the units", code="ratio_invalid")
    _ensure_merger(terms, given)
    if terms.payment_date is not None and terms.payment_date < terms.ex_date:
        raise _invalid("payment_date", "must not be before ex_date", code="payment_before_ex_date")


def _ensure_merger(terms: Terms, given: frozenset[str]) -> None:
    if terms.kind not in ("merger", "exchange_offer"):
        return
    if ("new_symbol" in given) != ("ratio" in given):
        missing = "ratio" if "new_symbol" in given else "new_symbol"
        raise _invalid(missing, "is required for shares of a successor", code="term_required")
    if not given & {"new_symbol", "cash_per_share"}:
        raise _invalid(
            "cash_per_share", "is required unless there is a new_symbol", code="term_required"
        )
    both = {"new_symbol", "cash_per_share"} <= given
    if both != ("new_share_value" in given):
        raise _invalid(
            "new_share_value",
            "is required with cash beside shares, and only then",
            code="new_share_value_required",
        )
    if "cash_in_lieu_price" in given and "new_symbol" not in given:
        raise _invalid(
            "cash_in_lieu_price", "is allowed only with a new_symbol", code="term_not_allowed"
        )


def _given(terms: Terms) -> frozenset[str]:
    stated = {name for name in _TERMS - {"ratio", "final"} if getattr(terms, name) is not None}
    stated |= {"ratio"} if terms.ratio_new is not None else set()
    return frozenset(stated | ({"final"} if terms.final else set()))


def sentence(terms: Terms) -> str:
    """Return what the action does, in one line: '2:1 split of AAPL'."""
    ratio = ""
    if terms.ratio_new is not None and terms.ratio_old is not None:
        ratio = f"{plain(terms.ratio_new)}:{plain(terms.ratio_old)} "
    kind = terms.about.label
    if terms.kind == "split" and terms.ratio is not None and terms.ratio < 1:
        kind = "Reverse split"
    name = f"{ratio}{kind.lower() if ratio else kind} of {terms.symbol}"
    return f"{name} into {terms.new_symbol}" if terms.new_symbol else name


def _words(name: str) -> str:
    return name.replace("_", " ")


def _invalid(field: str, message: str, *, code: str) -> InvalidInput:
    return InvalidInput(f"{field} {message}.", code=code, fields={field: [message]})
