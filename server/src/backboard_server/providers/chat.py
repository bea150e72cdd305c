"""Every chat model behind one object: which one is meant, how it is called, and how its failures read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from msgspec.structs import replace

from backboard_server.domain.prompts import Delta, ModelChoice, Prompt

from . import catalogue, local
from ._choosing import Choosing
from ._failures import Failure, explain
from ._hosts import Host
from ._http import Call, Egress, EgressTimeouts, Reply
from ._listing import FirstModels
from ._sse import EventDecoder
from .wires import WIRES, AnswerReader

_LAST_WORDS_SECONDS = 1.0  # for usage, once the answer itself has ended
_DEFAULT_TIMEOUTS = EgressTimeouts()


class Providers:
    """Implements `domain.ports.ChatModels`.

    The environment is read by name: a key and a base URL for each row of the table, and the server's
    default in `BACKBOARD_LLM_PROVIDER` and `BACKBOARD_MODEL_NAME`.
    One call is one attempt: retries belong to the caller.
    """

    def __init__(self, environment: Mapping[str, str], timeouts: EgressTimeouts = _DEFAULT_TIMEOUTS) -> None:
        """Connections are made at the first call, in the event loop of that call."""
        self._egress = Egress(timeouts)
        self._choosing = Choosing(environment, FirstModels(self._egress))

    async def choose(self, provider: str | None, model: str | None) -> ModelChoice:
        """Return the model to call: the one named, or the server's default where a part is left out.

        The default provider is that of `BACKBOARD_LLM_PROVIDER`, else the first row of the table with a key,
        else an Ollama that answers, else `local`. Raises Invalid: `unknown_provider`,
        `provider_not_supported`, `provider_not_configured` or `model_required`.
        """
        return await self._choosing.choose(provider, model)

    def stream(self, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta, None]:
        """Call the model once; the last delta is a Finish.

        Closing the iterator, or cancelling the task that reads it, closes the provider's socket at once.
        Raises Upstream for every way in which a provider can fail.
        """
        if prompt.choice.provider == local.PROVIDER:
            return local.answer(prompt)
        return self._call(self._choosing.host(prompt.choice.provider), prompt, streamed=streamed)

    def context_limit(self, choice: ModelChoice) -> int:
        """Return the model's context window in tokens; 32,768 where it is unknown."""
        return catalogue.context_limit(choice.provider, choice.model)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._egress.aclose()

    async def _call(self, host: Host, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta, None]:
        wire = WIRES[host.row.wire]
        path, body = wire.request(_possible(prompt), host.row.dialect, streamed=streamed)
        call = Call(
            url=host.base_url + path, headers=wire.headers(host.key), body=body, is_whole=not streamed
        )
        try:
            async with self._egress.open(call) as reply:
                if not _is_stream(reply, streamed=streamed):
                    for delta in wire.read_whole(await reply.read_all()):
                        yield delta
                    return
                events, reader = EventDecoder(), wire.reader()
                while not reader.is_complete and (block := await _next_block(reply, reader)):
                    for payload in events.feed(block):
                        for delta in reader.take(payload):
                            yield delta
                for delta in reader.finish():
                    yield delta
        except Failure as failure:
            # Without its cause, which holds the provider's text as it came, perhaps with our key in it.
            raise explain(failure, host) from None


def _possible(prompt: Prompt) -> Prompt:
    """Return the prompt without the wish for reasoning if the model is known to refuse it."""
    if prompt.thinking is None or catalogue.may_reason(prompt.choice.provider, prompt.choice.model):
        return prompt
    return replace(prompt, thinking=None)


def _is_stream(reply: Reply, *, streamed: bool) -> bool:
    """Whether the body is a stream: hosts that ignore our wish say so in their content type."""
    if reply.content_type == "text/html":
        raise Failure("malformed", "a web page instead of an answer")
    if reply.content_type == "text/event-stream":
        return True
    return streamed and reply.content_type != "application/json"


async def _next_block(reply: Reply, reader: AnswerReader) -> bytes:
    """Read on; once the answer has its end, the rest is worth neither a failure nor a long wait."""
    if not reader.has_ended:
        return await reply.read()
    reply.hurry(_LAST_WORDS_SECONDS)
    try:
        return await reply.read()
    except Failure:
        return b""
