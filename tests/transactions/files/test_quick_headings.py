"""The quick answer that a row is no heading of a layout never contradicts the thorough one."""

from datetime import UTC, datetime

import pytest

from transactions.files.formats.detection import FORMATS
from transactions.files.reading.interface import Options
from transactions.files.reading.tables import Layout, Record, _fields, column_names, names_of

OPTIONS = Options(now=datetime(2026, 1, 1, tzinfo=UTC))
LAYOUTS = {
    f"{declared.name}-{number}": layout
    for declared in FORMATS.values()
    for number, layout in enumerate(declared.layouts)
}


def headings(layout: Layout, number: int, unit: str) -> list[str]:
    """A heading of every required field: its alias of this number, or its last one before."""
    found = []
    for name in sorted(layout.required):
        aliases = layout.columns[name]
        alias = aliases[min(number, len(aliases) - 1)]
        if alias.endswith("¤"):
            found.append(alias.replace("¤", "USD"))
        else:
            found.append(alias.replace("*", "x") + ("" if alias.endswith("*") else unit))
    return found


def finds_all(layout: Layout, cells: list[str]) -> bool:
    """The thorough answer: whether some column is found for every required field."""
    names = column_names(cells)
    places = {name: place for place, name in reversed(list(enumerate(names))) if name}
    return layout.required <= _fields(layout, OPTIONS, places).keys()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_row_in_which_every_field_is_found_may_be_a_heading(layout: Layout) -> None:
    found = missed = 0
    for number in range(max(len(layout.columns[name]) for name in layout.required)):
        for unit in ("", " (USD)", " [utc]"):
            cells = [cell.title() for cell in headings(layout, number, unit)]
            rows = [cells, *([*cells[:place], *cells[place + 1 :]] for place in range(len(cells)))]
            for row in rows:
                may_be = names_of(Record(1, row)).may_be(layout)
                assert may_be or not finds_all(layout, row), row
                found += finds_all(layout, row)
                missed += not may_be
    assert found, "some of the rows are headings"
    assert missed, "and some are seen at once to be none"


def test_a_heading_is_one_of_few_layouts() -> None:
    rows = [Record(1, headings(layout, 0, "")) for layout in LAYOUTS.values()]
    answers = [names_of(row).may_be(layout) for row in rows for layout in LAYOUTS.values()]
    assert sum(answers) < len(answers) / 5
