"""From the inputs of a harvest to offers, refusals and trades. Pure.

    1. refuse     what must not be sold at a loss: obstacles, restrictions, prices, thresholds
    2. order      the rest by the estimate of what each brings alone, best first
    3. evaluate   one after the other, each on top of the losses before it: its orders priced, its
                  lines computed by the ledger's own code, its tax from the recomputed Schedule D
    4. choose     the first candidate that may be bought: never of the identity group, never sold at
                  a loss in the same plan, nowhere blocked in the household

So the offers add up: their tax is that of all of them together. The same inputs give the same
result to the byte, on any day and in any order of their parts.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext

from core.money import quantize
from recommendations.engine.problem import ZERO, Security
from recommendations.engine.result import Trade, TradeLot
from recommendations.engine.sale_lines import sale_lines
from recommendations.harvesting import legs
from recommendations.harvesting.legs import Leg
from recommendations.harvesting.problem import (
    Candidate,
    HarvestInputs,
    Replacements,
    canonical,
    ensure_valid,
    ensure_version,
)
from recommendations.harvesting.reasons import HARVEST, REPLACEMENT, refusal
from recommendations.harvesting.result import (
    ChosenReplacement,
    HarvestResult,
    HarvestTotals,
    Offer,
    PassedOver,
    Refusal,
    SwitchBack,
)
from recommendations.harvesting.selection import (
    Selection,
    losing_value,
    selection,
    with_recent_lots,
)
from recommendations.harvesting.switch_back import switch_backs
from recommendations.harvesting.tax_value import HUNDRED, Loss, TaxPosition, TaxValue, tax_value
from recommendations.harvesting.trading import trade_of
from transactions.ledger.holding_period import first_long_term_date
from transactions.ledger.wash_windows import WINDOW_DAYS, clean_date

_CONTEXT = Context(prec=60)
_PERCENT = Decimal("0.01")
_DAYS_OF_YEAR = 365
_DAY = timedelta(days=1)


def harvest(*, inputs: HarvestInputs) -> HarvestResult:
    """Return the harvest of one account.

    Raises InvalidInput (a code of `ensure_valid`) and Conflict (engine_version_unknown). An account
    that is not taxed gets no offers.
    """
    ensure_version(inputs.version)
    ensure_valid(inputs=inputs)
    with localcontext(_CONTEXT):
        run = _Run(canonical(inputs=inputs))
        run.harvest()
        return run.result()


@dataclass(slots=True)
class _Run:
    """The state of one run: what is sold and bought so far, and the tax position after it."""

    inputs: HarvestInputs
    offers: list[Offer] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    sold_groups: set[str] = field(default_factory=set)
    bought_groups: set[str] = field(default_factory=set)
    switched: tuple[SwitchBack, ...] = ()
    # The places of the securities by identity group, and by asset; the candidates by asset.
    groups: dict[str, list[int]] = field(default_factory=dict)
    by_asset: dict[str, Security] = field(default_factory=dict)
    candidates: dict[str, Replacements] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for i, security in enumerate(self.inputs.account.securities):
            self.groups.setdefault(security.identity_group or f"#{i}", []).append(i)
            self.by_asset[security.asset_id] = security
        self.candidates = {row.asset_id: row for row in self.inputs.replacements}

    def harvest(self) -> None:
        """Go through the securities, best first; then look at the switches back."""
        account, taxes = self.inputs.account, self.inputs.taxes
        selected: list[tuple[int, Selection]] = []
        for i, security in enumerate(account.securities):
            if not security.lots:
                continue
            why, until = self._obstacle(security)
            if not why and taxes is not None:
                found = selection(
                    security=security,
                    position=taxes,
                    options=self.inputs.options,
                    as_of=account.as_of,
                    home=account.currency,
                )
                if found is not None:
                    selected.append((i, found))
                    continue
                why = "at_gain"
            self._refuse(security, why, until)
        for i, found in sorted(selected, key=lambda row: (-row[1].estimate, row[0])):
            assert taxes is not None, "only taxed accounts select lots"
            taxes = self._evaluated(i, found, taxes)
        self.switched, trades = switch_backs(
            inputs=self.inputs,
            sold=frozenset(self.sold_groups),
            bought=frozenset(self.bought_groups),
        )
        self.trades += trades

    def _obstacle(self, security: Security) -> tuple[str, date | None]:
        """Return the code of why no loss of a security is harvested, and until when; "" if it is.

        A holding without a loss is refused for that alone.
        """
        if security.price is None:
            return "price_missing", None
        if not losing_value(security=security)[1]:
            return "at_gain", None
        if self.inputs.taxes is None:
            return self.inputs.untaxed, None
        if security.sell_block is not None:
            return security.sell_block.code, security.sell_block.until
        group = security.identity_group or ""
        if not security.wash_sales:
            return "", None
        for obstacle in self.inputs.obstacles:
            if obstacle.group == group:
                return obstacle.code, obstacle.until
        return "", None

    def _refuse(
        self,
        security: Security,
        code: str,
        until: date | None = None,
        net_benefit: Decimal | None = None,
    ) -> None:
        value, loss = losing_value(security=security)
        currency = self.inputs.account.currency
        self.refused.append(
            Refusal(
                symbol=security.symbol,
                asset_id=security.asset_id,
                reason=code,
                explanation=refusal(code, security.symbol, until),
                value=quantize(value, currency),
                loss=quantize(loss, currency),
                until=until,
                net_benefit=net_benefit,
            )
        )

    def _evaluated(self, i: int, found: Selection, taxes: TaxPosition) -> TaxPosition:
        """Offer or refuse the selected lots of a security; return the tax position after it."""
        account, options = self.inputs.account, self.inputs.options
        security = account.securities[i]
        group = security.identity_group or f"#{i}"
        if group in self.bought_groups:
            self._refuse(security, "bought_as_replacement")
            return taxes
        if group in self.sold_groups:
            self._refuse(security, "group_in_plan")
            return taxes
        sold = self._sold(i, found)
        if sold.disallowed:
            wider = with_recent_lots(found, security=security, as_of=account.as_of)
            other = self._sold(i, wider)
            if other.disallowed < sold.disallowed:
                found, sold = wider, other
        sale, lots, loss, disallowed = sold.sale, sold.lots, sold.loss, sold.disallowed
        washed = self._washed(group, loss, disallowed)
        if washed:
            self._refuse(security, *washed)
            return taxes
        worth = tax_value(position=taxes, loss=loss, options=options, currency=account.currency)
        chosen = self._replacement(security, sale)
        if chosen.leg is None and not options.without_replacement:
            self._refuse(security, chosen.reason)
            return taxes
        back = self._back(security, sale, chosen)
        bought = chosen.leg.cost if chosen.leg else ZERO
        net = worth.net - sale.cost - bought - back
        code = _below(self.inputs, loss=loss.total, net=net, value=sale.value)
        if code:
            self._refuse(security, code, net_benefit=net)
            return taxes
        self.sold_groups.add(group)
        priced = _Priced(sale, bought, back, net, disallowed)
        self.offers.append(self._offer(security, found, priced, lots, loss, worth, chosen))
        self._trade(security, sale, lots, chosen)
        return taxes.after(loss)

    def _sold(self, i: int, found: Selection) -> "_Sold":
        """Return the sale of the selected lots, with the lines the ledger would write of it."""
        account = self.inputs.account
        sale = legs.sale(
            security=account.securities[i],
            quantity=found.quantity,
            brokerage=self.inputs.options.brokerage_fee,
            on=account.as_of,
            home=account.currency,
        )
        # Groups are independent, so the lines need only the members of this one.
        members = self.groups[account.securities[i].identity_group or f"#{i}"]
        group = replace(account, securities=tuple(account.securities[n] for n in members))
        place = members.index(i)
        sold = {place: (found.parts, sale.value - sale.cost)}
        lots = sale_lines(inputs=group, sold=sold)[place]
        disallowed = sum((lot.disallowed_loss for lot in lots), ZERO)
        return _Sold(sale, lots, _loss(lots), disallowed)

    def _offer(
        self,
        security: Security,
        found: Selection,
        priced: "_Priced",
        lots: tuple[TradeLot, ...],
        loss: Loss,
        worth: TaxValue,
        chosen: "_Choice",
    ) -> Offer:
        as_of, sale = self.inputs.account.as_of, priced.sale
        return Offer(
            symbol=security.symbol,
            asset_id=security.asset_id,
            quantity=sale.quantity,
            price=security.traded_at,
            value=sale.value,
            loss=loss.total,
            loss_short=loss.short_term,
            loss_long=loss.long_term,
            disallowed_loss=priced.disallowed,
            tax_now=worth.now,
            tax_carried=worth.carried,
            tax_later=worth.later,
            cost_sale=sale.cost,
            cost_purchase=priced.purchase,
            cost_back=priced.back,
            net_benefit=priced.net,
            benefit_percentage=(priced.net / sale.value * HUNDRED).quantize(_PERCENT),
            first_safe_date=clean_date(as_of),
            turns_long_term_date=_turns_long_term(found, as_of),
            replacement=self._chosen(chosen),
            passed_over=chosen.passed_over,
            lots=lots,
        )

    def _washed(
        self, group: str, loss: Loss, disallowed: Decimal
    ) -> tuple[str, date | None] | None:
        """Return the refusal of a loss that purchases would wash; None if enough is left."""
        if not disallowed:
            return None
        account = self.inputs.account
        bought = [row for row in account.purchases if row.group == group]
        days = [row.opened_at.date() for row in bought]
        days += [
            lot.opened_date
            for security in account.securities
            if security.identity_group == group
            for lot in security.lots
            if lot.bought and (account.as_of - lot.opened_date).days <= WINDOW_DAYS
        ]
        # The last day on which the newest of those purchases still counts.
        until = clean_date(max(days)) - _DAY if days else None
        if any(row.permanent for row in bought):
            return "washed_in_retirement_account", until
        return ("washed", until) if loss.total <= 0 else None

    def _replacement(self, security: Security, sale: Leg) -> "_Choice":
        """Return the best candidate that may be bought for the proceeds."""
        account = self.inputs.account
        known = self.candidates.get(
            security.asset_id, Replacements(security.asset_id, reason="not_screened")
        )
        passed: list[PassedOver] = []
        for candidate in known.candidates:
            other = self.by_asset.get(candidate.asset_id)
            if other is None:
                continue
            code, until = self._barred(security, other)
            leg = None
            if not code:
                leg = legs.affordable(
                    security=other,
                    cash=sale.value - sale.cost,
                    brokerage=self.inputs.options.brokerage_fee,
                    whole=account.settings.whole_shares,
                    home=account.currency,
                )
                code = "" if leg else "unaffordable"
            if leg is not None:
                return _Choice(other, candidate, leg, tuple(passed))
            passed.append(PassedOver(other.symbol, code, until))
        return _Choice(None, None, None, tuple(passed), known.reason or "no_replacement")

    def _barred(self, security: Security, other: Security) -> tuple[str, date | None]:
        """Return why a candidate must not be bought, and until when; "" if it may."""
        group = other.identity_group or other.symbol
        if group == security.identity_group or other.asset_id == security.asset_id:
            return "substantially_identical", None
        if group in self.sold_groups:
            return "sold_in_plan", None
        if other.price is None:
            return "price_missing", None
        if other.buy_block is not None:
            return other.buy_block.code, other.buy_block.until
        return "", None

    def _back(self, security: Security, sale: Leg, chosen: "_Choice") -> Decimal:
        """Return the cost of the switch back at today's prices: sale and purchase."""
        account, brokerage = self.inputs.account, self.inputs.options.brokerage_fee
        again = legs.purchase(
            security=security, quantity=sale.quantity, brokerage=brokerage, home=account.currency
        )
        if chosen.leg is None or chosen.security is None:
            return again.cost
        sold = legs.sale(
            security=chosen.security,
            quantity=chosen.leg.quantity,
            brokerage=brokerage,
            on=clean_date(account.as_of),
            home=account.currency,
        )
        return sold.cost + again.cost

    def _chosen(self, chosen: "_Choice") -> ChosenReplacement | None:
        if chosen.leg is None or chosen.security is None or chosen.candidate is None:
            return None
        candidate = chosen.candidate
        days = Decimal(WINDOW_DAYS + 1) / _DAYS_OF_YEAR
        risk = chosen.leg.value * candidate.tracking_error * days.sqrt()
        return ChosenReplacement(
            symbol=chosen.security.symbol,
            asset_id=chosen.security.asset_id,
            quantity=chosen.leg.quantity,
            value=chosen.leg.value,
            correlation=candidate.correlation,
            tracking_error=candidate.tracking_error,
            sessions=candidate.sessions,
            expense_difference=candidate.expense_difference,
            risk=quantize(risk, self.inputs.account.currency),
        )

    def _trade(
        self, security: Security, sale: Leg, lots: tuple[TradeLot, ...], chosen: "_Choice"
    ) -> None:
        home = self.inputs.account.currency
        self.trades.append(
            trade_of(security=security, side="sell", leg=sale, lots=lots, reason=HARVEST, home=home)
        )
        if chosen.leg is None or chosen.security is None:
            return
        self.bought_groups.add(chosen.security.identity_group or chosen.security.symbol)
        self.trades.append(
            trade_of(
                security=chosen.security,
                side="buy",
                leg=chosen.leg,
                lots=(),
                reason=REPLACEMENT,
                home=home,
                other=security.symbol,
            )
        )

    def result(self) -> HarvestResult:
        """Return the answer."""
        account = self.inputs.account

        def total(name: str) -> Decimal:
            return sum((getattr(offer, name) for offer in self.offers), ZERO)

        cash = sum((trade.cash_effect for trade in self.trades), ZERO)
        return HarvestResult(
            engine_version=self.inputs.version,
            account_id=account.account_id,
            as_of=account.as_of,
            currency=account.currency,
            trades=tuple(self.trades),
            offers=tuple(self.offers),
            refused=tuple(sorted(self.refused, key=lambda row: (-row.loss, row.symbol))),
            switch_backs=self.switched,
            totals=HarvestTotals(
                loss=total("loss"),
                loss_short=total("loss_short"),
                loss_long=total("loss_long"),
                tax_now=total("tax_now"),
                tax_carried=total("tax_carried"),
                tax_later=total("tax_later"),
                costs=total("costs"),
                net_benefit=total("net_benefit"),
                cash_before=account.cash,
                cash_after=account.cash + cash,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Choice:
    """The replacement with its purchase, or the code of why there is none."""

    security: Security | None
    candidate: Candidate | None
    leg: Leg | None
    passed_over: tuple[PassedOver, ...] = ()
    reason: str = "no_replacement"


@dataclass(frozen=True, slots=True)
class _Sold:
    """The sale of an offer: its order, its lines, and the loss that counts."""

    sale: Leg
    lots: tuple[TradeLot, ...]
    loss: Loss
    disallowed: Decimal


@dataclass(frozen=True, slots=True)
class _Priced:
    """The orders of an offer and what is left after them."""

    sale: Leg
    purchase: Decimal
    back: Decimal
    net: Decimal
    disallowed: Decimal


def _loss(lots: tuple[TradeLot, ...]) -> Loss:
    """Return the recognized losses of the lines, by term."""
    recognized = {"short": ZERO, "long": ZERO}
    for lot in lots:
        recognized[lot.term] -= lot.gain + lot.disallowed_loss
    return Loss(recognized["short"], recognized["long"])


def _below(inputs: HarvestInputs, *, loss: Decimal, net: Decimal, value: Decimal) -> str:
    """Return the code of the threshold that is not passed; "" if all are."""
    options = inputs.options
    if loss < options.minimum_loss:
        return "below_minimum_loss"
    if net <= options.minimum_benefit:
        return "below_minimum_benefit"
    if net * HUNDRED <= options.minimum_benefit_percentage * value:
        return "below_minimum_percentage"
    return ""


def _turns_long_term(found: Selection, as_of: date) -> date | None:
    """Return the first day on which a lot of the sale that is short-term becomes long-term."""
    days = [first_long_term_date(opened_date=lot.holding_period_date) for lot, _ in found.parts]
    return min((day for day in days if day > as_of), default=None)
