"""Every chat model behind one object: which one is meant, how it is called, and how its failures read."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple

from msgspec.structs import replace

from backboard_server.domain.keys import Secret
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Delta, ModelChoice, Prompt, Thinking

from . import local
from ._catalogued import Catalogue
from ._choosing import Choosing
from ._circuits import OPEN_SECONDS, Circuits
from ._failures import Failure, OtherProtocol, explain
from ._fitting import fit, simplified
from ._hosts import Host
from ._http import Egress, EgressTimeouts, Reply
from ._listing import FirstModels
from ._tool_choice import unforced
from .table import Row, WireName, wire_of
from .wires import WIRES, AnswerReader, Wire

_NO_SUCH_PATH = (404, 405, 501)
# As LM Studio (status 200), gateways (400) and others have it that do not answer 404 to a path.
_WORDS_ABOUT_PATHS = re.compile(
    r"(unknown|unexpected|unsupported|unrecognized|invalid|no such) (request |api )?(endpoint|path|route)"
)
_WORDS_ABOUT_SUMMARIES = ("reasoning summaries", "reasoning.summary")
_LAST_WORDS_SECONDS = 1.0  # for usage, once the answer itself has ended
_DEFAULT_TIMEOUTS = EgressTimeouts()


class _Way(NamedTuple):
    """One way to ask: over which wire, and with how much of the history.

    A detour avoids a wire that this host, or this model of it, does not speak.
    """

    wire: WireName
    prompt: Prompt
    is_detour: bool = False


class Providers:
    """Implements `domain.ports.ChatModels`.

    The environment is read by name: keys and a base URL for each row of the table, and the server's
    default in `BACKBOARD_LLM_PROVIDER` and `BACKBOARD_MODEL_NAME`; `rows` are the operator's own providers.
    One call is one attempt, but for a prompt that a provider refuses because of its history or of its choice
    of tools, which is sent once more without what it may have stumbled over. Other retries belong to the
    caller.
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
        self.catalogue = Catalogue(environment, self._choosing, self._egress)
        self._without_responses: set[tuple[str, str]] = set()

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
        host = self._choosing.host(prompt.choice.provider, prompt.keys, prompt.choice.model)
        return self._call(host, prompt, streamed=streamed)

    def facts(self, choice: ModelChoice) -> Facts:
        """Return what matters of a model when it is called; 32,768 tokens of context where it is unknown."""
        if choice.provider == local.PROVIDER:
            return local.FACTS
        known = self.catalogue.facts(choice.provider, choice.model)
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
        """Ask the provider, and ask it in another way where it shows that it needs one. Raises Upstream."""
        circuit = (host.row.id, prompt.choice.model, host.key)
        way = _Way(self._wire_name(host, prompt.choice.model), prompt)
        has_spoken = False
        try:
            with self._circuits.watch(circuit):
                while True:
                    facts = self.facts(prompt.choice)
                    fitted = fit(way.prompt, host.row.id, facts, WIRES[way.wire].media_kinds)
                    try:
                        asking = self._ask(WIRES[way.wire], fitted, host, facts, streamed=streamed)
                        async with aclosing(asking) as deltas:
                            async for delta in deltas:
                                has_spoken = True
                                yield delta
                        self._learn(way, host)
                        return
                    except Failure as failure:
                        other = None if has_spoken else self._other_way(way, fitted, host, failure)
                        if other is None:
                            raise
                        way = other
        except Failure as failure:
            # Without its cause, which holds the provider's text as it came, perhaps with our key in it.
            raise explain(failure, host) from None

    async def _ask(
        self, wire: Wire, prompt: Prompt, host: Host, facts: Facts, *, streamed: bool
    ) -> AsyncGenerator[Delta, None]:
        """Ask once, over one wire. Raises Failure."""
        call = wire.call(prompt, host, facts, streamed=streamed)
        if prompt.thinking is not None:
            call = replace(call, is_thinking=True)
        async with self._egress.open(call) as reply:
            if reply.content_type == "text/html":
                raise Failure("malformed", "a web page instead of an answer")
            # Hosts that do not heed our wish say so in their content type.
            is_whole = reply.content_type == "application/json" or not streamed
            if is_whole and reply.content_type != "text/event-stream":
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
        lacks_responses = (host.base_url, model) in self._without_responses
        return "openai_chat" if lacks_responses else wire_of(host.row, model)

    def _other_way(self, way: _Way, fitted: Prompt, host: Host, failure: Failure) -> _Way | None:
        """Return another way to ask the same of the same provider, or None if there is none."""
        if way.wire == "openai_responses" and _lacks_responses(failure):
            return _Way("openai_chat", way.prompt, is_detour=True)
        if failure.kind != "rejected_request":
            return None
        if thinking := _unseen(way.prompt.thinking, failure):
            return way._replace(prompt=replace(way.prompt, thinking=thinking))
        if free := unforced(way.prompt, failure.said):
            return way._replace(prompt=free)
        simple = simplified(fitted)
        return way._replace(prompt=simple) if simple else None

    def _learn(self, way: _Way, host: Host) -> None:
        """Remember a detour that led to an answer; one that did not may be for want of the model itself."""
        if way.is_detour:
            self._without_responses.add((host.base_url, way.prompt.choice.model))


def _lacks_responses(failure: Failure) -> bool:
    """Whether a host speaks chat completions alone, as there often is one behind OPENAI_BASE_URL."""
    return (
        failure.status in _NO_SUCH_PATH
        or isinstance(failure, OtherProtocol)
        or bool(_WORDS_ABOUT_PATHS.search(failure.said.lower()))
    )


def _unseen(thinking: Thinking | None, failure: Failure) -> Thinking | None:
    """Return the same wish to think without a wish to see it, if it is the sight of it that was refused.

    OpenAI shows summaries to verified organizations alone, and not of every model.
    """
    is_about_summaries = any(words in failure.said for words in _WORDS_ABOUT_SUMMARIES)
    if thinking is None or thinking.is_hidden or not is_about_summaries:
        return None
    return replace(thinking, is_hidden=True)


async def _next_block(reply: Reply, reader: AnswerReader) -> bytes:
    """Read on; once the answer has its end, the rest is worth neither a failure nor a long wait."""
    if not reader.has_ended:
        return await reply.read()
    reply.hurry(_LAST_WORDS_SECONDS)
    try:
        return await reply.read()
    except Failure:
        return b""
