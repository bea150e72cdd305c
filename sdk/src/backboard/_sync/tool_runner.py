# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""A message whose tools are functions of the application, called until the answer is there."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Sequence

from typing_extensions import Unpack

from backboard._answers import flat_answer, parse
from backboard._message_requests import MessageOptions, OutputOptions, message_request, run_outputs_request
from backboard._toolbox import Toolbox
from backboard.models.messages import ChatMessagesResponse

if TYPE_CHECKING:
    from backboard._options import Timeout
    from backboard._requests import Id, Request
    from backboard._uploads import UploadFile
    from backboard.events import Event

    from .transport import Transport


class ToolRunnerMethods:
    """Let a model call functions of the application."""

    _transport: Transport

    def run_tools(
        self,
        content: str,
        functions: Sequence[Callable[..., Any]],
        *,
        thread_id: Id | None = None,
        assistant_id: Id | None = None,
        files: list[UploadFile] | None = None,
        llm_provider: str | None = None,
        model_name: str | None = None,
        tool_rounds_max: int = 16,
        on_event: Callable[[Event], Any] | None = None,
        timeout: Timeout = None,
        **options: Unpack[MessageOptions],
    ) -> ChatMessagesResponse:
        """Send a message, call the functions that the model asks for, and return the answer that comes of it.

        Each function is described to the model as `tool_schema` says. Its arguments have the types of its
        hints; it returns text, or what has a JSON form. What it raises is told to the model, and logged under
        `backboard`. With `on_event` the answers are streamed, and each event is given to it.

        After `tool_rounds_max` rounds of calls the answer is returned as it is, with the status
        REQUIRES_ACTION. Raises TypeError for a function that cannot be a tool.
        """
        if options.get("tools") is not None:
            raise TypeError("run_tools makes `tools` of its functions: give those")
        toolbox = Toolbox(functions, on_event)
        is_stream = on_event is not None
        named = {
            "content": content,
            "thread_id": thread_id,
            "assistant_id": assistant_id,
            "llm_provider": llm_provider,
            "model_name": model_name,
            "stream": is_stream,
        }
        options["tools"] = list(toolbox.definitions)
        again: OutputOptions = {
            "tools": options["tools"],
            "thinking": options.get("thinking"),
            "on_disconnect": options.get("on_disconnect"),
        }
        answer = self._ask(message_request(named, files, options), toolbox, is_stream, timeout)
        for _ in range(tool_rounds_max):
            if answer.status != "REQUIRES_ACTION" or not answer.tool_calls:
                break
            outputs = toolbox.call(answer.tool_calls)
            request = run_outputs_request(answer.thread_id, answer.run_id or "", outputs, is_stream, again)
            answer = self._ask(request, toolbox, is_stream, timeout)
        return answer

    def _ask(
        self, request: Request, toolbox: Toolbox, is_stream: bool, timeout: Timeout
    ) -> ChatMessagesResponse:
        if not is_stream:
            return parse(ChatMessagesResponse, self._transport.fetch(request, timeout))
        with self._transport.stream(request, timeout) as stream:
            for event in stream:
                toolbox.tell(event)
            last = stream.final()
        place = {"thread_id": stream.thread_id, "run_id": stream.run_id}
        return parse(ChatMessagesResponse, flat_answer({**place, **last}, datetime.now(timezone.utc)))
