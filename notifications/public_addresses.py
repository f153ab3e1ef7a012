"""Which addresses of the network a webhook may reach: public ones only. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Addresses of IPv6 that carry one of IPv4: what they lead to is decided by the inner one.
_TRANSLATED = ip_network("64:ff9b::/96")
# Local in fact, whatever the registry says of them.
_NEVER = tuple(
    ip_network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")
)


def is_public(text: str) -> bool:
    """Return whether an address belongs to the public network, and to one machine there."""
    address = ip_address(text.partition("%")[0])
    inner = _inner(address)
    if inner is not None:
        return is_public(str(inner))
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
