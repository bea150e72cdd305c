# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of messages: say something in a thread, and hand in what tools returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from typing_extensions import Literal, Unpack

from backboard._answers import parse
from backboard._message_requests import (
    MessageOptions,
    OutputOptions,
    message_request,
    run_outputs_request,
    thread_outputs_request,
)
from backboard.models.messages import ChatMessagesResponse, ToolOutputsResponse

if TYPE_CHECKING:
    from typing import Sequence

    from backboard._message_requests import Output
    from backboard._options import Timeout
    from backboard._requests import Id, Request
    from backboard._uploads import UploadFile

    from .stream import MessageStream
    from .transport import Transport


class MessageMethods:
    """Send messages and tool outputs, and receive the answer at once or as it is being said."""

    _transport: Transport

    @overload
    def add_message(
        self,
        thread_id: Id,
        content: str | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: Literal[False] = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse: ...

    @overload
    def add_message(
        self,
        thread_id: Id,
        content: str | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        *,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> MessageStream: ...

    @overload
    def add_message(
        self,
        thread_id: Id,
        content: str | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse | MessageStream: ...

    def add_message(
        self,
        thread_id: Id,
        content: str | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse | MessageStream:
        """Send a message to a thread; return the answer, or with `stream=True` its events as they come.

        `options` are the keywords of MessageOptions: memory, web_search, metadata, thinking, tools, …
        Under one `idempotency_key` a message is sent once, however often it is called; without one each call
        is a message of its own.
        """
        named = {
            "thread_id": thread_id,
            "content": content,
            "llm_provider": llm_provider,
            "model_name": model_name,
            "stream": stream,
        }
        request = message_request(named, files, options).under(idempotency_key)
        return self._answer(request, stream, timeout)

    @overload
    def send_message(
        self,
        content: str = "",
        *,
        thread_id: Id | None = None,
        assistant_id: Id | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: Literal[False] = False,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse: ...

    @overload
    def send_message(
        self,
        content: str = "",
        *,
        thread_id: Id | None = None,
        assistant_id: Id | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> MessageStream: ...

    @overload
    def send_message(
        self,
        content: str = "",
        *,
        thread_id: Id | None = None,
        assistant_id: Id | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: bool = False,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse | MessageStream: ...

    def send_message(
        self,
        content: str = "",
        *,
        thread_id: Id | None = None,
        assistant_id: Id | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        stream: bool = False,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse | MessageStream:
        """Send a message without preparing anything: what is left out is made.

        Without `thread_id` a thread is opened, under `assistant_id` where that is given, otherwise under a
        default assistant; the answer names both. `options` are the keywords of MessageOptions.
        """
        named = {
            "content": content,
            "thread_id": thread_id,
            "assistant_id": assistant_id,
            "llm_provider": llm_provider,
            "model_name": model_name,
            "stream": stream,
        }
        request = message_request(named, files, options).under(idempotency_key)
        return self._answer(request, stream, timeout)

    @overload
    def submit_tool_outputs_simple(
        self,
        thread_id: Id,
        tool_outputs: Sequence[Output],
        stream: Literal[False] = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ChatMessagesResponse: ...

    @overload
    def submit_tool_outputs_simple(
        self,
        thread_id: Id,
        tool_outputs: Sequence[Output],
        *,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> MessageStream: ...

    @overload
    def submit_tool_outputs_simple(
        self,
        thread_id: Id,
        tool_outputs: Sequence[Output],
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ChatMessagesResponse | MessageStream: ...

    def submit_tool_outputs_simple(
        self,
        thread_id: Id,
        tool_outputs: Sequence[Output],
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ChatMessagesResponse | MessageStream:
        """Hand in what the tools returned, all together, to the run of the thread that waits for it.

        `options` are the keywords of OutputOptions: tools, tool_choice, mcp_servers, thinking, on_disconnect.
        """
        request = thread_outputs_request(thread_id, tool_outputs, stream, options).under(idempotency_key)
        return self._answer(request, stream, timeout)

    @overload
    def submit_tool_outputs(
        self,
        thread_id: Id,
        run_id: str,
        tool_outputs: Sequence[Output],
        stream: Literal[False] = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ToolOutputsResponse: ...

    @overload
    def submit_tool_outputs(
        self,
        thread_id: Id,
        run_id: str,
        tool_outputs: Sequence[Output],
        *,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> MessageStream: ...

    @overload
    def submit_tool_outputs(
        self,
        thread_id: Id,
        run_id: str,
        tool_outputs: Sequence[Output],
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ToolOutputsResponse | MessageStream: ...

    def submit_tool_outputs(
        self,
        thread_id: Id,
        run_id: str,
        tool_outputs: Sequence[Output],
        stream: bool = False,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
        **options: Unpack[OutputOptions],
    ) -> ToolOutputsResponse | MessageStream:
        """Hand in what the tools returned, all together, to one run.

        `options` are the keywords of OutputOptions: tools, tool_choice, mcp_servers, thinking, on_disconnect.
        """
        request = run_outputs_request(thread_id, run_id, tool_outputs, stream, options).under(idempotency_key)
        if stream:
            return self._transport.stream(request, timeout)
        return parse(ToolOutputsResponse, self._transport.fetch(request, timeout))

    def _answer(
        self, request: Request, stream: bool, timeout: Timeout
    ) -> ChatMessagesResponse | MessageStream:
        if stream:
            return self._transport.stream(request, timeout)
        return parse(ChatMessagesResponse, self._transport.fetch(request, timeout))
