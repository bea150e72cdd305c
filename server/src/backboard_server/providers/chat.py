"""Every chat model behind one object: which one is meant, how it is called, and how its failures read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing

from msgspec.structs import replace

from backboard_server.domain.keys import Secret
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, ModelChoice, Prompt

from . import catalogue, local
from ._choosing import Choosing
from ._circuits import OPEN_SECONDS, Circuits
from ._failures import Failure, explain
from ._fitting import fit, simplified
from ._hosts import Host
from ._http import Egress, EgressTimeouts, Reply
from ._listing import FirstModels
from .table import Row, WireName, wire_of
from .wires import WIRES, AnswerReader

_NO_SUCH_PATH = (404, 405)
_LAST_WORDS_SECONDS = 1.0  # for usage, once the answer itself has ended
_DEFAULT_TIMEOUTS = EgressTimeouts()


class Providers:
    """Implements `domain.ports.ChatModels`.

    The environment is read by name: keys and a base URL for each row of the table, and the server's
    default in `BACKBOARD_LLM_PROVIDER` and `BACKBOARD_MODEL_NAME`; `rows` are the operator's own providers.
    One call is one attempt, but for a prompt that a provider refuses because of its history, which is sent
    once more without what it may have stumbled over. Other retries belong to the caller.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        timeouts: EgressTimeouts = _DEFAULT_TIMEOUTS,
        *,
        rows: Iterable[Row] = (),
        circuit_open_seconds: float = OPEN_SECONDS,
    ) -> None:
        """Connections are made at the first call, in the event loop of that call."""
        self._egress = Egress(timeouts)
        self._circuits = Circuits(circuit_open_seconds)
        self._choosing = Choosing(environment, FirstModels(self._egress), rows)
        self._without_responses: set[str] = set()

    async def choose(
        self, provider: str | None, model: str | None, keys: Mapping[str, Secret] = {}
    ) -> ModelChoice:
        """Return the model to call: the one named, or the default where a part is left out.

        The default provider is that of `BACKBOARD_LLM_PROVIDER`, else the first row of the table with a key,
        else an Ollama that answers, else `local`. Raises Invalid: `unknown_provider`,
        `provider_not_supported`, `provider_not_configured` or `model_required`.
        """
        return await self._choosing.choose(provider, model, keys)

    def stream(self, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta, None]:
        """Call the model once; the last delta is a Finish.

        Closing the iterator, or cancelling the task that reads it, closes the provider's socket at once.
        Raises Upstream for every way in which a provider can fail.
        """
        if prompt.choice.provider == local.PROVIDER:
            return local.answer(prompt)
        host = self._choosing.host(prompt.choice.provider, prompt.keys)
        return self._call(host, prompt, streamed=streamed)

    def facts(self, choice: ModelChoice) -> Facts:
        """Return what matters of a model when it is called; 32,768 tokens of context where it is unknown."""
        if choice.provider == local.PROVIDER:
            return local.FACTS
        known = catalogue.facts(choice.provider, choice.model)
        row = self._choosing.find_row(choice.provider)
        return known if row is None or row.needs_key else replace(known, is_free=True)

    def provider_id(self, name: str) -> str:
        """Return the id of the provider that a name or alias means, in any case. Raises Invalid for none."""
        return self._choosing.provider_id(name)

    def usable_providers(self, keys: Collection[str] = ()) -> frozenset[str]:
        """Return the providers that can be called now: those with a key, the tenant's `keys`, and `local`."""
        return self._choosing.usable(keys)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._egress.aclose()

    async def _call(self, host: Host, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta, None]:
        circuit = (host.row.id, prompt.choice.model, host.key)
        name = self._wire_name(host, prompt.choice.model)
        has_spoken = False
        try:
            self._circuits.check(circuit)
            while True:
                try:
                    async with aclosing(self._attempt(name, host, prompt, streamed=streamed)) as deltas:
                        async for delta in deltas:
                            has_spoken = True
                            yield delta
                    break
                except Failure as failure:
                    other = None if has_spoken else self._other_way(failure, host, name, prompt)
                    if other is None:
                        raise
                    name, prompt = other
        except Failure as failure:
            self._circuits.fail(circuit, failure.kind)
            # Without its cause, which holds the provider's text as it came, perhaps with our key in it.
            raise explain(failure, host) from None
        except BaseException:
            self._circuits.abandon(circuit)
            raise
        self._circuits.succeed(circuit)

    async def _attempt(
        self, name: WireName, host: Host, prompt: Prompt, *, streamed: bool
    ) -> AsyncGenerator[Delta, None]:
        """Ask once over one wire. Raises Failure."""
        wire, facts = WIRES[name], self.facts(prompt.choice)
        fitted = fit(prompt, host.row.id, facts, wire.media_kinds)
        async with self._egress.open(wire.call(fitted, host, facts, streamed=streamed)) as reply:
            if not _is_stream(reply, streamed=streamed):
                for delta in wire.read_whole(await reply.read_all()):
                    yield delta
                return
            frames, reader = wire.frames(), wire.reader()
            while not reader.is_complete and (block := await _next_block(reply, reader)):
                for payload in frames.feed(block):
                    for delta in reader.take(payload):
                        yield delta
            for delta in reader.finish():
                yield delta

    def _wire_name(self, host: Host, model: str) -> WireName:
        name = wire_of(host.row, model)
        return (
            "openai_chat" if name == "openai_responses" and host.base_url in self._without_responses else name
        )

    def _other_way(
        self, failure: Failure, host: Host, wire: WireName, prompt: Prompt
    ) -> tuple[WireName, Prompt] | None:
        """Return another way to ask the same of the same provider, or None if there is none."""
        if wire == "openai_responses" and failure.status in _NO_SUCH_PATH:
            # Behind OPENAI_BASE_URL there is often a host that speaks chat completions alone.
            self._without_responses.add(host.base_url)
            return "openai_chat", prompt
        if failure.kind == "rejected_request" and (simple := simplified(prompt)):
            return wire, simple
        return None


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
