"""Invariants of the database after any test (specification, 3.3 a to c, and the ledger's own).

Each check is one statement over all households and names the rows that break it. None depends on
how lots are booked. d and e (order, account split, far purchases) are properties of whole ledgers
and are tested where ledgers are created.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

# a. allowed + disallowed = loss, never more than the loss, never more shares than were sold.
LOSSES = """
SELECT disposal.id
  FROM transactions_disposal disposal
  JOIN transactions_account account ON account.id = disposal.account_id
 WHERE matched_quantity > disposal.quantity
    OR permanent_quantity > matched_quantity
    OR deferred_loss + permanent_loss > greatest(0, cost_basis - proceeds)
    OR (deferred_loss + permanent_loss > 0 AND account.type <> 'taxable')
    OR (matched_quantity = disposal.quantity AND matched_quantity > 0
        AND deferred_loss + permanent_loss <> cost_basis - proceeds)
    OR (matched_quantity = 0 AND deferred_loss + permanent_loss <> 0)
"""

# a. The matches of a part of a sale agree with the figures stored on the part.
MATCHES_OF_SALES = """
SELECT disposal.transaction_id, disposal.part
  FROM transactions_disposal disposal
  LEFT JOIN (SELECT sale_id, part, sum(loss_quantity) AS matched,
                    sum(disallowed) FILTER (WHERE NOT permanent) AS deferred,
                    sum(disallowed) FILTER (WHERE permanent) AS permanent
               FROM transactions_washsale GROUP BY sale_id, part) found
    ON found.sale_id = disposal.transaction_id AND found.part = disposal.part
 WHERE abs(matched_quantity - coalesce(found.matched, 0)) > 1e-9
    OR deferred_loss <> coalesce(found.deferred, 0)
    OR permanent_loss <> coalesce(found.permanent, 0)
UNION ALL
SELECT sale_id, part FROM transactions_washsale match
 WHERE NOT EXISTS (SELECT FROM transactions_disposal disposal
                    WHERE disposal.transaction_id = match.sale_id AND disposal.part = match.part)
"""

# b. One bite: no purchase replaces more shares than it has (units of the purchase: no split since).
ONE_BITE = """
SELECT replacement_id
  FROM transactions_washsale match
  JOIN transactions_transaction bought ON bought.id = match.replacement_id
 WHERE NOT EXISTS (SELECT FROM transactions_transaction changed
                    JOIN transactions_account mine ON mine.id = changed.account_id
                    JOIN transactions_account theirs ON theirs.id = bought.account_id
                   WHERE changed.ratio_new IS NOT NULL
                     AND mine.household_id = theirs.household_id)
 GROUP BY replacement_id, bought.quantity
HAVING sum(match.quantity) > bought.quantity
"""

# Rules 2, 4, 8, 11: in the window, in one household, never of the purchase that was sold, and a
# replacement in an IRA raises no basis.
MATCHES = """
SELECT match.id
  FROM transactions_washsale match
  JOIN transactions_transaction sold ON sold.id = match.sale_id
  JOIN transactions_transaction lot ON lot.id = match.loss_lot_id
  JOIN transactions_transaction bought ON bought.id = match.replacement_id
  JOIN transactions_account loser ON loser.id = match.loss_account_id
  JOIN transactions_account winner ON winner.id = match.replacement_account_id
 WHERE abs(match.sold_date - match.replacement_date) > 30
    OR match.sold_date <> sold.trade_date
    OR match.replacement_date <> coalesce(bought.opened_date, bought.trade_date)
    OR loser.household_id <> winner.household_id
    OR loser.type <> 'taxable'
    OR lot.id = bought.id
    OR (lot.order_id <> '' AND lot.order_id = bought.order_id AND lot.asset_id = bought.asset_id
        AND lot.account_id = bought.account_id)
    OR match.permanent <> (winner.type <> 'taxable')
    OR (match.permanent AND basis_added <> 0)
    OR (NOT match.permanent AND loser.currency = winner.currency AND basis_added <> disallowed)
    OR bought.type NOT IN ('buy', 'reinvestment', 'rights_exercise')
"""

# c. Money in = money out, by household and currency: recognized gains and permanently disallowed
# losses, with the basis that is still held, equal the amounts paid and received.
CONSERVATION = """
WITH standing AS (
    SELECT row.*, account.household_id, account.currency AS money
      FROM transactions_transaction row
      JOIN transactions_account account ON account.id = row.account_id
     WHERE row.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM transactions_transaction undo WHERE undo.reverses_id = row.id)),
flows AS (
    SELECT household_id, money, sum(CASE
             WHEN type = 'reinvestment' THEN -(amount + fee)
             WHEN type = 'transfer_in' AND counterpart_id IS NULL THEN -amount
             ELSE cash_effect END) AS cash
      FROM standing
     WHERE type IN ('buy', 'reinvestment', 'sell', 'split', 'spin_off', 'merger',
                    'return_of_capital', 'transfer_in', 'stock_dividend', 'rights_issue',
                    'rights_exercise')
     GROUP BY household_id, money),
gains AS (
    SELECT account.household_id, account.currency AS money,
           sum(proceeds - cost_basis + deferred_loss + permanent_loss) AS recognised,
           sum(permanent_loss) AS lost
      FROM transactions_disposal disposal
      JOIN transactions_account account ON account.id = disposal.account_id
     GROUP BY account.household_id, account.currency),
basis AS (
    SELECT account.household_id, account.currency AS money, sum(cost_basis) AS held
      FROM transactions_lot lot
      JOIN transactions_account account ON account.id = lot.account_id
     GROUP BY account.household_id, account.currency)
SELECT household_id, money, flows.cash, gains.recognised, gains.lost, basis.held
  FROM flows LEFT JOIN gains USING (household_id, money) LEFT JOIN basis USING (household_id, money)
 WHERE coalesce(recognised, 0) - coalesce(lost, 0) - coalesce(held, 0) <> cash
   AND (SELECT count(DISTINCT currency) FROM transactions_account account
         WHERE account.household_id = flows.household_id) = 1
   AND NOT EXISTS (SELECT FROM standing out
                    WHERE out.household_id = flows.household_id AND out.type = 'transfer_out'
                      AND NOT EXISTS (SELECT FROM transactions_transaction taken
                                       WHERE taken.counterpart_id = out.id))
"""

# The holding is the sum of its open lots, and no other asset is held.
HOLDINGS = """
SELECT coalesce(holding.account_id, lots.account_id), coalesce(holding.asset_id, lots.asset_id)
  FROM transactions_holding holding
  FULL JOIN (SELECT account_id, asset_id, sum(quantity) AS quantity, sum(cost_basis) AS cost_basis
               FROM transactions_lot WHERE quantity > 0 GROUP BY account_id, asset_id) lots
    ON lots.account_id = holding.account_id AND lots.asset_id = holding.asset_id
 WHERE holding.quantity IS DISTINCT FROM lots.quantity
    OR holding.cost_basis IS DISTINCT FROM lots.cost_basis
"""

# Cash is the sum of all cash effects.
CASH = """
SELECT account.id
  FROM transactions_account account
 WHERE account.cash <> (SELECT coalesce(sum(cash_effect), 0) FROM transactions_transaction row
                         WHERE row.account_id = account.id)
"""

# A sale is closed to its last share, by lots of its own account.
SALES = """
SELECT row.id
  FROM transactions_transaction row
  LEFT JOIN transactions_disposal disposal
    ON disposal.transaction_id = row.id AND disposal.account_id = row.account_id
 WHERE row.type = 'sell' AND row.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM transactions_transaction undo WHERE undo.reverses_id = row.id)
 GROUP BY row.id
HAVING abs(coalesce(sum(disposal.quantity), 0) - row.quantity) > 1e-9
    OR coalesce(sum(disposal.proceeds), 0) <> row.cash_effect
UNION ALL
SELECT disposal.id
  FROM transactions_disposal disposal
  JOIN transactions_transaction row ON row.id = disposal.transaction_id
 WHERE row.reverses_id IS NOT NULL
    OR EXISTS (SELECT FROM transactions_transaction undo WHERE undo.reverses_id = row.id)
"""

# No holding period starts before the first purchase from which a wash sale may have led here.
LOTS = """
SELECT lot.id
  FROM transactions_lot lot
 WHERE lot.quantity > 0
   AND (lot.holding_period_date > lot.opened_date
    OR (NOT lot.replaces_loss AND lot.wash_sale_adjustment <> 0)
    OR (NOT lot.replaces_loss
        AND lot.holding_period_date <> lot.opened_date))
"""

CHECKS = {
    "a loss is allowed or disallowed, once": LOSSES,
    "a sale's matches are what it says": MATCHES_OF_SALES,
    "one bite": ONE_BITE,
    "a match keeps the rules": MATCHES,
    "recognised + permanent + held = paid and received": CONSERVATION,
    "a holding is its lots": HOLDINGS,
    "cash is what moved it": CASH,
    "a sale is closed": SALES,
    "a lot's dates": LOTS,
}


@dataclass(frozen=True)
class Breach:
    """An invariant and the rows that break it."""

    invariant: str
    rows: tuple[tuple[Any, ...], ...]


def breaches() -> list[Breach]:
    """Return every invariant that does not hold, with up to twenty rows each."""
    found = []
    with connection.cursor() as cursor:
        for name, statement in CHECKS.items():
            cursor.execute(statement)
            rows = tuple(cursor.fetchmany(20))
            if rows:
                found.append(Breach(name, rows))
    return found
