"""Mappings of unknown tables: a sample of how one would be read, and what a household keeps.

A mapping is kept when its file is committed: by then a person has looked at what it gives. The next
file with the same heading is read in the same way.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from core.errors import InvalidInput
from core.limits import IMPORT_MAPPINGS_PER_HOUSEHOLD_MAX
from transactions.files.formats.detection import FORMATS, HEAD_BYTES
from transactions.files.mapping import (
    WORDS_MAX,
    Heading,
    examples_in,
    guessed_fields,
    guessed_type,
    heading_in,
    whole_lines,
    words_in,
)
from transactions.files.reading.interface import ParsedRow, RowProblem
from transactions.models import Import, ImportMapping, ImportRow, RowStatus
from transactions.operations.imports import files
from transactions.operations.imports.reading import stated_options

FORMAT = "table"
SAMPLE_ROWS = 5
# Refusals of a file that another mapping or another option can cure.
_MENDABLE = frozenset(
    {"format_unknown", "columns_missing", "options_invalid", "column_used_twice"}
    | {"date_order_ambiguous", "date_order_mixed", "date_order_contradicted"}
    | {"number_style_ambiguous", "number_style_mixed", "number_style_contradicted"}
)
# Options that belong to one file, not to its heading.
_OF_ONE_FILE = frozenset({"account"})


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file under a mapping, or the reason why it cannot be read so."""

    rows: tuple[ParsedRow, ...] = ()
    refusal: RowProblem | None = None


def note_heading(*, batch: Import, head: bytes) -> None:
    """Set the fingerprint of the file's heading."""
    found = heading_in(head[:HEAD_BYTES], delimiter=batch.options.get("delimiter"))
    named = found is not None and not batch.options.get("without_heading")
    batch.heading_sha256 = found.fingerprint if found is not None and named else ""


def is_mendable(*, batch: Import, code: str) -> bool:
    """Return whether a table that was refused can be read once a person says how."""
    return code in _MENDABLE and table_of(batch=batch).heading is not None


def recall(*, batch: Import) -> bool:
    """Take over the mapping that the household kept for this heading, if none is stated."""
    if batch.mapping or not batch.heading_sha256:
        return False
    kept = ImportMapping.objects.filter(
        household_id=batch.account.household_id, heading_sha256=batch.heading_sha256
    ).first()
    if kept is None:
        return False
    batch.mapping = kept.mapping
    batch.options = {**kept.options, **batch.options}
    batch.format_is_chosen = True
    return True


def remember(*, batch: Import, now: datetime) -> None:
    """Keep the mapping of a committed file for its heading; drop the longest unused ones."""
    if batch.format != FORMAT or not batch.mapping or not batch.heading_sha256:
        return
    kept = ImportMapping.objects.filter(household_id=batch.account.household_id)
    ImportMapping.objects.update_or_create(
        household_id=batch.account.household_id,
        heading_sha256=batch.heading_sha256,
        defaults={
            "mapping": batch.mapping,
            "options": {n: v for n, v in batch.options.items() if n not in _OF_ONE_FILE},
            "used_at": now,
        },
    )
    old = kept.order_by("-used_at", "-id").values_list("pk", flat=True)
    if stale := list(old[IMPORT_MAPPINGS_PER_HOUSEHOLD_MAX:]):
        kept.filter(pk__in=stale).delete()


def head_of(*, batch: Import) -> bytes:
    """Return the beginning of the file in whole lines, or all of it."""
    head = files.head(batch=batch)[:HEAD_BYTES]
    return head if batch.file_bytes <= len(head) else whole_lines(head)


@dataclass(frozen=True, slots=True)
class Table:
    """What can be mapped: the columns of a file, each with an example, and its likely fields."""

    head: bytes
    heading: Heading | None
    examples: tuple[str, ...]
    # Field -> heading: as the import has it, else guessed.
    columns: Mapping[str, str]
    types: Mapping[str, str]

    @property
    def without_heading(self) -> bool:
        return self.heading is not None and self.heading.line == 0

    @property
    def names(self) -> Sequence[str]:
        return self.heading.names if self.heading else ()

    def words(self, column: str) -> dict[str, str]:
        """Return the words of the column of types with the types they mean, if that is likely."""
        if self.heading is None or not column:
            return {}
        found = words_in(self.head, self.heading, column)
        words = [*found, *(word for word in self.types if word not in found)]
        return {word: self.types.get(word) or guessed_type(word) for word in words}


def table_of(*, batch: Import) -> Table:
    """Return the columns of a file and their fields; if it is no table, nothing.

    Columns without names have numbers, and the option `without_heading` has to be stated.
    """
    head = head_of(batch=batch)
    delimiter = batch.options.get("delimiter")
    heading = heading_in(head, delimiter=delimiter) or heading_in(
        head, delimiter=delimiter, numbered=True
    )
    types: Mapping[str, str] = batch.options.get("types") or {}
    types = {**dict.fromkeys(_unknown_words(batch), ""), **types}
    if heading is None:
        return Table(head, None, (), batch.mapping, types)
    columns = batch.mapping or guessed_fields(head, heading)
    return Table(head, heading, tuple(examples_in(head, heading)), columns, types)


def _unknown_words(batch: Import) -> list[str]:
    """Return words that the preview did not know as types; they may be far down in the file."""
    column = batch.mapping.get("type")
    if not column:
        return []
    refused = ImportRow.objects.filter(
        batch=batch, status=RowStatus.ERROR, problems__contains=[{"code": "type_unknown"}]
    ).order_by("number")
    cells = (raw.get(column, "").strip() for raw in refused.values_list("raw", flat=True)[:500])
    return list(dict.fromkeys(cell for cell in cells if cell))[:WORDS_MAX]


def sample(
    *, batch: Import, mapping: Mapping[str, str], options: Mapping[str, Any], now: datetime
) -> Sample:
    """Return the first rows of the file as they would be read, by its beginning alone."""
    if not mapping.get("executed_at"):
        return Sample(refusal=RowProblem("columns_missing", "Say which column is the date."))
    stated = stated_options(mapping=mapping, options=options, now=now)
    try:
        rows = FORMATS[FORMAT].read(io.BytesIO(head_of(batch=batch)), stated)
        return Sample(tuple(islice(rows, SAMPLE_ROWS)))
    except InvalidInput as refusal:
        return Sample(refusal=RowProblem(refusal.code, refusal.detail))
