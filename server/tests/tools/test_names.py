"""The names of tools: each once, none of the application's, and each one that models take."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.tools import ToolResult
from backboard_server.tools.names import named
from backboard_server.tools.toolbox import FoundTool


async def nothing(arguments: dict[str, Any], call_key: str) -> ToolResult:
    return ToolResult(output="")


def found(source: str, name: str) -> FoundTool:
    return FoundTool(
        source=source, name=name, description="", parameters={}, is_repeatable=False, call=nothing
    )


def names(*tools: FoundTool, taken: tuple[str, ...] = ()) -> list[str]:
    return [tool.name for tool in named(tools, taken)]


def test_a_name_that_nobody_else_has_stays() -> None:
    assert names(found("a", "look"), found("b", "read-it_2")) == ["look", "read-it_2"]


def test_two_servers_with_one_name_stand_before_it() -> None:
    assert names(found("a", "look"), found("b", "look"), found("b", "x")) == ["a_look", "b_look", "x"]


def test_the_application_keeps_its_name() -> None:
    assert names(found("a", "look"), taken=("look",)) == ["a_look"]


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("files.read", "a_files_read"),
        ("look at", "a_look_at"),
        ("größe", "a_gr__e"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "a_" + "x" * 62),
    ],
)
def test_a_name_that_no_model_takes_is_written_otherwise(name: str, offered: str) -> None:
    assert names(found("a", name)) == [offered]


def test_names_that_become_alike_are_numbered() -> None:
    assert names(found("a", "x.y"), found("a", "x y"), taken=("a_x_y_2",)) == ["a_x_y", "a_x_y_3"]


def test_the_definition_has_the_name_that_is_offered() -> None:
    tool = named([found("a", "look")], ("look",))[0]

    assert tool.definition["function"]["name"] == tool.name == "a_look"


SOURCES = st.sampled_from(["a", "b", "a_b"])
NAMES = st.text(alphabet="ab_. é", min_size=1, max_size=70)


@given(st.lists(st.tuples(SOURCES, NAMES), max_size=20), st.lists(NAMES, max_size=5))
def test_whatever_servers_call_their_tools_every_name_is_free_and_can_be_taken(
    tools: list[tuple[str, str]], taken: list[str]
) -> None:
    offered = names(*(found(source, name) for source, name in tools), taken=tuple(taken))

    assert len(set(offered)) == len(tools)
    assert not set(offered) & set(taken)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in offered)
