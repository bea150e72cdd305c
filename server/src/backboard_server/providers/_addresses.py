"""Which addresses may be asked because somebody named them, and which belong to a network of our own."""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from msgspec import Struct
from yarl import URL

from backboard_server.domain.errors import Invalid

FORBIDDEN = "address_forbidden"
URL_CHARACTERS_MAX = 2_048
HOST_CHARACTERS_MAX = 253
UNPRIVILEGED_PORT_MIN = 1_024
WEB_PORTS = frozenset({80, 443})

Address = IPv4Address | IPv6Address

# What `is_global` takes for public, or took in some version of Python, and is not a host of the internet.
_PRIVATE_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by the customers of a carrier, and by clouds for their own services
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, which hands out certificates and settings
        "169.254.0.0/16",  # link-local, where clouds keep the credentials of a machine
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays into IPv6
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")  # the only part of IPv6 that is given out to hosts of the internet
_NOT_HOSTS_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocols, among them Teredo, which carries an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",
    )
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# What the resolver of a machine reads as a number, in any base and with any number of parts.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_UNPRINTED = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")


class Allowance(Struct, frozen=True):
    """What the operator lets be named although it is private."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def has_name(self, host: str) -> bool:
        """Whether a host may be asked by this name, wherever it leads."""
        return host.rstrip(".") in self.names

    def has_address(self, address: Address) -> bool:
        """Whether an address is allowed."""
        return any(address in network for network in self.networks)


def allowance_of(text: str | None) -> Allowance:
    """Read names, addresses and networks that are separated by commas. Raises Invalid for anything else."""
    names: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for word in filter(None, (part.strip().lower() for part in (text or "").split(","))):
        try:
            networks.append(ip_network(word))
        except ValueError:
            if not _NAME.fullmatch(word) or _NUMBER.fullmatch(word):
                raise Invalid(
                    f"BACKBOARD_EGRESS_ALLOW: `{word}` is not a host, an IP address or a network such as "
                    "`10.1.0.0/16` (whose part for hosts is zero). Ports and schemes are not part of it."
                ) from None
            names.add(word.rstrip("."))
    return Allowance(frozenset(names), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address is one of a host of the internet.

    Those of IPv6 that carry an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64) are not: what they lead
    to is for the network that they pass to say.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _PRIVATE_V4)
    return (
        address.scope_id is None
        and address in _GLOBAL_V6
        and not any(address in network for network in _NOT_HOSTS_V6)
    )


def checked_url(text: str, allowance: Allowance) -> URL:
    """Return an address that may be asked as far as its form tells. Raises Invalid (`address_forbidden`).

    It is read once, and what was checked is what is asked: two readers of one text fool a filter.
    """
    url = _read(text)
    host = url.raw_host or ""
    literal = _literal(host)
    is_allowed = allowance.has_name(host) if literal is None else allowance.has_address(literal)
    if url.scheme != "https" and not is_allowed:
        raise refused("it must begin with https://")
    if not is_allowed:
        _check_host(host, literal)
        _check_port(url.port)
    return url


def refused(why: str) -> Invalid:
    """Return the refusal of an address; `why` is the end of a sentence."""
    return Invalid(
        f"This address may not be used: {why}. (Whoever runs the server can allow hosts with "
        "BACKBOARD_EGRESS_ALLOW.)",
        code=FORBIDDEN,
    )


def _read(text: str) -> URL:
    if len(text) > URL_CHARACTERS_MAX:
        raise refused(f"it is longer than {URL_CHARACTERS_MAX:,} characters")
    if _UNPRINTED.search(text):
        raise refused("it holds a space, a backslash or an unprintable character")
    try:
        url = URL(text)
    except ValueError:
        raise refused("it cannot be read as a URL") from None
    if url.scheme not in ("http", "https"):
        raise refused("only https is spoken")
    if not url.raw_host or "@" in url.raw_authority or "@" in _authority(text):
        raise refused("it needs a host, and must not name a user or a password")
    if not url.port:
        raise refused("0 is not a port")
    return url.with_fragment(None)


def _authority(text: str) -> str:
    """Return what stands between the scheme and the path, as written."""
    return re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_host(host: str, literal: Address | None) -> None:
    if literal is not None:
        if not is_public(literal):
            raise refused("it is an address of a private or special network")
        return
    if len(host) > HOST_CHARACTERS_MAX or not _NAME.fullmatch(host):
        raise refused("its host is not a name")
    if _NUMBER.fullmatch(host):
        raise refused("a host that is a number must be written as a plain IP address")
    labels = host.rstrip(".").split(".")
    if len(labels) == 1 or labels[-1] == "localhost":
        raise refused("its host is a name of a local network")


def _check_port(port: int | None) -> None:
    if port not in WEB_PORTS and (port or 0) < UNPRIVILEGED_PORT_MIN:
        raise refused(f"port {port} is not one of the web")
