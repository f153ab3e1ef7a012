"""Markdown written by people, as HTML that is safe on our pages.

Two walls, one behind the other: the parser knows no raw HTML and no images, and whatever it writes
passes an allow-list of tags, attributes and address schemes. Links of people lead away with
`rel="nofollow noopener noreferrer ugc"`. Headings begin at the level below the title of their card.
"""

from collections.abc import Sequence

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# The first heading inside a card whose title is an h2.
TOP_HEADING = 3
_LAST_HEADING = 6
_TAGS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "th": {"scope"}}
_SCHEMES = {"https", "http", "mailto"}
_PARSER = (
    MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    .enable(["table", "strikethrough"])
    .disable(["image", "html_block", "html_inline"])
)


def rendered(text: str) -> SafeString:
    """Return a text in Markdown as safe HTML."""
    tokens = _PARSER.parse(text)
    _lower_headings(tokens)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
    )
    return mark_safe(clean)  # noqa: S308  cleaned one line above


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Number headings from TOP_HEADING on, so that no reader meets a skipped level."""
    open_levels: list[int] = []
    for token in tokens:
        if token.type == "th_open":
            token.attrs = {"scope": "col"}
        elif token.type == "td_open":
            token.attrs = {}
        if token.type not in ("heading_open", "heading_close"):
            continue
        written = int(token.tag[1])
        if token.type == "heading_open":
            while open_levels and open_levels[-1] >= written:
                open_levels.pop()
            open_levels.append(written)
        token.tag = f"h{min(TOP_HEADING + len(open_levels) - 1, _LAST_HEADING)}"
