"""The wire of OpenAI chat completions, as the registry wants it.

Reference: platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Iterable

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, MediaKind, Prompt
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call
from backboard_server.providers._sse import EventDecoder

from .answer import StreamedAnswer, read_whole
from .request import body_of

PATH = "/chat/completions"


class OpenAIChat:
    """The wire, as the registry wants it."""

    media_kinds: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})

    def call(self, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool) -> Call:
        """Return the request."""
        return Call(
            url=host.base_url + PATH,
            headers={"Content-Type": "application/json"} | host.authorization(),
            body=body_of(prompt, host.row.dialect, facts, streamed=streamed),
            is_whole=not streamed,
        )

    def frames(self) -> EventDecoder:
        """Return what cuts one stream into payloads."""
        return EventDecoder()

    def reader(self) -> StreamedAnswer:
        """Return a reader for one streamed answer."""
        return StreamedAnswer()

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer."""
        return read_whole(body)
