"""The wire of Amazon Bedrock's Converse, as the registry wants it.

Reference: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
…/API_runtime_ConverseStream.html, in the detail of AWS's own service description (`bedrock-runtime`,
2023-09-30, as botocore 1.44.5 carries it).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, MediaKind, Prompt
from backboard_server.providers._event_stream import MessageDecoder
from backboard_server.providers._hosts import Host
from backboard_server.providers._http import Call

from .answer import StreamedAnswer, read_whole
from .request import body_of
from .signing import headers_of


class Bedrock:
    """The wire, as the registry wants it."""

    media_kinds: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})

    def call(self, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool) -> Call:
        """Return the request; the id of the model is one segment of its path, whatever is in it."""
        verb = "converse-stream" if streamed else "converse"
        url = f"{host.base_url}/model/{quote(prompt.choice.model, safe='')}/{verb}"
        body = body_of(prompt, facts)
        return Call(
            url=url,
            headers=headers_of(host, url, body, datetime.now(UTC)),
            body=body,
            is_whole=not streamed,
            is_encoded=True,
        )

    def frames(self) -> MessageDecoder:
        """Return what cuts one stream into payloads."""
        return MessageDecoder()

    def reader(self) -> StreamedAnswer:
        """Return a reader for one streamed answer."""
        return StreamedAnswer()

    def read_whole(self, body: bytes) -> Iterable[Delta]:
        """Return the deltas of a plain answer."""
        return read_whole(body)
