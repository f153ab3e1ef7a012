"""Who is calling, and how fast he may talk. The counts of open sockets are in leases.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

IPV6_PREFIX_BITS = 64


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` messages at once, `per_s` a second in the long run."""

    per_s: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        """True while the caller keeps to the rate."""
        self.left = min(self.burst, self.left + (now - self.at) * self.per_s)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def bucket(*, per_s: float, burst: float, now: float) -> Bucket:
    """A full bucket."""
    return Bucket(per_s=per_s, burst=burst, left=burst, at=now)


def client_address(*, peer: str, forwarded_for: Sequence[str], trusted_proxy_count: int) -> str:
    """The address the outermost trusted proxy saw, as the key that sockets are counted under.

    Every proxy appends the address it was called from, so with n trusted proxies the n-th entry
    from the right is the first that nobody outside could write. A shorter header did not pass
    through all of them: then the peer counts. IPv6 counts by /64, the smallest block a
    customer is given.
    """
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    seen = hops[-trusted_proxy_count] if 0 < trusted_proxy_count <= len(hops) else peer
    try:
        address = ip_address(seen)
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        network = int(address) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)
        return f"{IPv6Address(network)}/{IPV6_PREFIX_BITS}"
    return str(address)
