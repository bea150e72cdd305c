"""Lists that are kept: for a while, for whom they were made, and not too many."""

from __future__ import annotations

from uuid import uuid4

from backboard_server.domain.tools import McpServer
from backboard_server.tools.mcp.lists import LISTS_MAX, Listed, Lists, key_of

SERVER = McpServer(name="docs", url="https://mcp.example.com")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_list_is_good_for_as_long_as_it_is_kept() -> None:
    clock, listed = Clock(), Listed(problems=("one",))
    lists = Lists(clock)

    lists.keep(b"a", listed, 60)
    clock.seconds = 59.9
    still = lists.find(b"a")
    clock.seconds = 60.0

    assert still == listed
    assert lists.find(b"a") is None
    assert lists.find(b"b") is None


def test_the_list_that_is_used_least_makes_room() -> None:
    lists = Lists()
    for number in range(LISTS_MAX):
        lists.keep(b"%d" % number, Listed(), 60)
    lists.find(b"0")

    lists.keep(b"one more", Listed(), 60)

    assert lists.find(b"0") is not None
    assert lists.find(b"1") is None


def test_a_list_is_shared_by_those_alone_who_ask_alike() -> None:
    tenant_id = uuid4()
    key = key_of(tenant_id, SERVER, {"Authorization": "a"})
    resealed = McpServer(name="docs", url=SERVER.url, sealed_headers="AQ==")

    assert key == key_of(tenant_id, resealed, {"Authorization": "a"})
    others = [
        key_of(uuid4(), SERVER, {"Authorization": "a"}),
        key_of(tenant_id, SERVER, {"Authorization": "b"}),
        key_of(tenant_id, McpServer(name="docs", url="https://mcp.example.org"), {"Authorization": "a"}),
        key_of(tenant_id, McpServer(name="docs", url=SERVER.url, allowed_tools=[]), {"Authorization": "a"}),
    ]
    assert len({key, *others}) == 5
