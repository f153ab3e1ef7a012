import pytest

from stream.limits import bucket, client_address


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "proxies", "address"),
    [
        ("192.0.2.1", [], 0, "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], 0, "192.0.2.1"),  # nobody is trusted
        ("10.0.0.1", ["203.0.113.9"], 1, "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], 1, "203.0.113.9"),  # the first was made up
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9"], 2, "10.0.0.1"),  # did not pass both proxies
        ("10.0.0.1", [], 1, "10.0.0.1"),
        ("10.0.0.1", ["unknown"], 1, "10.0.0.1"),
        ("10.0.0.1", [""], 1, "10.0.0.1"),
        ("::ffff:192.0.2.1", [], 0, "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", [], 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], 0, "2001:db8:1:2::/64"),
        ("local", [], 0, "local"),
    ],
)
def test_the_address_is_the_one_the_outermost_trusted_proxy_saw(
    peer: str, forwarded_for: list[str], proxies: int, address: str
) -> None:
    found = client_address(peer=peer, forwarded_for=forwarded_for, trusted_proxy_count=proxies)
    assert found == address


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    allowance = bucket(per_s=2, burst=3, now=0.0)
    assert [allowance.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.take(0.4)
    assert allowance.take(0.5)
    assert not allowance.take(0.5)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
