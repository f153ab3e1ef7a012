"""Ways in which a file that somebody uploads may be wrong, each from a sample that is right.

mutated(content, name, random)  ->  the damaged file; the same seed damages it in the same way
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]

TEXTS = [
    *(
        "",
        " ",
        "\t",
        "0",
        "-0",
        "1e999999",
        "NaN",
        "Infinity",
        "-1",
        "9" * 40,
        "1,5",
        "1.234.567,8",
    ),
    *("0001-01-01", "9999-12-31", "2024-02-30", "12/31/9999", "31/12/2024", "1/1/24", "24:61:61"),
    *("=1+1", "＝1", "'", '"', "\u0661\u0662", "Ⅷ", "null", "None", "\u202e", "e\u0301", "\ufeff"),
    *(
        "buy",
        "sell",
        "split",
        "Buy 1 @",
        "2:0",
        "0:0",
        "a=1;b=2",
        '{"short": "NaN"}',
        "\x85",
        "\u2028",
    ),
]


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def _cells(content: bytes, random: Random, put: Callable[[bytes], bytes], share: float) -> bytes:
    """Some of the cells changed, whatever separates them."""
    rows = []
    for line in _lines(content):
        sign = max((b",", b";", b"\t", b">", b'"'), key=line.count)
        cells = line.split(sign)
        rows.append(sign.join(put(cell) if random.random() < share else cell for cell in cells))
    return b"\n".join(rows)


def truncated(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def doubled_lines(content: bytes, random: Random) -> bytes:
    return b"\n".join(line for line in _lines(content) for _ in range(random.randint(0, 3)))


def shuffled_lines(content: bytes, random: Random) -> bytes:
    lines = _lines(content)
    random.shuffle(lines)
    return b"\n".join(lines)


def swapped_columns(content: bytes, random: Random) -> bytes:
    first, second = random.randrange(8), random.randrange(8)
    rows = []
    for line in _lines(content):
        cells = line.split(b",")
        if max(first, second) < len(cells):
            cells[first], cells[second] = cells[second], cells[first]
        rows.append(b",".join(cells))
    return b"\n".join(rows)


def nuls(content: bytes, random: Random) -> bytes:
    bad = random.choice([b"\0", b"\\u0000", b"&#0;"])
    return _cells(content, random, lambda cell: cell + bad, 0.1)


def surrogates(content: bytes, random: Random) -> bytes:
    bad = [b"\xed\xa0\x80", rb"\ud800", rb"\udfff\ud800", b"&#55296;"]
    chosen = random.choice(bad)
    return _cells(content, random, lambda cell: cell + chosen, 0.1)


def strange_cells(content: bytes, random: Random) -> bytes:
    return _cells(content, random, lambda _: random.choice(TEXTS).encode(), 0.15)


def huge_cell(content: bytes, random: Random) -> bytes:
    bits = [
        b"x",
        b" ",
        b"9",
        b"1 ",
        b"'",
        b"<!--",
        b"&",
        b"a\xcc\x80\xcc\xa7",
        b"Buy 1 ",
        b"(",
        b"[",
    ]
    bit = random.choice(bits)
    size = random.choice([1_000, 60_000, 200_000])
    place = random.randrange(len(content))
    return content[:place] + bit * (size // len(bit)) + content[place:]


def many_cells(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content))
    return content[:place] + random.choice([b",", b";", b",a", b"\n,"]) * 5_000 + content[place:]


def quotes(content: bytes, random: Random) -> bytes:
    return _cells(content, random, lambda cell: b'"' + cell, 0.1)


def mixed_line_ends(content: bytes, random: Random) -> bytes:
    ends = [b"\r\n", b"\r", b"\n", b"\n\n", b"\r\r\n", b"\x0b", b"\xc2\x85"]
    return b"".join(line + random.choice(ends) for line in _lines(content))


def other_delimiter(content: bytes, random: Random) -> bytes:
    return content.replace(b",", random.choice([b";", b"\t", b"|", b":", b",,"]))


def other_encoding(content: bytes, random: Random) -> bytes:
    text = content.decode()
    name = random.choice(
        ["utf-16", "utf-16-le", "utf-32", "cp1252", "cp437", "shift_jis", "utf-7", "cp500"]
    )
    return text.encode(name, errors="replace")


def declared_encoding(content: bytes, random: Random) -> bytes:
    name = random.choice(["zlib_codec", "utf-16", "idna", "unicode_escape", "ebcdic", "x" * 99])
    return f'<?xml version="1.0" encoding="{name}"?>\n'.encode() + content


def nested(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content))
    bit = random.choice(
        [b"[", b'{"a":', b"<A>", b"<a b='1'>", b"</A>", b"<!--", b"(", b"<![CDATA["]
    )
    return content[:place] + bit * random.choice([40, 5_000]) + content[place:]


def entities(content: bytes, random: Random) -> bytes:
    bomb = b'<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]>'
    lines = _lines(content)
    lines.insert(random.randrange(min(4, len(lines)) + 1), random.choice([bomb, b"&c;&#0;&lol;"]))
    return b"\n".join(lines)


def flipped_bytes(content: bytes, random: Random) -> bytes:
    found = bytearray(content)
    high = random.choice([128, 256])
    for _ in range(random.randint(1, 20)):
        found[random.randrange(len(found))] = random.randrange(32, high)
    return bytes(found)


def archived(content: bytes, random: Random) -> bytes:
    if random.random() < 0.5:
        return gzip.compress(content)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("file.csv", content)
    return data.getvalue()


def twice(content: bytes, random: Random) -> bytes:
    return content + content[random.randrange(len(content)) :]


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        *(truncated, doubled_lines, shuffled_lines, swapped_columns, nuls, surrogates),
        *(strange_cells, huge_cell, many_cells, quotes, mixed_line_ends, other_delimiter),
        *(other_encoding, declared_encoding, nested, entities, flipped_bytes, archived, twice),
    )
}


def mutated(content: bytes, name: str, random: Random) -> bytes:
    """The file damaged in one way, and now and then in another, too."""
    damaged = MUTATIONS[name](content, random)
    if damaged and random.random() < 0.3:
        other = random.choice(sorted(MUTATIONS.keys() - {"archived", "other_encoding"}))
        damaged = MUTATIONS[other](damaged, random)
    return damaged
