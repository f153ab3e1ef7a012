"""A list of attacks in Markdown, each in seven places, and texts made to be slow."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.markdown import rendered

ATTACKS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mtext></table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><button formaction=javascript:alert(1)>x",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<div style='background:url(javascript:alert(1))'>",
    "<x hx-get=/ hx-trigger=load>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61&#x76&#x61script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    '[x](https://a.example "onmouseover=alert(1)")',
    '[x](https://a.example "" onmouseover="alert(1)")',
    "[x](https://a.example' onmouseover='alert(1))",
    "<javascript:alert(1)>",
    '<https://a.example/"onmouseover="alert(1)>',
    "![x](javascript:alert(1))",
    "![x](https://evil.example/seen.png)",
    '![x](https://evil.example/a.png "onload=alert(1)")',
    "[x]: javascript:alert(1)\n\n[x]",
    "[x]: https://a.example 'a\" onclick=\"alert(1)'\n\n[x]",
    "`<script>alert(1)</script>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "<!-- --><script>alert(1)</script> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "\x00<script>alert(1)</script>",
    "<script\x00>alert(1)</script>",
    "\u202e<script>alert(1)</script>",
    "| <script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | 2 |",
]
WITHIN = ["{}", "- {}", "> {}", "# {}", "**{}**", "a\n\n    {}", "[{}](x)"]
SAFE = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}


class Seen(HTMLParser):
    """Refuse an element or an attribute that could run, load or leave something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SAFE
        names = {name for name, _ in attrs}
        assert names <= ({"href", "title", "rel"} if tag == "a" else {"start", "scope"})
        for name, value in attrs:
            if name == "href":
                scheme = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", value or "")
                assert scheme is None or scheme[1] in {"http", "https", "mailto"}, value
                assert "nofollow" in str(dict(attrs)["rel"])

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize(
    "within", ["{}", "- {}", "> {}", "# {}", "**{}**", "a\n\n    {}", "[{}](x)"]
)
def test_an_attack_stays_text(text: str, within: str) -> None:
    seen = Seen()
    seen.feed(rendered(within.format(text)))
    seen.close()


@given(st.text(alphabet="<>[]()!`*_\"'&#;:/=\\\n -abjsx|\x00", max_size=120))
def test_no_text_at_all_becomes_more_than_the_allowed(text: str) -> None:
    seen = Seen()
    seen.feed(rendered(text))
    seen.close()


@pytest.mark.parametrize(
    "text",
    [
        ">" * 20_000,
        "[" * 20_000,
        "![" * 10_000,
        "*a " * 6_000,
        "_" * 20_000,
        "`" * 20_000,
        "- " * 10_000,
        "[a](" * 5_000,
        "<a" * 10_000,
        "|" * 20_000,
        "a\n|-\n" * 4_000,
        "[x]: y\n" * 3_000,
    ],
)
def test_a_text_made_to_be_slow_is_rendered(text: str) -> None:
    assert rendered(text) is not None
