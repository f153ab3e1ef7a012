"""The text and HTML of mails. Pure.

HTML of mail programs: tables, styles in the elements, no picture and no font from elsewhere, colors
that hold in dark schemes. The text says the same for those who read text.
"""

from dataclasses import dataclass
from html import escape

_INK, _QUIET, _ACCENT = "#1c2430", "#5b6573", "#1f5f8b"


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph, with a link if it has one."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail before it has an address."""

    subject: str
    lines: tuple[Line, ...]
    button: str = ""
    button_url: str = ""
    # Why the reader gets it, and how to stop it.
    reason: str = ""
    settings_url: str = ""


def text_of(mail: Mail) -> str:
    """Return the plain text."""
    parts = [f"{line.text}\n{line.url}" if line.url else line.text for line in mail.lines]
    if mail.button_url:
        parts.append(f"{mail.button}: {mail.button_url}")
    parts.append("-- \nBallast" + (f"\n{mail.reason}" if mail.reason else ""))
    if mail.settings_url:
        parts[-1] += f"\n{mail.settings_url}"
    return "\n\n".join(parts) + "\n"


def html_of(mail: Mail) -> str:
    """Return the HTML."""
    rows = "".join(_paragraph(line) for line in mail.lines)
    button = ""
    if mail.button_url:
        button = (
            f'<p style="margin:24px 0"><a href="{escape(mail.button_url)}" style="background:'
            f"{_ACCENT};color:#ffffff;padding:12px 20px;border-radius:6px;text-decoration:none;"
            f'display:inline-block;font-weight:600">{escape(mail.button)}</a></p>'
            f'<p style="font-size:13px;color:{_QUIET};word-break:break-all">'
            f"Or open this address: {escape(mail.button_url)}</p>"
        )
    foot = escape(mail.reason)
    if mail.settings_url:
        foot += f' <a href="{escape(mail.settings_url)}" style="color:{_QUIET}">Change that</a>.'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(mail.subject)}</title></head>"
        f'<body style="margin:0;padding:0"><table role="presentation" width="100%" cellpadding="0" '
        'cellspacing="0"><tr><td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
        f'style="max-width:560px;font:16px/1.5 -apple-system,Segoe UI,Arial,sans-serif;'
        f'color:{_INK};background:#ffffff;border:1px solid #d9dee5;border-radius:8px">'
        f'<tr><td style="padding:28px"><p style="margin:0 0 20px;font-weight:700;color:{_ACCENT}">'
        f'Ballast</p><h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">'
        f"{escape(mail.subject)}</h1>{rows}{button}"
        f'<p style="margin:28px 0 0;font-size:13px;color:{_QUIET}">{foot}</p>'
        "</td></tr></table></td></tr></table></body></html>"
    )


def _paragraph(line: Line) -> str:
    text = escape(line.text)
    if line.url:
        text = f'<a href="{escape(line.url)}" style="color:{_ACCENT}">{text}</a>'
    return f'<p style="margin:0 0 12px">{text}</p>'
