"""Which addresses tenants may name, by every form in which an address can be written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.providers._addresses import Allowance, allowance_of, checked_url, is_public

NOBODY = Allowance()

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "192.167.255.255",
    "223.255.255.254",
    "2606:4700::1111",
    "2a00:1450:4001::8",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - nothing listens there, it is asked about
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # the metadata of Alibaba
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # the host agent of Azure
    "169.254.169.254",  # the metadata of nearly everybody
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # compatible
    "::ffff:127.0.0.1",  # mapped
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # the metadata of Amazon
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_of_any_other_network_is_not(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "HTTPS://HOOKS.EXAMPLE.COM/",
        "https://hooks.example.com./",
        "https://hooks.example.com:8443/",
        "https://bücher.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://hooks.example.com/@127.0.0.1",
        "https://hooks.example.com/?to=https://a@127.0.0.1",
    ],
)
def test_an_address_of_the_internet_may_be_named(url: str) -> None:
    assert checked_url(url, NOBODY).scheme == "https"


FORBIDDEN = [
    # schemes
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://hooks.example.com/",
    "//hooks.example.com/",
    "hooks.example.com",
    "https:hooks.example.com",
    "https:///hooks.example.com",
    "",
    # the same address, written in other ways
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://0/",
    "https://00000/",
    "https://0x/",
    "https://127.0.0.1:443/",
    "https://1.1/",
    "https://4294967296/",
    "https://256.256.256.256/",
    "https://127.0.0.0x1/",
    "https://example.127/",
    # unicode that means ASCII
    "https://127。0。0。1/",
    "https://127\uff0e0\uff0e0\uff0e1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://localhost。/",
    "https://[::ﬀﬀ:127.0.0.1]/",
    # IPv6
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[0000::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700::1111%25lo]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[ff02::1]/",
    "https://[::1",
    "https://[::1]x/",
    # names of a local network
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://hooks.localhost/",
    "https://postgres/",
    # who is asked is not who it looks like
    "https://hooks.example.com@127.0.0.1/",
    "https://user:password@hooks.example.com/",
    "https://user@hooks.example.com/",
    "https://@hooks.example.com/",
    "https://:@hooks.example.com/",
    "https://127.0.0.1%2f@hooks.example.com/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com\\.127.0.0.1/",
    "https://127.0.0.1\\.hooks.example.com/",
    "https://hooks.example.com#@127.0.0.1:0/\t",
    "https://127.0.0.1#.example.com/",
    "https://127.0.0.1?.example.com/",
    "https://hooks.example.com /",
    " https://hooks.example.com/",
    "https://hooks.example.com/\r\nHost: localhost",
    "https://hooks.example.com\x00.example.org/",
    "https://hooks.example.com\u00a0/",
    "https://hooks%2eexample.com/",
    "https://127%2e0.0.1/",
    "https://hooks..example.com/",
    "https://.example.com/",
    "https://-.example.com/",
    "https://ex ample.com/",
    "https://xn--/",
    "https://hooks.example.com,127.0.0.1/",
    "https://hooks.example.com;127.0.0.1/",
    f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 130}com/",
    f"https://hooks.example.com/{'a' * 2048}",
    # ports
    "https://hooks.example.com:0/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:8o80/",
    "https://hooks.example.com:-1/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_its_form_betrays_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_url(url, NOBODY)

    assert caught.value.error_code == "address_forbidden"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "https://"),
        ("https://a@hooks.example.com/", "a user or a password"),
        ("https://10.0.0.1/", "private or special network"),
        ("https://hooks.example.com:25/", "port 25"),
        ("https://intranet/", "local network"),
        ("https://127.1/", "plain IP address"),
    ],
)
def test_a_refusal_says_why_and_who_can_lift_it(url: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        checked_url(url, NOBODY)

    assert "BACKBOARD_EGRESS_ALLOW" in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:80/",
        "http://10.1.2.3:22/",
        "http://10.20.30.40/",
        "http://[fd00::1]:9000/",
        "http://hooks.internal/",
        "http://HOOKS.internal.:81/",
        "http://postgres:5432/",
    ],
)
def test_what_the_operator_allows_may_be_named_over_http_and_at_any_port(url: str) -> None:
    allowance = allowance_of("127.0.0.1, 10.1.2.3,10.20.0.0/16,fd00::/8 ,Hooks.Internal,postgres,")

    assert checked_url(url, allowance).scheme == "http"


@pytest.mark.parametrize(
    "url",
    [
        "https://10.21.0.1/",
        "https://127.0.0.2/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "http://a.hooks.internal/",
        "http://hooks.internal@127.0.0.3/",
        "http://user@hooks.internal/",
        "ftp://hooks.internal/",
    ],
)
def test_an_allowance_reaches_no_further_than_it_says(url: str) -> None:
    with pytest.raises(Invalid):
        checked_url(url, allowance_of("127.0.0.1,10.20.0.0/16,hooks.internal"))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "http://hooks", "a:80", "127.1", "0x7f", "a b", "*", "[::1]"])
def test_an_allowance_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="BACKBOARD_EGRESS_ALLOW"):
        allowance_of(f"localhost,{text}")


def test_no_allowance_allows_nothing() -> None:
    assert allowance_of(None) == allowance_of("") == allowance_of(" , ") == NOBODY
