"""What may be said with a message, and the request that says it: one table for every way of sending."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Union

from typing_extensions import Literal, TypedDict

from ._requests import Id, Request, given, path
from ._uploads import UploadFile, uploads_of
from .models.tools import ToolDefinition, ToolOutput

Tool = Union[ToolDefinition, Dict[str, Any]]
Output = Union[ToolOutput, Mapping[str, str]]
OnDisconnect = Literal["continue", "cancel"]
"""What becomes of a run whose client goes away: it goes on to its end, which is the default, or stops."""


class MessageOptions(TypedDict, total=False):
    """The keywords that add_message and send_message share; None is as good as leaving one out.

    The server ignores what it does not know and answers 400 to what contradicts itself.
    """

    system_prompt: str | None
    """For this turn only; it is not stored."""
    memory: str | None
    """`Auto` recalls and remembers, `Readonly` recalls, `off` does neither."""
    memory_pro: str | None
    """As `memory`, more precise and dearer; the two exclude each other."""
    memory_response_citation: bool | None
    """Whether the answer names the memories that it used."""
    memory_citation: bool | None
    """Another name of `memory_response_citation`."""
    user_id: str | None
    """Whose memory it is: an end user's of the application; without one, all share the assistant's."""
    web_search: str | None
    """`Auto` lets the model search the web; `off` is the default."""
    send_to_llm: bool | str | None
    """False stores the message and asks no model."""
    json_output: bool | None
    """Whether the answer is to be a JSON object; without effect beside tools."""
    response_format: Mapping[str, Any] | None
    """`{"type": "json_object"}`, or `{"type": "json_schema", "json_schema": {"name": …, "schema": {…}}}`: the
    server holds the answer to it, tools or not."""
    metadata: Mapping[str, Any] | None
    """Kept with the message; `custom_timestamp` (ISO 8601) says when it was said."""
    tools: list[Tool] | None
    """For this turn only, in place of the assistant's."""
    tool_choice: Literal["auto", "none", "required"] | Mapping[str, Any] | None
    """Whether the model may, must not or must call a tool; a mapping names the one to call:
    `{"type": "function", "function": {"name": …}}`."""
    mcp_servers: Sequence[Mapping[str, Any]] | None
    """Whose tools the server calls itself: `[{"name": …, "url": …}]`, with `allowed_tools` and `headers`."""
    thinking: Mapping[str, Any] | None
    """`{}`, `{"effort": "low" | "medium" | "high" | "max"}` or `{"budget_tokens": …}`."""
    openrouter: Mapping[str, Any] | None
    """Routing of the `openrouter` provider; others ignore it."""
    fallbacks: Sequence[Mapping[str, str]] | None
    """Models to ask, in order, when the first fails: `[{"llm_provider": …, "model_name": …}]`."""
    on_active_run: Literal["queue", "reject", "cancel"] | None
    """What happens where another run of the thread is under way: wait for it, be refused, or stop it."""
    on_disconnect: OnDisconnect | None
    image_generation: str | None
    """`auto` lets the model make images; `off` is the default."""
    image_model_provider: str | None
    image_model_name: str | None
    image_config: Mapping[str, Any] | None
    video_generation: str | None
    """`auto` lets the model make videos; `off` is the default."""
    video_model_provider: str | None
    video_model_name: str | None
    video_config: Mapping[str, Any] | None
    voice: Mapping[str, Any] | None
    """`{"stt": {…}, "tts": {…}}`: what to hear with, what to speak with."""
    audio_file: UploadFile | None
    """What `voice["stt"]` is to hear."""
    system_one: Mapping[str, Any] | None
    """Questions to a decision model, in place of an answer in words."""
    operation: Literal["chat", "generate_image", "generate_video"] | None
    """The latter two go to an image or video model directly, with these uploads:"""
    input_image: UploadFile | None
    input_last_frame: UploadFile | None
    input_video: UploadFile | None
    input_references: list[UploadFile] | None


class OutputOptions(TypedDict, total=False):
    """The keywords of what is handed in for tools; each holds from here on, in place of the message's own."""

    tools: list[Tool] | None
    tool_choice: Literal["auto", "none", "required"] | Mapping[str, Any] | None
    """For the next step: `auto`, `none`, `required`, or one function."""
    mcp_servers: Sequence[Mapping[str, Any]] | None
    thinking: Mapping[str, Any] | None
    on_disconnect: OnDisconnect | None


_UPLOADS = ("files", "audio_file", "input_image", "input_last_frame", "input_video", "input_references")
_KNOWN = frozenset(MessageOptions.__annotations__)


def message_request(
    named: Mapping[str, Any],
    files: list[UploadFile] | None,
    options: MessageOptions,
) -> Request:
    """Return the request for a message: JSON, or multipart where files go with it.

    `named` holds the fields that are parameters of the method. Raises TypeError for an unknown keyword.
    """
    _refuse_unknown("A message has", options, _KNOWN)
    fields = given(**named, **options)
    citation = fields.pop("memory_citation", None)
    if citation is not None:
        fields.setdefault("memory_response_citation", citation)
    if isinstance(fields.get("send_to_llm"), bool):
        fields["send_to_llm"] = "true" if fields["send_to_llm"] else "false"  # the contract's type is text
    files_by_field = {**given(files=files), **{name: fields.pop(name) for name in _UPLOADS if name in fields}}
    uploads = tuple(upload for name, some in files_by_field.items() for upload in uploads_of(name, some))
    return Request("POST", "/threads/messages", fields=fields, uploads=uploads)


def thread_outputs_request(
    thread_id: Id, outputs: Sequence[Output], stream: bool, options: OutputOptions
) -> Request:
    """Return the request that hands tool outputs to the run of a thread that waits for them."""
    fields = {"thread_id": thread_id, **_output_fields(outputs, options), "stream": stream}
    return Request("POST", "/threads/tool-outputs", fields=fields)


def run_outputs_request(
    thread_id: Id, run_id: str, outputs: Sequence[Output], stream: bool, options: OutputOptions
) -> Request:
    """Return the request that hands tool outputs to one run."""
    return Request(
        "POST",
        path("threads", thread_id, "runs", run_id, "submit-tool-outputs"),
        query={"stream": "true" if stream else "false"},
        fields=_output_fields(outputs, options),
    )


def _output_fields(outputs: Sequence[Output], options: OutputOptions) -> dict[str, Any]:
    _refuse_unknown("Tool outputs have", options, frozenset(OutputOptions.__annotations__))
    return {"tool_outputs": _outputs(outputs), **given(**options)}


def _refuse_unknown(what: str, options: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(f"{what} no {', '.join(unknown)}; there are {', '.join(sorted(known))}.")


def _outputs(outputs: Sequence[Output]) -> list[Any]:
    return [output if isinstance(output, ToolOutput) else dict(output) for output in outputs]
