"""What the Gemini API demands of a request: the order of turns, signatures, and what a model can do.

The sentences are quoted as users report them (google-gemini/gemini-cli issues 3814 and 26486, nanbingxyz/5ire
issue 405, heyhuynhgiabuu/proxypal issue 119, googleapis/python-genai issue 867) or as recorded in the
fixtures of vercel/ai (packages/google). Signatures: ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise

import msgspec

from fake_vendor.terms import Json

_STAND_INS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_UNSIGNED = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
    "correctly, and missing thought_signature may lead to degraded model performance."
)
_LEVELS: dict[str, tuple[str, ...]] = {
    "gemini-3-pro": ("low", "high"),
    "gemini-3.1-pro": ("low", "medium", "high"),
    "gemini-3.7-flash": ("low", "medium", "high"),
}
_BUDGETS = {
    "gemini-2.5-pro": (128, 32_768),
    "gemini-2.5-flash-lite": (512, 24_576),
    "gemini-2.5-flash": (1, 24_576),
}
_FILES = frozenset(
    {
        "application/pdf",
        "audio/aac",
        "audio/aiff",
        "audio/flac",
        "audio/mp3",
        "audio/mp4",
        "audio/ogg",
        "audio/wav",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)


def refusal_of(body: Json, model: str) -> str | None:
    """Return why the API would answer 400 to a request, or None."""
    return next((reason for check in _CHECKS for reason in check(body, model)), None)


def signature(seal: str, part: Json) -> str:
    """Return the signature of a part: it fits no other part, and no other seal makes it."""
    said = {name: part.get(name) for name in ("text", "thought", "functionCall")}
    digest = sha256(seal.encode() + msgspec.json.encode(said, order="deterministic")).hexdigest()
    return b64encode(f"{seal}/{digest}".encode()).decode()


def _shape(body: Json, _: str) -> Iterator[str]:
    contents: list[Json] = body.get("contents") or []
    if not contents:
        yield "* GenerateContentRequest.contents: contents is not specified"
    for at, content in enumerate(contents):
        if content.get("role") not in ("user", "model"):
            yield "Please use a valid role: user, model."
        parts: list[Json] = content.get("parts") or []
        if not parts or not all(_has_substance(part) for part in parts):
            yield f"* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."
        files = (part["inlineData"]["mimeType"] for part in parts if "inlineData" in part)
        yield from (f"Unsupported MIME type: {kind}" for kind in files if kind not in _FILES)


def _has_substance(part: Json) -> bool:
    names = ("text", "thoughtSignature", "functionCall", "functionResponse", "inlineData")
    return any(part.get(name) for name in names)


def _order(body: Json, _: str) -> Iterator[str]:
    contents = body["contents"]
    roles = [content["role"] for content in contents]
    if roles[0] != "user" or any(first == second for first, second in pairwise(roles)):
        yield "Please ensure that multiturn requests alternate between user and model."
    if roles[-1] != "user":
        yield "Requests whose last turn has the role model are not supported by this model."
    nothing: Json = {"parts": []}
    for before, after in pairwise([nothing, *contents, nothing]):
        calls = _under(before, "functionCall")
        responses = _under(after, "functionResponse")
        if len(calls) != len(responses):
            yield (
                "Please ensure that the number of function response parts is equal to the number of function "
                "call parts of the function call turn."
            )
        called = {(call.get("id"), call["name"]) for call in calls}
        if any((response.get("id"), response["name"]) not in called for response in responses):
            yield "Please ensure that function response turn comes immediately after a function call turn."


def _under(content: Json, name: str) -> list[Json]:
    parts: list[Json] = content["parts"]
    return [part[name] for part in parts if name in part]


def _structs(body: Json, _: str) -> Iterator[str]:
    for at, content in enumerate(body["contents"]):
        values = [call.get("args") for call in _under(content, "functionCall")]
        values += [response.get("response") for response in _under(content, "functionResponse")]
        if not all(isinstance(value, dict) for value in values):
            yield f"Invalid value at 'contents[{at}].parts' (type.googleapis.com/google.protobuf.Struct)"


def _signed(body: Json, model: str) -> Iterator[str]:
    """Every signature must be one of ours on its own part; in the current turn, calls must have one."""
    contents = body["contents"]
    for content in contents:
        for part in content["parts"]:
            given = part.get("thoughtSignature")
            if given is not None and given not in _STAND_INS and not _is_ours(given, part):
                yield "Corrupted thought signature."
    if not _is_of_3(model):
        return
    asked = [at for at, content in enumerate(contents) if _is_question(content)]
    for at in range(asked[-1] if asked else 0, len(contents)):
        first = next((part for part in contents[at]["parts"] if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            name = first["functionCall"]["name"]
            yield f"{_UNSIGNED} Additional data, function call `default_api:{name}`, position {at + 1}."


def _is_ours(given: str, part: Json) -> bool:
    try:
        seal = b64decode(given, validate=True).decode().rpartition("/")[0]
    except ValueError:
        return False
    return given == signature(seal, part)


def _is_question(content: Json) -> bool:
    return content["role"] == "user" and any("functionResponse" not in part for part in content["parts"])


def _form(body: Json, model: str) -> Iterator[str]:
    config = _part_of(body, "generationConfig")
    wants_json = config.get("responseMimeType") == "application/json"
    if wants_json and body.get("tools") and not _is_of_3(model):
        yield "Function calling with a response mime type: 'application/json' is unsupported"
    if "responseJsonSchema" in config and not wants_json:
        yield "Setting a response schema requires the response mime type application/json."
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            if not function.get("name"):
                yield "Invalid function name. Must start with a letter or an underscore."
            if {"parameters", "parametersJsonSchema"} <= function.keys():
                yield "Only one of parameters and parameters_json_schema may be set."


def _choice(body: Json, _: str) -> Iterator[str]:
    config: Json = _part_of(_part_of(body, "toolConfig"), "functionCallingConfig")
    if not config:
        return
    declared = [
        function.get("name")
        for tool in body.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    ]
    mode = config.get("mode")
    allowed: list[str] = config.get("allowedFunctionNames") or []
    if not declared:
        yield "Function calling config is set without function_declarations."
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        yield f"Invalid value at 'tool_config.function_calling_config.mode': \"{mode}\""
    if allowed and mode not in ("ANY", "VALIDATED"):
        yield "Allowed function names should be set only when function calling config mode is ANY."
    for name in allowed:
        if name not in declared:
            yield f"Function calling config: the allowed function {name} is not among the declarations."


def _thinking(body: Json, model: str) -> Iterator[str]:
    config: Json = _part_of(_part_of(body, "generationConfig"), "thinkingConfig")
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    if level is not None and budget is not None:
        yield "You can only set only one of thinking budget and thinking level."
    if level is not None and level not in _levels(model):
        remedy = "Please retry with other thinking level."
        yield f"Thinking level {str(level).upper()} is not supported for this model. {remedy}"
    least, most = next((span for name, span in _BUDGETS.items() if model.startswith(name)), (0, 0))
    may_rest = not model.startswith("gemini-2.5-pro")
    if budget not in (None, -1) and most and not (least <= budget <= most or (budget == 0 and may_rest)):
        yield f"The thinking budget {budget} is invalid. Please choose a value between {least} and {most}."
    if config and model.startswith(("gemini-1", "gemini-2.0")):
        yield f"Thinking is not enabled for models/{model}"


def _is_of_3(model: str) -> bool:
    return model.startswith("gemini-3") or model.endswith("-latest")


def _part_of(body: Json, name: str) -> Json:
    return body.get(name) or {}


def _levels(model: str) -> tuple[str, ...]:
    if model.startswith(("gemini-1", "gemini-2")):
        return ()
    return next(
        (taken for name, taken in _LEVELS.items() if model.startswith(name)),
        ("minimal", "low", "medium", "high"),
    )


# In the order in which they may rely on each other.
_CHECKS: tuple[Callable[[Json, str], Iterator[str]], ...] = (
    _shape,
    _order,
    _structs,
    _signed,
    _form,
    _choice,
    _thinking,
)
