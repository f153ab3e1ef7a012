"""Who is calling: the address nobody outside could have written, and what counts as one caller."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
# The smallest block a customer is given: whoever has one can choose from 2^64 addresses.
IPV6_PREFIX_BITS = 64


def caller_address(*, peer: str, forwarded_for: Sequence[str], trusted_proxy_count: int) -> str:
    """The address the outermost trusted proxy saw; `forwarded_for` are the header's lines.

    Every proxy appends the address it was called from, so with n trusted proxies the n-th entry
    from the right is the first that nobody outside could write. A shorter header did not pass
    through all of them: then the peer counts.
    """
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    hops = [hop for hop in hops if hop]
    return hops[-trusted_proxy_count] if 0 < trusted_proxy_count <= len(hops) else peer


def counted_as(address: str) -> str:
    """What limits count as one caller: an IPv4 address, the /64 of an IPv6 one, or "unknown"."""
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((int(found), IPV6_PREFIX_BITS), strict=False))
        found = found.ipv4_mapped
    return str(found)
