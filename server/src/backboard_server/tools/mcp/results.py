"""What an MCP server's tool answers, as the text that a model is given."""

from __future__ import annotations

import json

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from backboard_server.domain.tools import ToolResult

from .questions import CallResult

_ASKS_BACK = "The tool asks somebody to say more before it goes on, and nobody can be asked here."
_EMPTY = "The tool has done its work and says nothing."


def tool_result(result: CallResult) -> ToolResult:
    """Return what the model is given: texts as they are, in place of everything else what it is."""
    if not isinstance(result, CallToolResult) or result.result_type != "complete":
        return ToolResult(output=_ASKS_BACK, is_error=True)
    text = "\n".join(_text(block) for block in result.content)
    if not text.strip() and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    return ToolResult(output=text or _EMPTY, is_error=result.is_error)


def _text(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return f"[{block.type}, {block.mime_type}: it cannot be shown here]"
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case EmbeddedResource():
            resource = block.resource
            if isinstance(resource, TextResourceContents):
                return resource.text
            return f"[{resource.uri}, {resource.mime_type or 'of an unknown type'}: it cannot be shown here]"
