"""Markdown of people: what it may say, and what never reaches a page."""

import re

import pytest

from edge.markdown import rendered


def test_the_usual_marks_are_rendered() -> None:
    text = "# Why\n\nHeld *long*, **not** ~~sold~~.\n\n- one\n- `two`\n\n> said\n\n3. third"
    html = rendered(text)
    for part in (
        *("<h3>Why</h3>", "<em>long</em>", "<strong>not</strong>", "<s>sold</s>"),
        *("<li>one</li>", "<code>two</code>", "<blockquote>", '<ol start="3">'),
    ):
        assert part in html


def test_a_table_has_named_columns() -> None:
    html = rendered("| Fund | Share |\n|:--|--:|\n| VTI | 60 |")
    assert '<th scope="col">Fund</th>' in html
    assert "<td>VTI</td>" in html
    assert "style" not in html


def test_headings_skip_no_level() -> None:
    html = rendered("##### deep\n\n# top\n\n### third\n\n## second")
    assert re.findall(r"<h(\d)>(\w+)", html) == [
        ("3", "deep"),
        ("3", "top"),
        ("4", "third"),
        ("4", "second"),
    ]


def test_links_lead_away_without_trust() -> None:
    html = rendered("[site](https://fund.example/a?b=1&c=2 'The fund')")
    assert 'href="https://fund.example/a?b=1&amp;c=2"' in html
    assert 'rel="nofollow noopener noreferrer ugc"' in html


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://a.example/pixel.png)",
    "![x](javascript:alert(1))",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](\tjavascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[a](https://a.example "onmouseover=alert(1) x=\'")',
    '[a](https://a.example/"onmouseover="alert(1))',
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)' style='position:fixed'>x</a>",
    "`<script>alert(1)</script>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    "<details open ontoggle=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "|<script>alert(1)</script>|\n|:-:|\n|<img src=x onerror=alert(1)>|",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_an_attack_is_markup(text: str) -> None:
    html = rendered(text)
    tags = re.findall(r"<\s*/?\s*([a-zA-Z!][^\s>/]*)([^>]*)>", html)
    assert {name for name, _ in tags} <= {
        *("p", "a", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"),
    }
    for _, attributes in tags:
        names = set(re.findall(r'([\w-]+)="[^"]*"', attributes))
        assert names <= {"href", "rel", "title", "scope"}
        for address in re.findall(r'href="([^"]*)"', attributes):
            assert address.startswith("https://a.example"), address


def test_a_deeply_nested_text_is_rendered_without_a_fault() -> None:
    assert rendered(">" * 5_000 + " x").count("<blockquote>") <= 20
    assert rendered("[" * 5_000)
    assert rendered("*" * 5_000 + "a")
