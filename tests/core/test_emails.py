"""Every spelling of a mailbox is one address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.emails import EmailInvalid, folded

SAME = [
    ("Jo.Doe@Example.COM", "jo.doe@example.com"),
    (" jo@example.com ", "jo@example.com"),
    ("\uff4ao@example.com", "jo@example.com"),  # full width
    ("\u212aai@example.com", "kai@example.com"),  # the Kelvin sign
    ("\u017fam@example.com", "sam@example.com"),  # long s
    ("k\u0131m@example.com", "kim@example.com"),  # dotless i
    ("jo@\uff25xample\u3002com", "jo@example.com"),  # full width, ideographic full stop
    ("jo@ex\u00adample.com", "jo@example.com"),  # a soft hyphen
    ("jo@B\u00dcCHER.example", "jo@xn--bcher-kva.example"),
    ("jo@bu\u0308cher.example", "jo@xn--bcher-kva.example"),  # u and its dots apart
    ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
]
NONE = [
    *(
        "",
        "jo",
        "@example.com",
        "jo@",
        "jo@.example",
        "jo@a..b",
        "jo@example.com.",
        "jo@-a.example",
    ),
    *("j\u00f6@example.com", "\u0130@example.com", "stra\u00dfe@example.com"),
    *("jo@a b.example", "j o@example.com"),
    *("jo@\ua7cb.example", "jo@a_b.example", "jo@xn--a.example", "jo\x00@example.com"),
]


@pytest.mark.parametrize(("spelling", "email"), SAME)
def test_a_spelling_folds(spelling: str, email: str) -> None:
    assert folded(spelling) == email


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(EmailInvalid) as refusal:
        folded(text)
    assert refusal.value.code == "email_invalid"


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_folded_address_stays_as_it_is_and_is_ascii(local: str, domain: str) -> None:
    try:
        once = folded(f"{local}@{domain}")
    except EmailInvalid:
        return
    assert once.isascii()
    assert folded(once) == once == once.lower()
