"""The caller's address, as far as it can be trusted, and what limits count as one caller."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
# Providers assign at least a /64, so one customer can use 2^64 addresses.
IPV6_PREFIX_BITS = 64


def caller_address(*, peer: str, forwarded_for: Sequence[str], trusted_proxy_count: int) -> str:
    """Return the address the outermost trusted proxy saw; `forwarded_for` are the header's lines.

    Every proxy appends the address it was called from. With n trusted proxies, the n-th entry from
    the right is the first that an outsider cannot forge. A shorter header did not pass through all
    of them; then the peer counts.
    """
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    hops = [hop for hop in hops if hop]
    return hops[-trusted_proxy_count] if 0 < trusted_proxy_count <= len(hops) else peer


def counted_caller(*, peer: str, forwarded_for: Sequence[str], trusted_proxy_count: int) -> str:
    """Return what limits count as the caller of a request or a socket."""
    return counted_as(
        caller_address(
            peer=peer, forwarded_for=forwarded_for, trusted_proxy_count=trusted_proxy_count
        )
    )


def counted_as(address: str) -> str:
    """Return what limits count as one caller: an IPv4 address, an IPv6 /64, or "unknown"."""
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((int(found), IPV6_PREFIX_BITS), strict=False))
        found = found.ipv4_mapped
    return str(found)
