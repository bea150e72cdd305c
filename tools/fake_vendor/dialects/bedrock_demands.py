"""What Converse demands of a request: the order of turns, tool calls and their outputs, seals, and files.

Shapes and patterns are those of AWS's own service description (`bedrock-runtime`, 2023-09-30, in botocore).
The sentences are quoted as users report them: BerriAI/litellm issue 20048, langchain-ai/langchainjs issue
6724, NousResearch/hermes-agent issues 55092 and 108584, UKGovernmentBEIS/inspect_ai issue 5217,
maximhq/bifrost pull request 6942, vxcontrol/pentagi pull request 196, boto/boto3 issue 4687.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

import msgspec

from fake_vendor.terms import Json

from .bedrock_models import choice_refusal, model_refusal

_FIELDS = frozenset({"messages", "system", "inferenceConfig", "toolConfig", "outputConfig"}) | {
    "additionalModelRequestFields"
}
_BLOCKS: dict[str, frozenset[str]] = {
    "user": frozenset({"text", "image", "document", "audio", "toolResult", "cachePoint"}),
    "assistant": frozenset({"text", "toolUse", "reasoningContent", "cachePoint"}),
}
_FORMATS: dict[str, frozenset[str]] = {
    "image": frozenset({"png", "jpeg", "gif", "webp"}),
    "document": frozenset({"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}),
    "audio": frozenset({"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "m4a", "webm"}),
}
_FILES_MAX = {"image": 20, "document": 5}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_DOCUMENT_NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]{1,200}")
_SEAL = re.compile(r"(?P<seal>.+)\.(?P<digest>[0-9a-f]{64})")


def refusal_of(body: Json, model: str) -> str | None:
    """Return why Converse would answer 400 to a request, or None."""
    return next((reason for check in _CHECKS for reason in check(body, model)), None)


def sealed(seal: str, text: str) -> str:
    """Return the signature of a thought: it fits no other text."""
    return f"{seal}.{sha256((seal + text).encode()).hexdigest()}"


def hidden(seal: str) -> str:
    """Return encrypted reasoning, in base64, that tells by itself that it came from here."""
    return b64encode(sealed(seal, "").encode()).decode()


def _shape(body: Json, _: str) -> Iterator[str]:
    yield from (f"extraneous key [{name}] is not permitted" for name in body.keys() - _FIELDS)
    turns = _turns(body)
    if not turns or turns[0].get("role") != "user":
        yield (
            "A conversation must start with a user message. Try again with a conversation that starts with a "
            "user message."
        )
    for at, turn in enumerate(turns):
        if turn.get("role") != ("user", "assistant")[at % 2]:
            yield (
                "A conversation must alternate between user and assistant roles. Make sure the conversation "
                "alternates between user and assistant roles and try again."
            )
        if not turn.get("content"):
            yield f"The content field in the Message object at messages.{at} is empty."
    if turns and turns[-1].get("role") != "user":
        yield "This model does not support assistant message prefill: end with a user message."
    for system in cast("list[Json]", body.get("system", [])):
        yield from _blank(system, "system")


def _blocks(body: Json, _: str) -> Iterator[str]:
    for at, turn in enumerate(_turns(body)):
        blocks = cast("list[Json]", turn["content"])
        for number, block in enumerate(blocks):
            place = f"messages.{at}.content.{number}"
            if len(block) != 1 or not block.keys() <= _BLOCKS[turn["role"]]:
                yield f"The content block at {place} must hold one kind of content that its role may have."
            yield from _blank(block, place)
        if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
            yield "A ContentBlock with a document field must have one with a text field beside it."


def _blank(block: Json, place: str) -> Iterator[str]:
    if "text" in block and not str(block["text"]).strip():
        yield f"The text field in the ContentBlock object at {place} is blank. Add text, and try again."


def _calls(body: Json, _: str) -> Iterator[str]:
    """Check that every call has its output in the next turn, and every output its call in the one before."""
    taken: set[str] = set()
    open_ids: list[str] = []
    for at, turn in enumerate(_turns(body)):
        place = f"messages.{at}.content"
        outputs = _each(turn, "toolResult")
        answered = [output["toolUseId"] for output in outputs]
        if len(answered) != len(set(answered)):
            yield f"The toolResult blocks at {place} contain duplicate Ids: {', '.join(answered)}"
        if missing := [call_id for call_id in open_ids if call_id not in answered]:
            yield f"Expected toolResult blocks at {place} for the following Ids: {', '.join(missing)}"
        if not set(answered) <= set(open_ids):
            yield f"The toolResult blocks at {place} exceed the number of toolUse blocks of previous turn."
        for output in outputs:
            content = cast("list[Json]", output["content"])
            yield from (
                reason for block in content or [{"text": ""}] for reason in _blank(block, "toolResult")
            )
        calls = _each(turn, "toolUse")
        open_ids = [call["toolUseId"] for call in calls]
        yield from (reason for call in calls for reason in _call(call, taken))
    if open_ids:
        yield f"Expected toolResult blocks for the following Ids: {', '.join(open_ids)}"
    if taken and "toolConfig" not in body:
        yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."


def _call(call: Json, taken: set[str]) -> Iterator[str]:
    call_id, name = call["toolUseId"], call["name"]
    if call_id in taken:
        yield "The model returned the following errors: messages: `tool_use` ids must be unique"
    taken.add(call_id)
    if not _TOOL_USE_ID.fullmatch(call_id):
        yield f"Value at 'toolUseId' failed to satisfy constraint: {_TOOL_USE_ID.pattern}"
    if not _TOOL_NAME.fullmatch(name):
        yield f"Value at 'name' failed to satisfy constraint: {_TOOL_NAME.pattern}"
    if not isinstance(call["input"], dict):
        yield "The format of the value at toolUse.input is invalid. Provide a json object for the field."


def _thoughts(body: Json, model: str) -> Iterator[str]:
    for turn in _turns(body):
        for thought in _each(turn, "reasoningContent"):
            if "redactedContent" in thought:
                if not _is_hidden_here(thought["redactedContent"]):
                    yield "The model returned the following errors: Invalid `data` in `redacted_thinking`"
                continue
            text: Json = thought["reasoningText"]
            if "." in model and "anthropic.claude" not in model:
                yield (
                    "This model doesn't support the reasoningContent.reasoningText.text field for assistant "
                    "messages. Remove reasoningContent.reasoningText.text and try again."
                )
            found = _SEAL.fullmatch(text.get("signature") or "")
            if not text.get("signature"):
                yield "The model returned the following errors: thinking.signature: Field required"
            elif found is None or sealed(found["seal"], text["text"]) != text["signature"]:
                yield "The model returned the following errors: Invalid `signature` in `thinking` block"


def _is_hidden_here(encrypted: object) -> bool:
    try:
        plain = b64decode(str(encrypted), validate=True).decode()
    except (NotBase64, UnicodeDecodeError):
        return False
    found = _SEAL.fullmatch(plain)
    return found is not None and sealed(found["seal"], "") == plain


def _files(body: Json, _: str) -> Iterator[str]:
    counts = dict.fromkeys(_FORMATS, 0)
    names: list[str] = []
    for turn in _turns(body):
        for kind, formats in _FORMATS.items():
            for file in _each(turn, kind):
                counts[kind] += 1
                if file["format"] not in formats:
                    yield f"Value at '{kind}.format' failed to satisfy constraint: one of {sorted(formats)}"
                if not b64decode(file["source"]["bytes"], validate=True):
                    yield f"The {kind} has no bytes."
                names += [file["name"]] if kind == "document" else []
    yield from (
        f"Too many {kind}s in the request." for kind, most in _FILES_MAX.items() if counts[kind] > most
    )
    if not all(_DOCUMENT_NAME.fullmatch(name) for name in names):
        yield (
            "The document file name can only contain alphanumeric characters, whitespace characters, "
            "hyphens, parentheses, and square brackets, and no more than one whitespace character in a row."
        )
    if len(names) != len(set(names)):
        yield "Duplicate document names are not allowed in a request."


def _tools(body: Json, _: str) -> Iterator[str]:
    tools = [tool for tool in _tools_of(body) if "cachePoint" not in tool]
    if "toolConfig" in body and not tools:
        yield "Invalid length for parameter toolConfig.tools, value: 0, valid min length: 1"
    for at, tool in enumerate(tools):
        place = f"toolConfig.tools.{at}.toolSpec"
        specification: Json = tool["toolSpec"]
        if not _TOOL_NAME.fullmatch(specification["name"]):
            yield f"Value at '{place}.name' failed to satisfy constraint: {_TOOL_NAME.pattern}"
        if specification.get("description") == "":
            yield f"Invalid length for parameter {place}.description, value: 0, valid min length: 1"
        if specification["inputSchema"]["json"].get("type") != "object":
            yield f"The value at {place}.inputSchema.json.type must be one of the following: object."


def _choice(body: Json, model: str) -> Iterator[str]:
    configuration: Json = body.get("toolConfig") or {}
    choice: Json | None = configuration.get("toolChoice")
    if choice is None:
        return
    (kind,) = choice if len(choice) == 1 else ("",)
    if kind not in ("auto", "any", "tool"):
        yield "Unknown parameter in toolConfig.toolChoice: one of auto, any, tool must be set"
    names = [tool["toolSpec"]["name"] for tool in _tools_of(body) if "toolSpec" in tool]
    if kind == "tool" and choice["tool"]["name"] not in names:
        yield f"The tool {choice['tool']['name']} of toolConfig.toolChoice.tool is not in toolConfig.tools."
    yield from choice_refusal(kind, body, model)


def _output(body: Json, _: str) -> Iterator[str]:
    if "outputConfig" not in body:
        return
    text_format: Json = body["outputConfig"]["textFormat"]
    if text_format["type"] != "json_schema":
        yield "Value at 'outputConfig.textFormat.type' failed to satisfy constraint: json_schema"
    schema = msgspec.json.decode(text_format["structure"]["jsonSchema"]["schema"])
    for node in _nodes(schema):
        if node.get("type") == "object" and node.get("additionalProperties") is not False:
            yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
        yield from (
            f"For this type, property '{name}' is not supported"
            for name in node.keys() & {"minimum", "pattern"}
        )


def _nodes(schema: Any) -> Iterator[Json]:
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            yield from _nodes(item)
    elif isinstance(schema, dict):
        fields = cast("Json", schema)
        yield fields
        for value in fields.values():
            yield from _nodes(value)


def _model(body: Json, model: str) -> Iterator[str]:
    yield from model_refusal(body, model)


def _turns(body: Json) -> list[Json]:
    return cast("list[Json]", body["messages"])


def _each(turn: Json, kind: str) -> list[Json]:
    return [block[kind] for block in cast("list[Json]", turn["content"]) if kind in block]


def _tools_of(body: Json) -> list[Json]:
    return cast("list[Json]", cast("Json", body.get("toolConfig", {})).get("tools", []))


_CHECKS = (_shape, _blocks, _calls, _thoughts, _files, _tools, _choice, _output, _model)
