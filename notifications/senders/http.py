"""Send a body to an address a user chose, without being led into our own network.

The name is resolved once, every address found is checked, and the connection goes to a checked
address: nothing is resolved again in between. A redirection is a new address, checked the same way.
The whole exchange has one deadline, so a receiver that answers byte by byte holds nothing up.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from notifications.public_addresses import is_public

REDIRECTIONS_MAX = 3
BODY_KEPT = 500
_FOLLOWED = (307, 308)  # the others would turn a POST into a GET


class AddressRefused(Exception):
    """The address is not one that may be reached; trying again does not help."""


class NotReached(Exception):
    """The receiver could not be reached, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Received:
    """What the receiver answered."""

    status: int
    text: str
    retry_after: str | None = None


def post(
    *,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float = 10.0,
    private_allowed: bool = False,
) -> Received:
    """POST a body and return the answer. Raise AddressRefused or NotReached.

    private_allowed: plain HTTP and addresses of local networks too, as the demo and tests need.
    """
    ends = monotonic() + timeout_s
    for _ in range(REDIRECTIONS_MAX + 1):
        target = checked_url(url, private_allowed=private_allowed)
        answer, location = _post_once(target, body, headers, ends, private_allowed)
        if answer.status not in _FOLLOWED or not location:
            return answer
        try:
            url = urljoin(url, location)
        except ValueError:
            raise NotReached("the receiver redirected to what is not an address") from None
    raise NotReached(f"the receiver redirected more than {REDIRECTIONS_MAX} times")


def checked_url(url: str, *, private_allowed: bool) -> SplitResult:
    """Return the parts of an address. Raise AddressRefused with what is wrong."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("this is not an address") from None
    schemes = ("https", "http") if private_allowed else ("https",)
    if parts.scheme not in schemes:
        raise AddressRefused("the address must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the address must contain no user name or password")
    if not parts.hostname or port == 0:
        raise AddressRefused("the address has no valid host")
    if not url.isascii() or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise AddressRefused("the address must be written in plain ASCII, without spaces")
    return parts


def reachable_addresses(host: str, port: int, *, private_allowed: bool) -> list[str]:
    """Return the addresses behind a name. Raise if one of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise NotReached(f"the name {host} was not found: {fault}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not private_allowed and not all(map(is_public, addresses)):
        raise AddressRefused(f"{host} is not an address of the public network")
    return addresses


def _post_once(
    target: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    ends: float,
    private_allowed: bool,
) -> tuple[Received, str | None]:
    """Send one request; return the answer and where it redirects to."""
    host = target.hostname or ""
    secure = target.scheme == "https"
    port = target.port or (443 if secure else 80)
    addresses = reachable_addresses(host, port, private_allowed=private_allowed)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    connection = _Pinned(host, port, addresses=addresses, secure=secure, ends=ends)
    watch = threading.Timer(max(0.0, ends - monotonic()), connection.abort)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        response = connection.getresponse()
        text = response.read(BODY_KEPT).decode("utf-8", "replace").replace("\x00", "")
        if monotonic() >= ends:
            raise TimeoutError  # the deadline cut the answer off
        answer = Received(response.status, text, response.getheader("Retry-After"))
        return answer, response.getheader("Location")
    except (OSError, http.client.HTTPException) as fault:
        if monotonic() >= ends:
            raise NotReached("the receiver did not answer in time") from None
        raise NotReached(f"{type(fault).__name__}: {fault}") from None
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to a checked address; the name is only in the headers and in TLS."""

    def __init__(
        self, host: str, port: int, *, addresses: list[str], secure: bool, ends: float
    ) -> None:
        super().__init__(host, port)
        self._addresses, self._secure, self._ends = addresses, secure, ends
        self.default_port = 443 if secure else 80

    def connect(self) -> None:
        self.sock = self._connected()
        if self._secure:
            context = ssl.create_default_context()
            # The handshake runs after the socket is known, so that the deadline can end it.
            self.sock = context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def _connected(self) -> socket.socket:
        fault: OSError | None = None
        for address in self._addresses:
            left_s = self._ends - monotonic()
            if left_s <= 0:
                break
            try:
                return socket.create_connection((address, self.port), timeout=left_s)
            except OSError as refused:
                fault = refused
        raise fault or TimeoutError("no time was left to connect")

    def abort(self) -> None:
        """End the exchange from another thread: its pending call fails."""
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # already closed
