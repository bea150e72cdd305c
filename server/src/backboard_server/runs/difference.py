"""How the contexts of two answers differ, by their receipts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.receipts import FilesBlock, Receipt, SystemBlock, ToolsBlock

Item = TypeVar("Item")

_OPTIONS = ("thinking", "tool_choice", "response_format")


class Difference(Struct, frozen=True, kw_only=True):
    """What changed between two contexts.

    Tools and options go by their names, messages and files by their ids; `tools_changed` are those that are
    described otherwise. Tokens are our estimates, before any correction.
    """

    system_prompt_changed: bool
    tools_added: list[str]
    tools_removed: list[str]
    tools_changed: list[str]
    options_changed: list[str]
    messages_added: list[UUID]
    messages_removed: list[UUID]
    files_added: list[UUID]
    files_removed: list[UUID]
    tokens_before: int
    tokens_after: int


def difference(before: Receipt, after: Receipt, texts: Mapping[str, str]) -> Difference:
    """Return how `after` differs from `before`; `texts` has those of both, by their digests."""
    tools_before, tools_after = _tools(before, texts), _tools(after, texts)
    messages_before, messages_after = [*before.message_ids()], [*after.message_ids()]
    files_before, files_after = _files(before), _files(after)
    return Difference(
        system_prompt_changed=_system(before) != _system(after),
        tools_added=_without(tools_after, tools_before),
        tools_removed=_without(tools_before, tools_after),
        tools_changed=[name for name, tool in tools_after.items() if tools_before.get(name, tool) != tool],
        options_changed=[name for name in _OPTIONS if getattr(before, name) != getattr(after, name)],
        messages_added=_without(messages_after, messages_before),
        messages_removed=_without(messages_before, messages_after),
        files_added=_without(files_after, files_before),
        files_removed=_without(files_before, files_after),
        tokens_before=before.tokens.estimated,
        tokens_after=after.tokens.estimated,
    )


def tools_in(texts: Mapping[str, str], digest: str) -> list[dict[str, Any]]:
    """Return the tools that a text of a receipt stands for; none where it is gone."""
    return msgspec.json.decode(texts.get(digest, "[]"), type=list[dict[str, Any]])


def _system(receipt: Receipt) -> str | None:
    return next((block.sha256 for block in receipt.blocks if isinstance(block, SystemBlock)), None)


def _tools(receipt: Receipt, texts: Mapping[str, str]) -> dict[str, Any]:
    digests = (block.sha256 for block in receipt.blocks if isinstance(block, ToolsBlock))
    return {tool["function"]["name"]: tool for digest in digests for tool in tools_in(texts, digest)}


def _files(receipt: Receipt) -> list[UUID]:
    files = (file for block in receipt.blocks if isinstance(block, FilesBlock) for file in block.files)
    return [file.document_id for file in files if file.document_id is not None]


def _without(items: Iterable[Item], others: Collection[Item]) -> list[Item]:
    return [item for item in items if item not in others]
