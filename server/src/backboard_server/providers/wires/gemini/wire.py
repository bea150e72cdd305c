"""The wire of the Gemini API, as the registry wants it.

Reference: ai.google.dev/api/generate-content.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, MediaKind, Prompt
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call
from backboard_server.providers._sse import EventDecoder

from .answer import StreamedAnswer, read_whole
from .request import body_of

_VERSION = "v1beta"
_VERSIONS = (_VERSION, "v1", "v1alpha")
_TUNED = "tunedModels/"

# A picture comes as one event, in base64; ours to skip, but it has to pass through. Pictures of 4K fit in.
_LINE_BYTES_MAX = 48 * 1024 * 1024


class Gemini:
    """The wire, as the registry wants it."""

    media_kinds: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})

    def call(self, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool) -> Call:
        """Return the request."""
        headers = {"Content-Type": "application/json"}
        if host.has_key:
            headers["x-goog-api-key"] = host.key
        method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return Call(
            url=f"{_root(host.base_url)}/{_path(prompt.choice.model)}:{method}",
            headers=headers,
            body=body_of(prompt, facts),
            is_whole=not streamed,
        )

    def frames(self) -> EventDecoder:
        """Return what cuts one stream into payloads."""
        return EventDecoder(_LINE_BYTES_MAX)

    def reader(self) -> StreamedAnswer:
        """Return a reader for one streamed answer."""
        return StreamedAnswer()

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer."""
        return read_whole(body)


def _root(base_url: str) -> str:
    """Return the address with its version, which the vendor's SDK leaves out and other clients do not."""
    root = base_url.removesuffix("/openai")
    return root if root.endswith(tuple(f"/{version}" for version in _VERSIONS)) else f"{root}/{_VERSION}"


def _path(model: str) -> str:
    """Return the model's place; what a name holds beside letters stays in its one segment."""
    folder = _TUNED if model.startswith(_TUNED) else "models/"
    return folder + quote(model.removeprefix(folder), safe="")
