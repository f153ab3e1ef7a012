"""Bad input over HTTP: each gets a problem with a stable code, and nothing is written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

pytestmark = pytest.mark.django_db

NOW = "2024-03-01T15:00:00Z"
Send = Callable[..., tuple[int, str]]


class Desk:
    """The owner at the API, with a furnished household."""

    def __init__(self, *, home: Any, other: str, client: Any, digests: Any) -> None:
        self.ids = {**home.ids, "other": other}
        self.client = client
        self.digests = digests

    def refusals(self, method: str, path: str, cases: dict[str, Any], **headers: str) -> Any:
        """Return (status, code) of the answer to each body; nothing may have changed in between."""
        before = self.digests()
        found: dict[str, Any] = {}
        for name, body in cases.items():
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer = self.client.generic(
                method,
                path.format(**self.ids),
                data=raw,
                content_type="application/json",
                headers=headers,
            )
            problem = answer.json()
            codes = {error["code"] for error in problem.get("errors", ())} or {problem.get("code")}
            found[name] = (answer.status_code, codes.pop() if len(codes) == 1 else sorted(codes))
            if self.digests() != before:
                found[name] = "something was written"
                before = self.digests()
        return found


@pytest.fixture
def desk(people: Any, furnish: Any, client_of: Any, digests: Any) -> Desk:
    from decimal import Decimal

    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    home = furnish(people.owner, 2)
    other = open_account(
        user=people.owner, name="Other", type="taxable", currency="USD", now=timezone.now()
    )
    (lot,) = record(
        account=other,
        entries=[
            Entry("buy", datetime(2024, 1, 2, tzinfo=UTC), "USD", "AAA", Decimal(9), Decimal(1))
        ],
        user=people.owner,
        now=timezone.now(),
    )
    return Desk(
        home=home, other=str(lot.public_id), client=client_of(people.owner), digests=digests
    )


def expected(cases: dict[str, tuple[Any, int, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {name: body for name, (body, _, _) in cases.items()},
        {name: (status, code) for name, (_, status, code) in cases.items()},
    )


# Values that no writing route may accept, whatever it expects.
SHAPES: dict[str, tuple[Any, int, Any]] = {
    "ten megabytes": (b'{"note": "' + b"x" * 10_485_760 + b'"}', 413, "body_too_large"),
    "deep": (b"[" * 100 + b"]" * 100, 400, "body_too_deep"),
    "bottomless": (b"[" * 200_000, 400, "body_too_deep"),
    "not JSON": (b"{", 400, "body_not_json"),
    "not UTF-8": (b'{"a": "\xff"}', 400, "body_not_utf8"),
    "NaN": (b'{"a": NaN}', 400, "number_not_finite"),
    "a field twice": (b'{"name": "a", "name": "b"}', 400, "field_repeated"),
    "an exponent no computer has": (
        b'{"a": 1e99999999999999999999}',
        400,
        "number_out_of_range",
    ),
}
WRITES = [
    ("POST", "/api/v1/accounts"),
    ("PATCH", "/api/v1/accounts/{account_id}"),
    ("POST", "/api/v1/transactions"),
    ("POST", "/api/v1/transactions/{transaction_id}/reverse"),
    ("PUT", "/api/v1/portfolios/{account_id}/targets"),
    ("PUT", "/api/v1/portfolios/{account_id}/restrictions"),
    ("POST", "/api/v1/portfolios/{account_id}/rebalance"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_of_the_wrong_shape_is_refused_by_every_writing_route(
    desk: Desk, method: str, path: str
) -> None:
    bodies, answers = expected(SHAPES)
    assert desk.refusals(method, path, bodies) == answers
    wrong = [1, "text", None, [[]]] if method == "PUT" else [1, "text", None, [], [{}]]
    found = desk.refusals(method, path, {repr(body): body for body in wrong})
    assert {status for status, _ in found.values()} == {400}
    listed = method == "PUT"
    surrogate = b'[{"\\ud800": 1}]' if listed else b'{"\\ud800": 1}'
    found = desk.refusals(
        method,
        path,
        {"unknown": [{"hack": 1}] if listed else {"hack": 1}, "unspeakable": surrogate},
    )
    assert {status for status, _ in found.values()} == {400}
    assert all("unknown_field" in code for _, code in found.values()), found


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data; boundary=x", "text/xml"])
def test_a_body_that_is_not_json_is_refused(desk: Desk, media: str) -> None:
    before = desk.digests()
    answer = desk.client.generic("POST", "/api/v1/accounts", data=b"{}", content_type=media)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert desk.digests() == before


ACCOUNT = {"name": "New", "type": "taxable", "currency": "USD"}


def test_accounts_refuse_what_makes_no_sense(desk: Desk) -> None:
    cases: dict[str, tuple[Any, int, Any]] = {
        "empty": ({}, 400, "required"),
        "no name": ({**ACCOUNT, "name": "  "}, 400, "blank"),
        "long name": ({**ACCOUNT, "name": "x" * 121}, 400, "max_length"),
        "null name": ({**ACCOUNT, "name": None}, 400, "null"),
        "name as list": ({**ACCOUNT, "name": ["a"]}, 400, "invalid"),
        "NUL in name": ({**ACCOUNT, "name": "a\0b"}, 400, "null_characters_not_allowed"),
        "surrogate": ({**ACCOUNT, "name": "\ud800"}, 400, "surrogate_characters_not_allowed"),
        "type": ({**ACCOUNT, "type": "casino"}, 400, "invalid_choice"),
        "surrogate as type": ({**ACCOUNT, "type": "\ud800"}, 400, "invalid_choice"),
        "type as object": ({**ACCOUNT, "type": {}}, 400, "invalid_choice"),
        "currency": ({**ACCOUNT, "currency": "ZZZ"}, 400, "unknown_currency"),
        "currency as number": ({**ACCOUNT, "currency": 840}, 400, "unknown_currency"),
        "method": ({**ACCOUNT, "lot_method": "cheapest"}, 400, "invalid_choice"),
        "cash": ({**ACCOUNT, "cash": "1000000"}, 400, "unknown_field"),
        "owner": ({**ACCOUNT, "owner": 1}, 400, "unknown_field"),
    }
    bodies, answers = expected(cases)
    assert desk.refusals("POST", "/api/v1/accounts", bodies) == answers
    cases = {
        "no name": ({"name": ""}, 400, "blank"),
        "null": ({"name": None}, 400, "null"),
        "currency": ({"currency": "EUR"}, 400, "unknown_field"),
        "method": ({"lot_method": "cheapest"}, 400, "invalid_choice"),
        "type": ({"type": "ira"}, 400, "unknown_field"),
    }
    bodies, answers = expected(cases)
    assert desk.refusals("PATCH", "/api/v1/accounts/{account_id}", bodies) == answers


def trade(**changes: Any) -> dict[str, Any]:
    body = {
        "type": "buy",
        "symbol": "AAA",
        "quantity": "1",
        "price": "50",
        "executed_at": NOW,
        **changes,
    }
    return {name: value for name, value in body.items() if value != "absent"}


def quantities() -> dict[str, tuple[Any, int, Any]]:
    return {
        f"quantity {value!r}"[:40]: (trade(quantity=value), 400, code)
        for value, code in [
            ("-1", "not_positive"),
            ("0", "not_positive"),
            ("-0", "not_positive"),
            ("NaN", "number_not_finite"),
            ("sNaN", "number_not_finite"),
            ("Infinity", "number_not_finite"),
            ("-Infinity", "number_not_finite"),
            ("1e400", "too_large"),
            ("1e-400", "too_many_decimals"),
            ("1e99999999999999999999", "not_a_number"),
            ("1234567890123456789012345678901234567890", "too_large"),
            ("1.234567890123456789012345678901234567890", "too_many_decimals"),
            ("0.00000000001", "too_many_decimals"),
            ("1_000", "not_a_number"),
            ("1,5", "not_a_number"),
            ("\u0661", "not_a_number"),
            ("0x10", "not_a_number"),
            ("", "not_a_number"),
            (True, "not_a_number"),
            ([], "not_a_number"),
            ({}, "not_a_number"),
            (None, "null"),
            (10**400, "too_large"),
        ]
    }


def moments() -> dict[str, tuple[Any, int, Any]]:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    return {
        f"executed_at {value!r}": (trade(executed_at=value), 400, code)
        for value, code in [
            (later, "date_in_future"),
            ("9999-12-31T23:59:59Z", "date_in_future"),
            ("1949-12-31T23:59:59Z", "date_too_early"),
            ("0001-01-01T00:00:00Z", "date_too_early"),
            ("0001-01-01T00:00:00+14:00", "overflow"),
            ("9999-12-31T23:59:59-14:00", "overflow"),
            ("2024-03-01T15:00:00", "timezone_required"),
            ("2024-03-01", "timezone_required"),
            ("yesterday", "invalid"),
            ("2024-02-30T00:00:00Z", "invalid"),
            (1709305200, "invalid"),
            ([], "invalid"),
            (None, "null"),
            ("absent", "required"),
        ]
    }


def figures() -> dict[str, tuple[Any, int, Any]]:
    cash = {"symbol": "absent", "quantity": "absent", "price": "absent"}
    return {
        "unknown symbol": (trade(symbol="NOPE"), 400, "symbol_unknown"),
        "symbol of markup": (trade(symbol="<b>"), 400, "invalid_symbol"),
        "no symbol": (trade(symbol="absent"), 400, "symbol_required"),
        "no quantity": (trade(quantity="absent"), 400, "quantity_required"),
        "no price": (trade(price="absent"), 400, "price_required"),
        "price and amount": (trade(amount="50"), 400, "price_and_amount"),
        "zero price": (trade(price="0"), 400, "not_positive"),
        "negative price": (trade(price="-1"), 400, "not_positive"),
        "price NaN": (trade(price="NaN"), 400, "number_not_finite"),
        "negative fee": (trade(fee="-1"), 400, "negative"),
        "fee of half a cent": (trade(fee="0.005"), 400, "fee_precision"),
        "fee beyond all": (trade(fee="1e16"), 400, "too_large"),
        "more than money": (trade(quantity="1e12", price="1e12"), 400, "amount_too_large"),
        "a price beyond all": (
            trade(quantity="0.0000000001", price="absent", amount="1e15"),
            400,
            "price_too_large",
        ),
        "wrong currency": (trade(currency="EUR"), 400, "currency_mismatch"),
        "no currency": (trade(currency="QQQ"), 400, "unknown_currency"),
        "needless rate": (trade(fx_rate="2"), 400, "fx_rate_not_allowed"),
        "a rate of nothing": (trade(symbol="EEE", fx_rate="0"), 400, "not_positive"),
        "a rate beyond all": (trade(symbol="EEE", fx_rate="1e12"), 400, "fx_rate_too_large"),
        "a small rate, much money": (
            trade(symbol="EEE", quantity="1e12", price="1e12", fx_rate="0.00000001"),
            400,
            "amount_too_large",
        ),
        "unknown type": (trade(type="gift"), 400, "invalid_choice"),
        "type as list": (trade(type=["buy"]), 400, "invalid_choice"),
        "lots of a purchase": (
            trade(lots=[{"lot_id": str(uuid4()), "quantity": "1"}]),
            400,
            "field_not_allowed",
        ),
        "method of a purchase": (trade(lot_method="fifo"), 400, "field_not_allowed"),
        "deposit of nothing": (
            trade(type="deposit", amount="0", **cash),
            400,
            "amount_not_positive",
        ),
        "deposit without amount": (trade(type="deposit", **cash), 400, "amount_required"),
        "deposit of units": (
            trade(type="deposit", amount="1", price="absent"),
            400,
            "field_not_allowed",
        ),
        "dividend of nothing known": (
            trade(type="dividend", amount="1", **cash),
            400,
            "symbol_required",
        ),
        "half a cent": (trade(type="deposit", amount="0.005", **cash), 400, "amount_precision"),
        "long note": (trade(note="x" * 501), 400, "max_length"),
        "someone's account": (trade(account_id=str(uuid4())), 404, "account_not_found"),
        "account as list": (trade(account_id=[]), 400, "invalid"),
    }


def sales(ids: dict[str, str]) -> dict[str, tuple[Any, int, Any]]:
    own = {"type": "sell", "symbol": ids["symbol"], "quantity": "2"}

    def named(*parts: Any, **changes: Any) -> Any:
        lots = [{"lot_id": lot, "quantity": quantity} for lot, quantity in parts]
        return trade(**{**own, "lots": lots, **changes})

    mine = ids["transaction_id"]
    return {
        "more than held": (
            trade(**{**own, "quantity": "3.0000000001"}),
            400,
            "insufficient_quantity",
        ),
        "before it was held": (
            trade(**own, executed_at="2023-12-31T00:00:00Z"),
            400,
            "insufficient_quantity",
        ),
        "of another account": (trade(type="sell"), 400, "insufficient_quantity"),
        "a lot of another account": (named((ids["other"], "2")), 400, "lot_selection_invalid"),
        "a lot nobody has": (named((str(uuid4()), "2")), 400, "lot_selection_invalid"),
        "a lot twice": (named((mine, "1"), (mine, "1")), 400, "lot_selection_invalid"),
        "too much of a lot": (named((mine, "4"), quantity="4"), 400, "insufficient_quantity"),
        "lots that do not add up": (named((mine, "1")), 400, "lot_selection_invalid"),
        "a method beside lots": (named((mine, "2"), lot_method="fifo"), 400, "lots_and_method"),
        "negative part": (named((mine, "-2")), 400, "not_positive"),
        "lots as object": (trade(**own, lots={"a": 1}), 400, "not_a_list"),
        "lots of lists": (trade(**own, lots=[[1]]), 400, "invalid"),
        "lots null": (trade(**own, lots=None), 400, "null"),
        "no method": (trade(**own, lot_method="cheapest"), 400, "invalid_choice"),
        "no lots named": (trade(**own, lot_method="specific"), 400, "lot_selection_invalid"),
        "lots without end": (
            named(*[(str(uuid4()), "1")] * 1001),
            400,
            "max_length",
        ),
    }


def test_transactions_refuse_what_makes_no_sense(desk: Desk) -> None:
    cases = quantities() | moments() | figures() | sales(desk.ids)
    bodies, answers = expected(cases)
    for body in bodies.values():
        body.setdefault("account_id", desk.ids["account_id"])
    assert desk.refusals("POST", "/api/v1/transactions", bodies) == answers


def test_a_reversal_is_made_once_and_only_of_what_is_there(desk: Desk, people: Any) -> None:
    path = "/api/v1/transactions/{transaction_id}/reverse"
    cases = {"note": {"note": "x" * 501}, "null note": {"note": None}, "amount": {"amount": "1"}}
    assert desk.refusals("POST", path, cases) == {
        "note": (400, "max_length"),
        "null note": (400, "null"),
        "amount": (400, "unknown_field"),
    }
    missing = desk.refusals("POST", f"/api/v1/transactions/{uuid4()}/reverse", {"x": {}})
    assert missing == {"x": (404, "transaction_not_found")}
    path = f"/api/v1/transactions/{desk.ids['other']}/reverse"
    first = desk.client.post(path, {})
    assert first.status_code == 201
    assert desk.refusals("POST", path, {"again": {}}) == {"again": (409, "already_reversed")}
    again = f"/api/v1/transactions/{first.json()['id']}/reverse"
    assert desk.refusals("POST", again, {"x": {}}) == {"x": (409, "reversal_of_reversal")}


def targets(*rows: tuple[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"symbol": symbol, "target_percentage": share, **more} for symbol, share in rows]


def test_targets_refuse_what_is_not_a_whole(desk: Desk) -> None:
    cases: dict[str, tuple[Any, int, Any]] = {
        "99.9999": (targets(("AAA", "99.9999")), 400, "targets_not_100"),
        "100.0001": (targets(("AAA", "50.0001"), ("BBB", "50")), 400, "targets_not_100"),
        "nothing": (targets(("AAA", "0")), 400, "targets_not_100"),
        "more than all": (targets(("AAA", "100.0001")), 400, "too_large"),
        "negative": (targets(("AAA", "-1"), ("BBB", "101")), 400, ["negative", "too_large"]),
        "five decimals": (
            targets(("AAA", "99.99999"), ("BBB", "0.00001")),
            400,
            "too_many_decimals",
        ),
        "twice": (targets(("AAA", "50"), ("AAA", "50")), 400, "symbol_repeated"),
        "twice in small letters": (targets(("AAA", "50"), ("aaa", "50")), 400, "symbol_repeated"),
        "cash twice": (targets(("CASH", "50"), ("CASH", "50")), 400, "symbol_repeated"),
        "unknown": (targets(("NOPE", "100")), 400, "symbol_unknown"),
        "NaN": (targets(("AAA", "NaN")), 400, "number_not_finite"),
        "null": (targets(("AAA", None)), 400, "null"),
        "no symbol": ([{"target_percentage": "100"}], 400, "required"),
        "threshold": (targets(("AAA", "100"), rebalance_threshold="-1"), 400, "negative"),
        "wide threshold": (targets(("AAA", "100"), rebalance_threshold="101"), 400, "too_large"),
        "an object": ({"symbol": "AAA", "target_percentage": "100"}, 400, "not_a_list"),
        "too many": (targets(*[(f"S{n}", "0.05") for n in range(2000)]), 400, "max_length"),
    }
    bodies, answers = expected(cases)
    assert desk.refusals("PUT", "/api/v1/portfolios/{account_id}/targets", bodies) == answers


def test_an_empty_list_takes_the_targets_away_and_rebalancing_says_so(desk: Desk) -> None:
    url = "/api/v1/portfolios/{account_id}/targets"
    assert desk.client.put(url.format(**desk.ids), []).json()["total"] == 0
    refused = desk.refusals("POST", "/api/v1/portfolios/{account_id}/rebalance", {"x": {}})
    assert refused == {"x": (400, "targets_missing")}


def test_restrictions_refuse_what_makes_no_sense(desk: Desk) -> None:
    def rule(**changes: Any) -> list[dict[str, Any]]:
        return [{"symbol": "AAA", "kind": "no_buy", **changes}]

    cases: dict[str, tuple[Any, int, Any]] = {
        "kind": (rule(kind="never"), 400, "invalid_choice"),
        "symbol": (rule(symbol="NOPE"), 400, "symbol_unknown"),
        "twice": (rule() + rule(), 400, "symbol_repeated"),
        "day": (rule(until_date="2025-02-30"), 400, "invalid"),
        "an instant": (rule(until_date="2025-02-03T00:00:00Z"), 400, "invalid"),
        "long ago": (rule(until_date="1949-12-31"), 400, "date_too_early"),
        "reason": (rule(reason="x" * 201), 400, "max_length"),
        "NUL": (rule(reason="\0"), 400, "null_characters_not_allowed"),
        "null kind": (rule(kind=None), 400, "null"),
        "too many": ([rule(symbol=f"S{n}")[0] for n in range(1001)], 400, "max_length"),
    }
    bodies, answers = expected(cases)
    assert desk.refusals("PUT", "/api/v1/portfolios/{account_id}/restrictions", bodies) == answers


def test_a_rebalance_refuses_options_that_make_no_sense(desk: Desk) -> None:
    cases: dict[str, tuple[Any, int, Any]] = {
        "negative trade": ({"minimum_trade": "-1"}, 400, "negative"),
        "endless trade": ({"minimum_trade": "Infinity"}, 400, "number_not_finite"),
        "negative floor": ({"cash_floor": "-0.01"}, 400, "negative"),
        "floor beyond all": ({"cash_floor": "1e400"}, 400, "too_large"),
        "null": ({"cash_floor": None}, 400, "null"),
        "perhaps": ({"whole_shares": "perhaps"}, 400, "invalid"),
        "a list": ({"loss_harvesting": []}, 400, "invalid"),
        "penalty": ({"drift_penalty": "0"}, 400, "unknown_field"),
    }
    bodies, answers = expected(cases)
    assert desk.refusals("POST", "/api/v1/portfolios/{account_id}/rebalance", bodies) == answers


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("jobs/{}/cancel", "job_not_found"),
        ("recommendations/{}/approve", "recommendation_not_found"),
        ("recommendations/{}/reject", "recommendation_not_found"),
        ("recommendations/{}/replay", "recommendation_not_found"),
        ("notifications/{}/read", "notice_not_found"),
    ],
)
def test_what_does_not_exist_cannot_be_acted_on(desk: Desk, path: str, code: str) -> None:
    found = desk.refusals("POST", f"/api/v1/{path.format(uuid4())}", {"x": {}})
    assert found == {"x": (404, code)}
    found = desk.refusals("POST", f"/api/v1/{path.format('not-an-id')}", {"x": {}})
    assert found == {"x": (404, "not_found")}


def test_a_decision_is_taken_once(desk: Desk) -> None:
    base = "/api/v1/recommendations/{recommendation_id}"
    assert desk.client.post(f"{base}/approve".format(**desk.ids)).status_code == 200
    found = desk.refusals("POST", f"{base}/reject", {"x": {}})
    assert found == {"x": (409, "already_decided")}
    assert desk.client.post(f"{base}/approve".format(**desk.ids)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_idempotency_key_must_be_a_key(desk: Desk, key: str) -> None:
    found = desk.refusals("POST", "/api/v1/accounts", {"x": ACCOUNT}, **{"Idempotency-Key": key})
    assert found == {"x": (400, "idempotency_key_invalid")}


def test_an_idempotency_key_stands_for_one_request(desk: Desk) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = desk.client.post("/api/v1/accounts", ACCOUNT, headers=key)
    assert first.status_code == 201
    again = desk.client.post("/api/v1/accounts", ACCOUNT, headers=key)
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (
        201,
        first.json(),
        "true",
    )
    found = desk.refusals("POST", "/api/v1/accounts", {"x": {**ACCOUNT, "name": "B"}}, **key)
    assert found == {"x": (422, "idempotency_key_reused")}
    body = {**trade(), "account_id": desk.ids["account_id"]}
    found = desk.refusals("POST", "/api/v1/transactions", {"x": body}, **key)
    assert found == {"x": (422, "idempotency_key_reused")}


@pytest.mark.parametrize(
    "path",
    [
        "portfolios/{account_id}/lots?symbol=%00",
        "transactions?account_id=%00",
        "transactions?cursor=%00",
        "recommendations?account_id=1",
        "notifications?cursor=%ED%A0%80",
        "transactions?page=%00",
    ],
)
def test_a_query_of_rubbish_is_refused(desk: Desk, path: str) -> None:
    answer = desk.client.get(f"/api/v1/{path.format(**desk.ids)}")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
