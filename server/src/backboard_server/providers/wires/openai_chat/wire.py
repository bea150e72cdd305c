"""The wire of OpenAI chat completions, as the registry wants it.

Reference: platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backboard_server.domain.prompts import Delta, Prompt
from backboard_server.providers.table import Dialect

from .answer import StreamedAnswer, read_whole
from .request import body_of

PATH = "/chat/completions"


class OpenAIChat:
    """The wire, as the registry wants it."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers of a call."""
        headers = {"Content-Type": "application/json"}
        return headers | {"Authorization": f"Bearer {key}"} if key else headers

    def request(self, prompt: Prompt, dialect: Dialect, *, streamed: bool) -> tuple[str, bytes]:
        """Return the path below the base URL, and the body."""
        return PATH, body_of(prompt, dialect, streamed=streamed)

    def reader(self) -> StreamedAnswer:
        """Return a reader for one streamed answer."""
        return StreamedAnswer()

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer."""
        return read_whole(body)
