"""The prompt of a run: what the model is shown of the thread, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.keys import Secret
from backboard_server.domain.media import kind_of
from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.prompts import MediaKind, ModelChoice, Prompt, PromptMessage, ResponseFormat
from backboard_server.domain.receipts import DroppedFile, DroppedMessages
from backboard_server.domain.threads import HistoryFile, HistoryMessage, Turn
from backboard_server.domain.tokens import estimate_message_tokens, estimate_tokens
from backboard_server.store.turns import StoredFile

from .draft import Draft

HISTORY_SHARE = 0.5  # of the context window; the rest is for the system prompt and the answer
SHOWN_FILES_MAX = 20
SHOWN_BYTES_MAX = 20 * 1024 * 1024
"""As JSON it is a third more, which is what the strictest vendors take in one request."""

HeadKind = Literal["system", "summary", "memories"]

_SUMMARY_HEADER = "Summary of the earlier part of this conversation, which is no longer shown:\n"


class ShownFile(Struct, frozen=True, kw_only=True):
    """A file to show to the model with the message at `index`; its bytes are still in the blob store."""

    index: int
    blob_key: str
    filename: str
    media_type: str
    kind: MediaKind
    document_id: UUID | None = None
    file_size_bytes: int = 0


class Context(Struct, frozen=True):
    """A prompt and what it is estimated to cost: `tokens` as we count, before the thread's correction.

    `heads` says what the messages before those of the thread are. `message_ids` goes beside all of the
    prompt's, None for what is no message of the thread; `question_at` is the place of the message to answer.
    `left_out` is what the window had and the prompt has not.
    """

    prompt: Prompt
    tokens: int
    summary_tokens: int
    files: tuple[ShownFile, ...] = ()
    tools_tokens: int = 0
    heads: tuple[HeadKind, ...] = ()
    message_ids: tuple[UUID | None, ...] = ()
    question_at: int | None = None
    left_out: tuple[DroppedMessages | DroppedFile, ...] = ()


def history_budget(context_limit: int, tokens_max: int) -> int:
    """Return how many tokens of history to show to a model with this context window."""
    return min(tokens_max, int(context_limit * HISTORY_SHARE))


def fitting(history: list[HistoryMessage], question_id: UUID | None, room: float) -> list[HistoryMessage]:
    """Return the history without its oldest messages, as far as `room` tokens do not hold them.

    From the question on it is the run's own, and all of it stays; the question itself takes no room.
    """
    begins = next((place for place, message in enumerate(history) if message.id == question_id), len(history))
    room -= sum(message.tokens for message in history[begins + 1 :])
    while begins > 0 and history[begins - 1].tokens <= room:
        begins -= 1
        room -= history[begins].tokens
    return history[begins:]


def assemble(
    turn: Turn,
    message: SendMessage | RunOptions,
    choice: ModelChoice,
    files: Sequence[StoredFile] = (),
    keys: Mapping[str, Secret] = {},
    question_id: UUID | None = None,
) -> Context:
    """Return the prompt: system prompt, summary of what no longer fits, history, and the new message.

    Of a run that goes on there are only its options: its message is in the history already. Of the `files`
    that came with the message, and of those that came with earlier ones, the newest that a model may be able
    to look at are shown; it is told the names of the others. `keys` are the tenant's own.
    `question_id` is the message to answer.
    """
    system_prompt = message.system_prompt if message.system_prompt is not None else turn.system_prompt
    messages: list[PromptMessage] = []
    heads: list[HeadKind] = []
    if system_prompt:
        heads.append("system")
        messages.append(PromptMessage("system", system_prompt))
    if turn.summary:
        heads.append("summary")
        messages.append(PromptMessage("system", _SUMMARY_HEADER + turn.summary))
    history, left_out = _replayed(turn.history)
    message_ids = [*(None for _ in heads), *(message_id for message_id, _ in history)]
    index_of = {message_id: len(messages) + number for number, (message_id, _) in enumerate(history)}
    messages.extend(shown for _, shown in history)
    question_at = None if question_id is None else index_of.get(question_id)
    if isinstance(message, SendMessage):
        hidden = [file.filename for file in files if kind_of(file.media_type) is None]
        question_at = len(messages)
        messages.append(PromptMessage("user", with_filenames(message.content, hidden)))
        message_ids.append(question_id)
    elif question_id is not None and question_at is not None:
        messages[question_at] = _with_names_of_files(messages[question_at], turn, question_id)
    tools = message.tools if message.tools is not None else turn.tools
    prompt = Prompt(
        choice=choice,
        messages=tuple(messages),
        tools=tuple(tools or ()),
        tool_choice=message.tool_choice,
        response_format=message.response_format
        or (ResponseFormat() if message.json_output and not tools else None),
        thinking=message.thinking,
        openrouter=message.openrouter,
        keys=keys,
    )
    shown_files, left_out_files = _shown(len(messages) - 1, files, turn, index_of)
    tools_tokens = _estimate_tools(tools or ())
    return Context(
        prompt,
        tokens=estimate_messages(messages) + tools_tokens,
        summary_tokens=turn.summary_tokens if turn.summary else 0,
        files=shown_files,
        tools_tokens=tools_tokens,
        heads=tuple(heads),
        message_ids=tuple(message_ids),
        question_at=question_at,
        left_out=left_out + left_out_files,
    )


def with_memories(context: Context, text: str) -> Context:
    """Return the context with what was recalled, before the messages of the thread."""
    place = len(context.heads)
    shown = PromptMessage("system", text)
    messages, ids = context.prompt.messages, context.message_ids
    return replace(
        context,
        prompt=replace(context.prompt, messages=(*messages[:place], shown, *messages[place:])),
        tokens=context.tokens + estimate_message_tokens(text),
        heads=(*context.heads, "memories"),
        message_ids=(*ids[:place], None, *ids[place:]),
        question_at=None if context.question_at is None else context.question_at + 1,
        files=tuple(replace(file, index=file.index + 1) for file in context.files),
    )


def with_tools(context: Context, definitions: Sequence[dict[str, Any]]) -> Context:
    """Return the context with tools of the server's beside those of the application."""
    prompt = context.prompt
    tokens = _estimate_tools(definitions)
    prompt = replace(prompt, tools=(*prompt.tools, *definitions))
    return replace(
        context, prompt=prompt, tokens=context.tokens + tokens, tools_tokens=context.tools_tokens + tokens
    )


def extended(
    context: Context, draft: Draft, outputs: Sequence[PromptMessage], message_ids: Sequence[UUID]
) -> Context:
    """Return the context after a step: with the answer that called tools, and what they returned.

    `message_ids` are theirs, in this order.

    A choice of tools was for the step that is over: a model that had to call one for ever would never answer.
    """
    stub = PromptMessage(
        "assistant",
        draft.content,
        tool_calls=draft.tool_calls,
        provider=draft.choice.provider,
        sidecar=draft.finish.sidecar if draft.finish else None,
    )
    added = [stub, *outputs]
    prompt = replace(context.prompt, messages=(*context.prompt.messages, *added), tool_choice=None)
    return replace(
        context,
        prompt=prompt,
        tokens=context.tokens + estimate_messages(added),
        message_ids=(*context.message_ids, *message_ids),
    )


def estimate_messages(messages: Sequence[PromptMessage]) -> int:
    """Return the estimate for these messages and the calls in them."""
    text = sum(estimate_message_tokens(message.content) for message in messages)
    calls = sum(
        estimate_tokens(call.name + call.arguments) for message in messages for call in message.tool_calls
    )
    return text + calls


def with_filenames(content: str, filenames: Sequence[str]) -> str:
    """Return what is said, with the names of the files that came along and cannot be shown."""
    if not filenames:
        return content
    return f"{content}\n\n[Files attached, whose contents are not shown: {', '.join(filenames)}]".strip()


def _with_names_of_files(asked: PromptMessage, turn: Turn, question_id: UUID) -> PromptMessage:
    files = [file for file in turn.media or () if file.message_id == question_id]
    hidden = [file.filename for file in files if kind_of(file.media_type) is None]
    return replace(asked, content=with_filenames(asked.content, hidden))


def _shown(
    newest: int, files: Sequence[StoredFile], turn: Turn, index_of: Mapping[UUID, int]
) -> tuple[tuple[ShownFile, ...], tuple[DroppedFile, ...]]:
    """Return the files to show, the newest first, within the bounds of number and size, and the others."""
    candidates = [(newest, file) for file in files]
    candidates += [
        (index_of[file.message_id], file) for file in turn.media or () if file.message_id in index_of
    ]
    shown: list[ShownFile] = []
    dropped: list[DroppedFile] = []
    size = 0
    for index, file in candidates:
        kind = kind_of(file.media_type)
        if kind is None or file.media_type is None:
            dropped.append(_dropped(file, "not_viewable"))
        elif size + file.file_size_bytes > SHOWN_BYTES_MAX:
            dropped.append(_dropped(file, "too_large"))
        elif len(shown) == SHOWN_FILES_MAX:
            dropped.append(_dropped(file, "too_many"))
        else:
            size += file.file_size_bytes
            shown.append(
                ShownFile(
                    index=index,
                    blob_key=file.blob_key,
                    filename=file.filename,
                    media_type=file.media_type,
                    kind=kind,
                    document_id=file.document_id,
                    file_size_bytes=file.file_size_bytes,
                )
            )
    return tuple(shown), tuple(dropped)


def _dropped(
    file: StoredFile | HistoryFile, reason: Literal["not_viewable", "too_large", "too_many"]
) -> DroppedFile:
    return DroppedFile(reason=reason, document_id=file.document_id, filename=file.filename)


def _replayed(
    history: list[HistoryMessage],
) -> tuple[list[tuple[UUID, PromptMessage]], tuple[DroppedMessages, ...]]:
    """Return the history in a form that every provider takes, each message with its id, and what it lacks.

    What failed before a word was said is left out. Tool calls are shown only together with all their outputs,
    which follow them at once, as providers refuse anything else; a window that was cut in between drops the
    loose ends. Read backwards, as models use ids again: an output belongs to the nearest call before it.
    An answer whose calls are dropped goes without its sidecar too, which would speak of them.
    """
    outputs: dict[str | None, HistoryMessage] = {}
    shown: list[tuple[UUID, PromptMessage]] = []
    unanswered: list[UUID] = []
    for message in reversed(history):
        calls = tuple(message.tool_calls or ())
        if message.role == "tool":
            outputs[message.tool_call_id] = message
        elif calls and all(call.id in outputs for call in calls):
            for call in reversed(calls):
                output = outputs[call.id]
                shown.append((output.id, PromptMessage("tool", output.content, tool_call_id=call.id)))
            answer = PromptMessage(
                "assistant",
                message.content,
                tool_calls=calls,
                provider=message.model_provider,
                sidecar=message.sidecar,
            )
            shown.append((message.id, answer))
        elif calls:
            unanswered.append(message.id)
            if message.content:
                said = PromptMessage(message.role, message.content, provider=message.model_provider)
                shown.append((message.id, said))
        elif message.content or message.role == "user":
            said = PromptMessage(
                message.role, message.content, provider=message.model_provider, sidecar=message.sidecar
            )
            shown.append((message.id, said))
        for call in calls:
            outputs.pop(call.id, None)
    return shown[::-1], _left_out(history, shown, unanswered)


def _left_out(
    history: list[HistoryMessage], shown: list[tuple[UUID, PromptMessage]], unanswered: list[UUID]
) -> tuple[DroppedMessages, ...]:
    if len(shown) == len(history) and not unanswered:
        return ()
    others = {message_id for message_id, _ in shown}.union(unanswered)
    outputs = tuple(message.id for message in history if message.id not in others and message.role == "tool")
    silent = tuple(message.id for message in history if message.id not in others and message.role != "tool")
    parts = (
        DroppedMessages(reason="calls_without_outputs", message_ids=tuple(unanswered[::-1])),
        DroppedMessages(reason="outputs_without_calls", message_ids=outputs),
        DroppedMessages(reason="nothing_said", message_ids=silent),
    )
    return tuple(part for part in parts if part.message_ids)


def _estimate_tools(tools: Sequence[dict[str, Any]]) -> int:
    return sum(estimate_tokens(str(tool)) for tool in tools)
