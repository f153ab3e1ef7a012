"""One investor, from registration to log-out, over HTTP and WebSocket like an application."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

OWN = f"HOUSE{uuid4().hex[:6].upper()}"
BANDS = {"AAPL": ("25", "2"), "KO": ("25", "2"), "XOM": ("20", "2"), "CASH": ("5", "1")}
RESTRICTED = {"MSFT": ("15", "2"), OWN: ("10", "3")}
# Symbol, value today, price paid in percent of today's price, day; and cash beside.
BOUGHT = (
    ("AAPL", 30_000, 40, "2019-03-04"),
    ("AAPL", 15_000, 70, "2020-03-04"),
    ("KO", 6_000, 110, "2020-03-05"),
    ("MSFT", 16_000, 50, "2020-03-06"),
    (OWN, 8_000, 90, "2020-03-09"),
)
CASH = 25_000
CENT = Decimal("0.01")


def figures(row: dict[str, Any], *names: str) -> list[Decimal]:
    return [Decimal(row[name]) for name in names]


def purchases(api: Any) -> list[dict[str, str]]:
    """Return the purchases, at whole units and cents, from the current prices."""
    symbols = ",".join(sorted({symbol for symbol, *_ in BOUGHT}))
    quotes = api.get(f"/market/prices?symbols={symbols}")["data"]
    prices = {x["symbol"]: Decimal(x["price"]) for x in quotes}
    return [
        {
            "type": "buy",
            "symbol": symbol,
            "quantity": str(round(value / prices[symbol])),
            "price": str((prices[symbol] * paid / 100).quantize(CENT)),
            "fee": "1",
            "executed_at": f"{day}T15:00:00Z",
        }
        for symbol, value, paid, day in BOUGHT
    ]


def spent(entry: dict[str, str]) -> Decimal:
    quantity, price, fee = figures(entry, "quantity", "price", "fee")
    return quantity * price + fee


def own_asset(api: Any) -> None:
    asset = {"symbol": OWN, "name": "House", "currency": "USD", "asset_class": "fund"}
    made = api.post("/market/assets", asset)
    assert (made["symbol"], made["own"]) == (OWN, True)
    prices = [{"date": "2020-03-09", "close": "100"}, {"date": "2020-03-10", "close": "101.5"}]
    assert api.post(f"/market/assets/{OWN}/prices", prices, status=200)["recorded"] == 2


def invested(api: Any, bought: list[dict[str, str]]) -> str:
    """Return an account with its transactions; each was sent twice and booked once."""
    account = {"name": "Whole path", "type": "taxable", "currency": "USD", "lot_method": "fifo"}
    account_id = str(api.post("/accounts", account, key="open")["id"])
    assert api.post("/accounts", account, key="open")["id"] == account_id
    amount = str(sum(spent(entry) for entry in bought) + CASH)
    entries = [{"type": "deposit", "amount": amount, "executed_at": "2019-03-01T15:00:00Z"}]
    entries += bought
    for number, entry in enumerate(entries):
        body = {**entry, "account_id": account_id}
        first = api.send("POST", "/transactions", body, key=f"entry {number}")
        again = api.send("POST", "/transactions", body, key=f"entry {number}")
        assert first.status == again.status == 201, (first, again)
        assert first.body == again.body
        assert again.headers["idempotency-replayed"] == "true"
    other = {**entries[0], "account_id": account_id, "amount": "1"}
    assert api.send("POST", "/transactions", other, key="entry 0").status == 422
    assert api.get(f"/transactions?account_id={account_id}")["total"] == len(entries)
    return account_id


def wishes(api: Any, account_id: str) -> None:
    targets = [
        {"symbol": symbol, "target_percentage": target, "rebalance_threshold": threshold}
        for symbol, (target, threshold) in {**BANDS, **RESTRICTED}.items()
    ]
    assert api.put(f"/portfolios/{account_id}/targets", targets)["total"] == len(targets)
    rules = [{"symbol": "MSFT", "kind": "no_sell"}, {"symbol": OWN, "kind": "no_trade"}]
    assert api.put(f"/portfolios/{account_id}/restrictions", rules)["total"] == len(rules)


def books(
    api: Any, account_id: str, bought: list[dict[str, str]]
) -> tuple[dict[str, Decimal], dict[str, Any]]:
    """Return units by symbol and lots by id, checked against the purchases."""
    holdings = {x["symbol"]: x for x in api.get(f"/portfolios/{account_id}/holdings")["data"]}
    held = {symbol: Decimal(row["quantity"]) for symbol, row in holdings.items()}
    assert Decimal(holdings[OWN]["price"]) == Decimal("101.5")
    for row in holdings.values():
        price, value, quantity = figures(row, "price", "market_value", "quantity")
        assert abs(price * quantity - value) < CENT, row
    lots = {x["lot_id"]: x for x in api.get(f"/portfolios/{account_id}/lots")["data"]}
    stated = sorted((x["symbol"], Decimal(x["quantity"]), spent(x)) for x in bought)
    assert stated == sorted(
        (x["symbol"], *figures(x, "quantity", "cost_basis")) for x in lots.values()
    )
    for symbol, quantity in held.items():
        assert quantity == sum(units for name, units, _ in stated if name == symbol)
    assert Decimal(api.get(f"/accounts/{account_id}")["cash"]) == CASH
    return held, lots


def sold_lots_hold(trade: dict[str, Any], lots: dict[str, Any]) -> None:
    """Check that a sale's lots are the account's, of this symbol, large enough, and sum to it."""
    taken = {part["lot_id"]: Decimal(part["quantity"]) for part in trade["lots"]}
    assert len(taken) == len(trade["lots"])
    for lot_id, quantity in taken.items():
        assert lots[lot_id]["symbol"] == trade["symbol"]
        assert 0 < quantity <= Decimal(lots[lot_id]["quantity"])
    assert sum(taken.values()) == Decimal(trade["quantity"])
    value, cost, tax = figures(trade, "value", "cost", "estimated_tax")
    assert sum(Decimal(part["proceeds"]) for part in trade["lots"]) == value - cost
    for part in trade["lots"]:
        proceeds, basis, gain = figures(part, "proceeds", "cost_basis", "gain")
        assert gain == proceeds - basis
        assert part["term"] == "long"
    assert sum(Decimal(part["estimated_tax"]) for part in trade["lots"]) == tax


def obeys(result: dict[str, Any], held: dict[str, Decimal], lots: Any) -> None:
    """Check every guarantee of a rebalance, recomputed from the trades themselves."""
    prices = {x["symbol"]: Decimal(x["price"]) for x in result["trades"]}
    after, effects = dict(held), Decimal(0)
    for trade in result["trades"]:
        quantity, price, value, cost = figures(trade, "quantity", "price", "value", "cost")
        assert quantity > 0
        assert (quantity * price).quantize(CENT) - value in (0, CENT, -CENT), trade
        assert trade["reason"]
        assert trade["symbol"] in trade["explanation"]
        sells = trade["side"] == "sell"
        effects += (value if sells else -value) - cost
        after[trade["symbol"]] = after.get(trade["symbol"], Decimal(0)) + (
            -quantity if sells else quantity
        )
        if sells:
            assert quantity <= held[trade["symbol"]], "no more is sold than is held"
            sold_lots_hold(trade, lots)
        else:
            assert trade["lots"] == []
    assert Decimal(result["totals"]["cash_before"]) == CASH
    cash_after = Decimal(result["totals"]["cash_after"])
    assert cash_after == CASH + effects
    assert cash_after >= 0
    assert OWN not in prices
    assert not [x for x in result["trades"] if x["symbol"] == "MSFT" and x["side"] == "sell"]
    assert {x["symbol"] for x in result["skipped"]} >= {OWN, "MSFT"} - set(prices)
    total = Decimal(result["after"]["account_value"])
    weights = {x["symbol"]: Decimal(x["weight"]) for x in result["after"]["securities"]}
    weights["CASH"] = Decimal(result["after"]["cash_weight"])
    assert abs(sum(weights.values(), Decimal(0)) - 1) < Decimal("0.00001")
    for symbol, price in prices.items():
        assert abs(after[symbol] * price / total - weights[symbol]) < Decimal("0.00001")
    for symbol, (target, threshold) in BANDS.items():
        apart = abs(weights[symbol] * 100 - Decimal(target))
        assert apart <= Decimal(threshold) + Decimal("0.001"), (symbol, weights)
    assert Decimal(result["after"]["total"]) < Decimal(result["before"]["total"])
    assert Decimal(result["optimality_gap_bps"]) < 1


def decided(api: Any, recommendation_id: str, result: dict[str, Any]) -> None:
    """The recommendation is the job's, replays to the same bytes and is approved once."""
    path = f"/recommendations/{recommendation_id}"
    stored = api.get(path)
    assert {**stored["result"], "recommendation_id": recommendation_id} == result
    replay = api.post(f"{path}/replay", status=200)
    assert replay["identical"] is True
    assert replay["replayed_sha256"] == replay["result_sha256"] == stored["result_sha256"]
    assert api.post(f"{path}/approve", status=200)["status"] == "approved"
    assert api.send("POST", f"{path}/reject").body["code"] == "already_decided"
    assert api.get(path)["status"] == "approved"


def leaves(api: Any) -> None:
    """A refresh token works once; after the log-out no token works."""
    first = api.refresh
    pair = api.post("/auth/token/refresh", {"refresh": first}, status=200)
    assert pair["refresh"] != first
    api.access, api.refresh = pair["access"], pair["refresh"]
    assert api.get("/users/me")["household"]["members"]
    assert api.send("POST", "/auth/logout", {"refresh": api.refresh}).status == 204
    assert api.send("POST", "/auth/token/refresh", {"refresh": api.refresh}).status == 401
    assert api.send("POST", "/auth/token/refresh", {"refresh": first}).status == 401
    assert api.send("GET", "/users/me").status == 401


def test_an_investor_goes_from_registration_to_approved_trades(stack: Any, register: Any) -> None:
    _, api = register(full_name="Ina Investor")
    _, stranger = register()
    own_asset(api)
    bought = purchases(api)
    account_id = invested(api, bought)
    wishes(api, account_id)
    held, lots = books(api, account_id, bought)
    with stack.socket_of(api) as stream, stack.socket_of(stranger) as elsewhere:
        stream.say(type="subscribe", symbols=["AAPL", "KO"])
        assert stream.hear("subscribed")["symbols"] == ["AAPL", "KO"]
        snapshot = stream.hear("price_batch")
        assert {x["symbol"] for x in snapshot["updates"]} == {"AAPL", "KO"}
        accepted = api.send("POST", f"/portfolios/{account_id}/rebalance", {}, key="go")
        assert accepted.status == 202, accepted
        job_id = accepted.body["job_id"]
        job = stack.until(
            lambda: (x := api.get(f"/jobs/{job_id}"))["status"] == "completed" and x,
            what="the rebalance",
        )
        event = stream.hear("rebalance_complete")
        again = api.send("POST", f"/portfolios/{account_id}/rebalance", {}, key="go")
        assert again.body == accepted.body
        batch = stream.hear("price_batch")
        assert batch["seq"] > snapshot["seq"]
        stream.drain(seconds=1)
        elsewhere.drain(seconds=0.5)
    assert stream.events(job_id) == 1
    assert elsewhere.heard[1:] == [], "a stranger's socket hears nothing of it"
    assert stranger.send("GET", f"/jobs/{job_id}").status == 404
    result = job["result"]
    assert event["account_id"] == account_id
    assert event["recommendation_id"] == result["recommendation_id"]
    obeys(result, held, lots)
    assert {x["symbol"] for x in result["trades"]} >= {"AAPL", "KO", "XOM"}
    decided(api, result["recommendation_id"], result)
    notices = api.get("/notifications?unread=true")["data"]
    assert [(x["topic"], x["payload"]["job_id"]) for x in notices] == [
        ("rebalance_complete", job_id)
    ]
    assert stranger.get("/notifications")["data"] == []
    leaves(api)
