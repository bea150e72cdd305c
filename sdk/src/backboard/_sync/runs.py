# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of runs: follow, cancel and find them, and see what came of them and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Mapping, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._event_reader import Place
from backboard._requests import Id, Request, given, path
from backboard.models.runs import Receipt, Replay, Run, RunCancellation

if TYPE_CHECKING:
    from backboard._message_requests import Tool
    from backboard._options import Timeout

    from .stream import MessageStream
    from .transport import Transport


class RunMethods:
    """Follow, cancel and find runs; see what an answer was made from, and ask for it otherwise."""

    _transport: Transport

    def cancel_run(self, thread_id: Id, run_id: str, *, timeout: Timeout = None) -> RunCancellation:
        """Stop a run; what it has said is kept. A run that has ended stays as it is, which is no error."""
        request = Request("POST", path("threads", thread_id, "runs", run_id, "cancel"))
        return cast("RunCancellation", parse_dict(self._transport.fetch(request, timeout)))

    def list_runs(
        self, thread_id: Id, skip: int = 0, limit: int = 100, *, timeout: Timeout = None
    ) -> list[Run]:
        """Return a page of a thread's runs."""
        request = Request("GET", path("threads", thread_id, "runs"), query={"skip": skip, "limit": limit})
        return parse_list(Run, self._transport.fetch(request, timeout))

    def get_run(self, thread_id: Id, run_id: str, *, timeout: Timeout = None) -> Run:
        """Return a run. Raises BackboardNotFoundError where there is none of that id."""
        request = Request("GET", path("threads", thread_id, "runs", run_id))
        return parse(Run, self._transport.fetch(request, timeout))

    def stream_run_events(
        self, thread_id: Id, run_id: str, *, after: int | str | None = None, timeout: Timeout = None
    ) -> MessageStream:
        """Follow a run: what it has said since the event `after`, or since its beginning, and then live.

        The stream ends where the run does, or where it waits for the outputs of tools.
        """
        place = Place(str(thread_id), run_id, None if after is None else str(after))
        events = path("threads", thread_id, "runs", run_id, "events")
        return self._transport.stream(Request("GET", events, query=given(after=after)), timeout, place)

    def get_receipt(self, thread_id: Id, message_id: Id, *, timeout: Timeout = None) -> Receipt:
        """Return what an answer was made from: all that the model was shown, and what it cost."""
        request = Request("GET", path("threads", thread_id, "messages", message_id, "receipt"))
        return parse(Receipt, self._transport.fetch(request, timeout))

    def replay_message(
        self,
        thread_id: Id,
        message_id: Id,
        llm_provider: str | None = None,
        model_name: str | None = None,
        *,
        system_prompt: str | None = None,
        memory: str | None = None,
        thinking: Mapping[str, Any] | None = None,
        tools: list[Tool] | None = None,
        tool_choice: Literal["auto", "none", "required"] | Mapping[str, Any] | None = None,
        response_format: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> Replay:
        """Ask once more for an answer, from the context that it was made from, with what is given changed.

        The thread stays as it is: what comes of it stands in the result, beside the original. Tools that the
        model calls are not executed. What it costs counts.
        """
        fields = given(
            llm_provider=llm_provider,
            model_name=model_name,
            system_prompt=system_prompt,
            memory=memory,
            thinking=thinking,
            tools=tools,
            tool_choice=tool_choice,
            response_format=response_format,
        )
        request = Request("POST", path("threads", thread_id, "messages", message_id, "replay"), fields=fields)
        return parse(Replay, self._transport.fetch(request.under(idempotency_key), timeout))
