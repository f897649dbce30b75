"""出站请求: what leaves for an address that somebody typed in reaches no machine inside (防止服务端请求伪造).

The name is resolved once, every address it has is judged, and the connection goes to the judged address: a name that
answers otherwise a moment later gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from equipment.errors import OutgoingAddressError, OutgoingFailedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked destination: ``host`` for TLS and the Host header, ``address`` for the connection."""

    tls: bool
    host: str
    port: int
    address: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    body: bytes


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, from the system's resolver.

    Raises
    ------
    OutgoingAddressError
        The name has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OutgoingAddressError(f"找不到 {host} (the name has no address): {error.strerror}") from None
    return [str(entry[4][0]) for entry in found]


def check(url: str, allowed: Sequence[Network] = (), resolver: Resolver = resolve) -> Target:
    """Judge an address before anything is sent to it.

    Parameters
    ----------
    allowed
        Networks that the operator opens, such as the partner system's on the city's intranet; there plain HTTP is
        accepted too. Everything else must be a public address under HTTPS.

    Raises
    ------
    OutgoingAddressError
        The form is wrong, or an address of the name lies inside.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise OutgoingAddressError("地址格式不对 (not an address)") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.password:
        raise OutgoingAddressError("地址须为 https://主机/路径 (https://host/path without a user name is needed)")
    found = [_judged(text, parts.scheme == "https", allowed) for text in resolver(parts.hostname, port)]
    if not found:
        raise OutgoingAddressError(f"找不到 {parts.hostname} (the name has no address)")
    path = parts.path or "/"
    return Target(
        parts.scheme == "https", parts.hostname, port, found[0], f"{path}?{parts.query}" if parts.query else path
    )


def _judged(text: str, tls: bool, allowed: Sequence[Network]) -> str:
    address: Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == network.version and address in network for network in allowed):
        return str(address)
    if not address.is_global or address.is_multicast or _carries_another(address):
        raise OutgoingAddressError(
            f"{address} 是内部地址 (an internal address, in no network that the operator opened)"
        )
    if not tls:
        raise OutgoingAddressError("公网地址须用 https (https is needed outside of the opened networks)")
    return str(address)


def _carries_another(address: Address) -> bool:
    """Whether an IPv6 address is a tunnel to an IPv4 one: 6to4, Teredo, NAT64."""
    if not isinstance(address, IPv6Address):
        return False
    return address.sixtofour is not None or address.teredo is not None or address in IPv6Network("64:ff9b::/96")


def post(
    target: Target, body: bytes, headers: Mapping[str, str], context: ssl.SSLContext | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:  # fmt: skip
    """Send ``body`` to a checked target; a redirect is an answer like another.

    Raises
    ------
    OutgoingFailedError
        It was not reached, or broke off.
    """
    connection = _Pinned(target, context or ssl.create_default_context(), timeout_seconds)
    try:
        connection.request("POST", target.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(LONGEST_ANSWER))
    except (OSError, http.client.HTTPException) as error:
        raise OutgoingFailedError(f"{target.host}:{target.port}: {error}") from error
    finally:
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was judged, under the name that was asked for."""

    def __init__(self, target: Target, context: ssl.SSLContext, timeout_seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_seconds)
        self._target = target
        self._context = context

    def connect(self) -> None:
        """Connect to the judged address."""
        plain = socket.create_connection((self._target.address, self._target.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self._target.host) if self._target.tls else plain
