"""The wire of Anthropic Messages, as the registry wants it.

Reference: platform.claude.com/docs, "Messages" and "API versions". Version 2023-06-01 is spoken: the hosts
that follow Anthropic know no other.
"""

from __future__ import annotations

from collections.abc import Iterable

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, MediaKind, Prompt
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call
from backboard_server.providers._sse import EventDecoder

from .answer import StreamedAnswer, read_whole
from .request import request_of

VERSION = "2023-06-01"


class Anthropic:
    """The wire, as the registry wants it."""

    media_kinds: frozenset[MediaKind] = frozenset({"image", "pdf"})

    def call(self, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool) -> Call:
        """Return the request."""
        is_anthropic = host.row.id == "anthropic"
        request = request_of(prompt, facts, is_anthropic=is_anthropic, streamed=streamed)
        headers = {"Content-Type": "application/json", "anthropic-version": VERSION}
        if host.has_key:
            headers["x-api-key"] = host.key
        if request.betas:
            headers["anthropic-beta"] = ",".join(request.betas)
        return Call(url=_address(host.base_url), headers=headers, body=request.body, is_whole=not streamed)

    def frames(self) -> EventDecoder:
        """Return what cuts one stream into payloads."""
        return EventDecoder()

    def reader(self) -> StreamedAnswer:
        """Return a reader for one streamed answer."""
        return StreamedAnswer()

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer."""
        return read_whole(body)


def _address(base_url: str) -> str:
    """Return the endpoint: some hosts give a base that ends in the version, Anthropic's own does not."""
    return base_url.removesuffix("/messages").removesuffix("/v1") + "/v1/messages"
