"""What a tool answers, as the text that a model is given."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import CallToolResult, InputRequiredResult

from backboard_server.domain.tools import ToolResult
from backboard_server.tools.mcp.results import tool_result

IMAGE = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}
LINK = {"type": "resource_link", "name": "report", "uri": "https://example.com/report"}
TEXT_FILE = {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "words"}}
BINARY_FILE = {"type": "resource", "resource": {"uri": "file:///a.bin", "blob": "AAAA"}}


def result(content: list[dict[str, Any]], **fields: Any) -> CallToolResult:
    return CallToolResult.model_validate({"content": content} | fields)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "hello"}, "hello"),
        (IMAGE, "[image, image/png: it cannot be shown here]"),
        (AUDIO, "[audio, audio/wav: it cannot be shown here]"),
        (LINK, "[report: https://example.com/report]"),
        (TEXT_FILE, "words"),
        (BINARY_FILE, "[file:///a.bin, of an unknown type: it cannot be shown here]"),
    ],
)
def test_a_block_becomes_text(block: dict[str, Any], text: str) -> None:
    assert tool_result(result([block])) == ToolResult(output=text)


def test_blocks_stand_on_lines_of_their_own() -> None:
    blocks = [{"type": "text", "text": "a"}, IMAGE, {"type": "text", "text": "b"}]

    assert tool_result(result(blocks)).output == "a\n[image, image/png: it cannot be shown here]\nb"


def test_a_structured_result_serves_where_there_is_no_text() -> None:
    structured = {"degrees": 10**30, "unit": "°C"}

    alone = tool_result(result([], structuredContent=structured))
    beside_text = tool_result(result([{"type": "text", "text": "warm"}], structuredContent=structured))

    assert alone.output == '{"degrees": 1000000000000000000000000000000, "unit": "°C"}'
    assert beside_text.output == "warm"


def test_a_result_without_words_says_that_it_is_one() -> None:
    assert tool_result(result([])) == ToolResult(output="The tool has done its work and says nothing.")


def test_an_error_of_the_tool_stays_one() -> None:
    assert tool_result(result([{"type": "text", "text": "no"}], isError=True)).is_error


def test_a_tool_that_asks_back_is_a_failure() -> None:
    asks = tool_result(InputRequiredResult(request_state="s"))
    later = tool_result(result([{"type": "text", "text": "later"}], resultType="task"))

    assert asks == later
    assert asks.is_error
    assert "nobody can be asked" in asks.output
