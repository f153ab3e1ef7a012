"""The throttle, as a table of inputs and times."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.pace import Pace
from stream.protocol import Quote
from stream.throttle import Client

STANDARD = Pace(interval_s=1.0, urgent_per_s_max=3)
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)


def quote(symbol: str, price: str) -> Quote:
    text = json.dumps({"symbol": symbol, "price": price})
    return Quote(symbol=symbol, price=float(price), as_of=AS_OF, stale=False, text=text)


def table(**prices: str) -> dict[str, Quote]:
    return {symbol: quote(symbol, price) for symbol, price in prices.items()}


def told(frame: str | None) -> dict[str, str]:
    """Return symbol and price of each update in a frame."""
    if frame is None:
        return {}
    return {update["symbol"]: update["price"] for update in json.loads(frame)["updates"]}


def client_that_was_told(latest: dict[str, Quote]) -> Client:
    client = Client(pace=STANDARD, now=0.0)
    client.watch(latest)
    assert told(client.regular(latest=latest, now=0.0)).keys() == latest.keys()
    return client


def test_the_first_batch_is_the_snapshot_and_the_second_only_what_changed() -> None:
    latest = table(A="100", B="50", C="7")
    client = Client(pace=STANDARD, now=0.0)
    client.watch(["A", "B"])
    assert told(client.regular(latest=latest, now=0.0)) == {"A": "100", "B": "50"}
    latest.update(table(B="51"))
    assert told(client.regular(latest=latest, now=1.0)) == {"B": "51"}
    assert client.regular(latest=latest, now=2.0) is None


def test_a_symbol_added_later_gets_its_snapshot_with_the_next_batch() -> None:
    latest = table(A="100", B="50")
    client = client_that_was_told(table(A="100"))
    assert client.watch(["B", "A", "B"]) == ["B"]
    assert not client.is_due(0.5)
    assert client.is_due(1.0)
    assert "B" in told(client.regular(latest=latest, now=1.0))


def test_a_symbol_taken_away_and_added_again_gets_a_snapshot_again() -> None:
    latest = table(A="100")
    client = client_that_was_told(latest)
    assert client.unwatch(["A", "Z"]) == ["A"]
    assert client.regular(latest=latest, now=1.0) is None
    client.watch(["A"])
    assert told(client.regular(latest=latest, now=1.0)) == {"A": "100"}


@pytest.mark.parametrize(
    ("was", "is_", "at_once"),
    [
        ("100.00", "100.10", False),  # exactly 0.1 %
        ("100.00", "100.11", True),
        ("100.00", "99.90", False),
        ("100.00", "99.89", True),
        ("1.1", "1.1011", False),
        ("3", "3.003", False),
        ("3", "3.0031", True),
        ("0.0001", "0.00010011", True),
        ("0", "0.01", True),
        ("0", "0", False),
    ],
)
def test_a_move_of_more_than_a_tenth_of_a_percent_goes_at_once(
    was: str, is_: str, at_once: bool
) -> None:
    client = client_that_was_told(table(A=was))
    changed = table(A=is_)
    assert told(client.urgent(changed=changed, now=0.1)) == ({"A": is_} if at_once else {})


def test_the_move_is_measured_from_the_price_last_sent_not_the_one_before() -> None:
    client = client_that_was_told(table(A="100.00"))
    assert client.urgent(changed=table(A="100.06"), now=0.1) is None
    assert told(client.urgent(changed=table(A="100.12"), now=0.2)) == {"A": "100.12"}
    assert client.urgent(changed=table(A="100.20"), now=0.3) is None  # 0.08 % since 100.12


def test_an_urgent_batch_leaves_small_changes_for_the_regular_one() -> None:
    client = client_that_was_told(table(A="100", B="100"))
    latest = table(A="101", B="100.01")
    assert told(client.urgent(changed=latest, now=0.1)) == {"A": "101"}
    assert told(client.regular(latest=latest, now=1.0)) == {"B": "100.01"}


def test_the_cap_lets_the_largest_moves_through_and_refills_with_time() -> None:
    client = client_that_was_told(table(A="100", B="100", C="100", D="100", E="100"))
    latest = table(A="101", B="102", C="103", D="104", E="100.5")
    assert told(client.urgent(changed=latest, now=0.1)) == {"B": "102", "C": "103", "D": "104"}
    latest.update(table(D="200"))
    assert client.urgent(changed=latest, now=0.1) is None
    assert told(client.urgent(changed=latest, now=0.44)) == {"D": "200"}
    assert told(client.regular(latest=latest, now=1.0)) == {"A": "101", "E": "100.5"}


def test_a_symbol_without_a_snapshot_is_never_urgent() -> None:
    client = Client(pace=STANDARD, now=0.0)
    client.watch(["A"])
    assert client.urgent(changed=table(A="100"), now=0.0) is None


def test_seq_rises_by_one_with_every_batch_of_either_kind() -> None:
    client = client_that_was_told(table(A="100"))
    assert client.seq == 1
    urgent = client.urgent(changed=table(A="110"), now=0.5)
    regular = client.regular(latest=table(A="111"), now=1.0)
    assert urgent is not None
    assert regular is not None
    assert [json.loads(urgent)["seq"], json.loads(regular)["seq"]] == [2, 3]


def test_a_client_not_written_to_for_a_while_gets_only_the_latest() -> None:
    latest = table(A="100")
    client = client_that_was_told(latest)
    for second in range(1, 60):
        latest.update(table(A=str(100 + second)))
    assert told(client.regular(latest=latest, now=60.0)) == {"A": "159"}
    assert client.seq == 2


@given(
    st.lists(st.floats(0.0, 0.7), min_size=1, max_size=200),
    st.sampled_from([Pace(interval_s=1.0), Pace(interval_s=0.1)]),
)
def test_over_any_run_the_mean_rate_holds_and_the_last_value_arrives(
    gaps_s: list[float], pace: Pace
) -> None:
    client = Client(pace=pace, now=0.0)
    client.watch(["A"])
    now = 0.0
    sent_at: list[float] = []
    owed = False
    latest: dict[str, Quote] = {}
    for index, gap_s in enumerate(gaps_s):
        now += gap_s
        latest = table(A=f"{100 + index / 1_000_000:.6f}")
        if not (owed := not client.is_due(now)):
            assert client.regular(latest=latest, now=now) is not None
            sent_at.append(now)
    for first in range(len(sent_at)):
        for last in range(first + 1, len(sent_at)):
            assert sent_at[last] - sent_at[first] >= (last - first - 0.101) * pace.interval_s
    final = client.regular(latest=latest, now=now + pace.interval_s)
    assert told(final) == ({"A": latest["A"].text.split('"')[-2]} if owed else {})
