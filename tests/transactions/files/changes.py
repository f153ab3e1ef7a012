"""Ways in which a table changes between a broker and us: nothing of it may change a figure.

changed(table, random)  ->  the changed table as bytes, or None if the change does not apply to it
"""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

NUMBER = re.compile(r"(?P<before>\(?[-+]?(?:[$€£]|[A-Z]{3} )?)(?P<digits>\d[\d.,]*)(?P<after>\)?)")
DAY = re.compile(r"(?P<before>\s*)(?P<a>\d{1,2})(?P<sign>[-/])(?P<b>\d{1,2})(?P=sign)(?P<y>\d{4})")


@dataclass(frozen=True)
class Table:
    """A sample: its cells, the place of its heading, and the places of its figures and days."""

    delimiter: str
    rows: list[list[str]]
    heading: int
    figures: frozenset[int]
    days: frozenset[int]
    point: str

    def body(self, change: Callable[[int, str], str]) -> "Table":
        """The table with every cell below the heading changed by its column."""
        rows = [
            cells
            if place <= self.heading
            else [change(column, cell) for column, cell in enumerate(cells)]
            for place, cells in enumerate(self.rows)
        ]
        return replace(self, rows=rows)

    def written(self, end: str = "\n") -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator=end).writerows(self.rows)
        return text.getvalue().encode()


Change = Callable[[Table, Random], bytes | None]


def other_decimal_sign(table: Table, random: Random) -> bytes | None:
    other = "," if table.point == "." else "."
    swap = str.maketrans({",": ".", ".": ","})

    def put(column: int, cell: str) -> str:
        return cell.translate(swap) if column in table.figures and NUMBER.fullmatch(cell) else cell

    changed = table.body(put)
    assert other != table.point
    return changed.written() if changed.rows != table.rows else None


def thousands(table: Table, random: Random) -> bytes | None:
    sign = "," if table.point == "." else "."
    sign = random.choice([sign, "'", "\u00a0", "\u202f"])

    def put(column: int, cell: str) -> str:
        found = NUMBER.fullmatch(cell) if column in table.figures else None
        if not found or "," in found["digits"] + found["digits"].replace(".", ","):
            digits = found["digits"] if found else ""
            if (
                not found
                or digits.count(table.point) != 1
                or (set(digits) & {",", "."}) - {table.point}
            ):
                return cell
        whole, point, rest = found["digits"].partition(table.point)
        if len(whole) < 4 or not whole.isdigit():
            return cell
        grouped = f"{int(whole):,}".replace(",", sign)
        return f"{found['before']}{grouped}{point}{rest}{found['after']}"

    changed = table.body(put)
    return changed.written() if changed.rows != table.rows else None


def other_day_order(table: Table, random: Random) -> bytes | None:
    """Day and month changed places, in a file in which a day after the 12th tells so."""
    proved = False

    def put(column: int, cell: str) -> str:
        nonlocal proved
        if column not in table.days:
            return cell
        proved = proved or any(
            int(day["a"]) > 12 or int(day["b"]) > 12 for day in DAY.finditer(cell)
        )
        return DAY.sub(r"\g<before>\g<b>\g<sign>\g<a>\g<sign>\g<y>", cell)

    changed = table.body(put)
    return changed.written() if proved else None


def without_a_column(table: Table, random: Random) -> bytes | None:
    wide = len(table.rows[table.heading])
    place = random.randrange(wide)
    rows = [cells[:place] + cells[place + 1 :] for cells in table.rows]
    return replace(table, rows=rows).written()


def with_a_column(table: Table, random: Random) -> bytes | None:
    """A column that nobody knows, anywhere but behind a column whose currency has no heading."""
    heading = table.rows[table.heading]
    free = [place for place in range(len(heading) + 1) if place == len(heading) or heading[place]]
    place = random.choice(free)
    filled = random.choice(["1", "", "2024-01-01", "USD", "x", "1,234.50"])
    rows = [
        [*cells[:place], "New since today" if number == table.heading else filled, *cells[place:]]
        if len(cells) == len(heading)
        else cells
        for number, cells in enumerate(table.rows)
    ]
    return replace(table, rows=rows).written()


def renamed_column(table: Table, random: Random) -> bytes | None:
    heading = list(table.rows[table.heading])
    place = random.randrange(len(heading))
    heading[place] = f"{heading[place]} renamed"
    rows = [*table.rows]
    rows[table.heading] = heading
    return replace(table, rows=rows).written()


def cut_anywhere(table: Table, random: Random) -> bytes | None:
    content = table.written()
    start = len(content) // 2
    return content[: random.randrange(start, len(content))]


def marked_and_mixed(table: Table, random: Random) -> bytes | None:
    """A byte order mark, and lines that end in three ways."""
    content = table.written().decode()
    lines = content.split("\n")
    mixed = "".join(line + random.choice(["\n", "\r\n", "\r"]) for line in lines[:-1])
    encoding = random.choice(["utf-8-sig", "utf-16", "utf-8"])
    return mixed.encode(encoding)


def doubled_heading(table: Table, random: Random) -> bytes | None:
    """Two downloads in one file: the heading comes again between the rows."""
    place = random.randrange(table.heading + 1, len(table.rows) + 1)
    rows = [*table.rows[:place], table.rows[table.heading], *table.rows[place:]]
    return replace(table, rows=rows).written()


def swapped_headings(table: Table, random: Random) -> bytes | None:
    """Two columns of figures whose headings changed places, as after a wrong sort."""
    figures = sorted(table.figures)
    if len(figures) < 2:
        return None
    first, second = random.sample(figures, 2)
    heading = list(table.rows[table.heading])
    heading[first], heading[second] = heading[second], heading[first]
    rows = [*table.rows]
    rows[table.heading] = heading
    return replace(table, rows=rows).written()


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (
        *(other_decimal_sign, thousands, other_day_order, without_a_column, with_a_column),
        *(renamed_column, cut_anywhere, marked_and_mixed, doubled_heading),
    )
}
