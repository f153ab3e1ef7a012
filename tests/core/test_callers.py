"""Which address counts, and which addresses count as one caller."""

import pytest

from core.callers import caller_address, counted_as


@pytest.mark.parametrize(
    ("forwarded_for", "proxies", "address"),
    [
        ([], 0, "10.9.9.9"),
        (["203.0.113.9"], 0, "10.9.9.9"),  # nobody is trusted
        ([], 1, "10.9.9.9"),
        ([""], 1, "10.9.9.9"),
        (["203.0.113.9"], 1, "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], 1, "203.0.113.9"),  # the first was made up
        (["6.6.6.6,, ,"], 1, "6.6.6.6"),
        (["6.6.6.6", "203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
        (["203.0.113.9"], 2, "10.9.9.9"),  # did not pass both proxies
        (["<script>"], 1, "<script>"),
    ],
)
def test_the_address_is_the_one_the_outermost_trusted_proxy_saw(
    forwarded_for: list[str], proxies: int, address: str
) -> None:
    found = caller_address(
        peer="10.9.9.9", forwarded_for=forwarded_for, trusted_proxy_count=proxies
    )
    assert found == address


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("<script>", "unknown"),
        ("local", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_caller_is_an_address_or_the_block_it_can_choose_from(address: str, caller: str) -> None:
    assert counted_as(address) == caller
