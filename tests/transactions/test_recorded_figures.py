"""Thirty random households book to the figures that an earlier version of the ledger recorded.

The model finds faults of a rule; these find a change that nobody meant. The file has the lots,
sales and matches of each seed as the version of 24 November 2026 booked them, with at least two
wash sales in each household. A rule that changes on purpose changes the file with it.
"""

import json
from pathlib import Path

import pytest

from tests.transactions.model.against_the_book import Names, by_the_book, figures_of_the_book
from tests.transactions.model.random_households import household

RECORDED = json.loads((Path(__file__).parent / "model" / "recorded_figures.json").read_text())


@pytest.mark.parametrize("seed", RECORDED)
def test_a_household_has_the_figures_recorded_for_it(seed: str) -> None:
    house, rows, _ = household(int(seed))
    names = Names.of(house, rows)
    outcome, book = by_the_book(house, rows, names)
    found = [
        sorted([[*map(str, key)], [*map(str, values)]] for key, values in figures.items())
        for figures in figures_of_the_book(outcome, book, names)
    ]
    assert found == RECORDED[seed]
