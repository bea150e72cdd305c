"""Where the web processes listen; what they do there is tested in flows/test_processes.py."""

from __future__ import annotations

import socket

import pytest

from backboard_server.cli.web import resolve_listener
from backboard_server.domain.errors import Conflict, Invalid


def test_a_name_becomes_an_address_and_0_a_free_port() -> None:
    host, port = resolve_listener("localhost", 0)

    assert host in ("127.0.0.1", "::1")
    assert port > 0


def test_a_port_that_another_server_shares_with_nobody_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(Conflict, match=f"Port {port} on 127.0.0.1 is in use"):
            resolve_listener("127.0.0.1", port)


def test_a_port_that_another_server_would_share_is_refused_too() -> None:
    shared = socket.create_server(("127.0.0.1", 0), reuse_port=True)

    with shared, pytest.raises(Conflict, match="is in use"):
        resolve_listener("127.0.0.1", shared.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Invalid, match="Cannot listen on"):
        resolve_listener(host, 0)
