"""The replay meets every real close, moves at every step and never jumps."""

from datetime import date
from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.demo.replay_path import STEPS_PER_SESSION, Close, Position, Walk, leg, walk
from tests.effort import examples

prices = st.decimals("0.01", "90000", places=3)

MON, _, WED, THU, FRI = (date(2026, 11, day) for day in range(16, 21))
NEXT_MON = date(2026, 11, 23)


@given(start=prices, end=prices, steps=st.integers(2, 240), seed=st.text(max_size=5))
@settings(max_examples=examples(200), deadline=None)
def test_a_leg_ends_exactly_at_its_closes_and_always_moves(
    start: D, end: D, steps: int, seed: str
) -> None:
    path = leg(start=start, end=end, steps=steps, seed=seed)
    assert len(path) == steps + 1
    assert (path[0], path[-1]) == (start, end)
    assert all(price > 0 for price in path)
    assert all(before != after for before, after in zip(path, path[1:], strict=False))


def test_the_same_seed_gives_the_same_path_and_another_seed_another() -> None:
    one, same, other = (
        leg(start=D(100), end=D(101), steps=60, seed=seed) for seed in ("a", "a", "b")
    )
    assert one == same
    assert one != other


def made(*closes: tuple[date, str], turn: date) -> Walk:
    found = walk(symbol="AAA", closes=[Close(day, D(price)) for day, price in closes], turn=turn)
    assert found is not None
    return found


def walked(path: Walk, position: Position, steps: int) -> list[Position]:
    places = [position]
    for _ in range(steps):
        places.append(path.advanced(places[-1]))
    return places


def test_a_walk_passes_every_close_turns_at_the_newest_and_comes_back() -> None:
    path = made((THU, "100"), (FRI, "102"), (NEXT_MON, "99.5"), turn=THU)
    places = walked(path, path.start(), 4 * STEPS_PER_SESSION)
    seen = [path.price(place) for place in places]
    step = STEPS_PER_SESSION
    assert [seen[n * step] for n in range(5)] == [D(100), D(102), D("99.5"), D(102), D(100)]
    assert all(before != after for before, after in zip(seen, seen[1:], strict=False))
    assert seen == seen[::-1], "the way back is the way there"


def test_a_position_overtaken_by_a_new_day_walks_into_the_window_without_a_jump() -> None:
    yesterday = made((WED, "90"), (THU, "100"), (FRI, "102"), turn=WED)
    place = walked(yesterday, yesterday.start(), 30)[-1]
    today = made((WED, "90"), (THU, "100"), (FRI, "102"), (NEXT_MON, "99"), turn=THU)
    assert today.covers(place)
    assert today.price(place) == yesterday.price(place)
    # It was on its way back when the day changed: it turns forward at once, one step at a time.
    after = walked(today, Position(place.step, forward=False), STEPS_PER_SESSION)
    assert [found.step - place.step for found in after[:3]] == [0, 1, 2]
    assert all(abs(b.step - a.step) == 1 for a, b in zip(after, after[1:], strict=False))


def test_nothing_is_walked_without_a_session_ahead_or_without_its_turn() -> None:
    closes = [Close(THU, D(1)), Close(FRI, D(2))]
    assert walk(symbol="A", closes=closes, turn=FRI) is None
    assert walk(symbol="A", closes=closes, turn=WED) is None
    assert walk(symbol="A", closes=[], turn=WED) is None


def test_a_missing_session_makes_a_longer_leg_of_the_same_speed() -> None:
    path = made((MON, "10"), (WED, "12"), turn=MON)
    places = walked(path, path.start(), 2 * STEPS_PER_SESSION)
    assert path.price(places[-1]) == D(12)
    assert path.price(places[STEPS_PER_SESSION]) != D(12)


def test_a_place_off_the_path_is_not_covered() -> None:
    path = made((THU, "100"), (FRI, "102"), turn=THU)
    assert not path.covers(Position(path.start().step - 1))
    assert not path.covers(Position(path.start().step + STEPS_PER_SESSION + 1))
