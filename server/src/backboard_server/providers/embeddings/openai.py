"""Embedders over OpenAI's protocol (`POST /embeddings`), which most hosts with embedding models speak.

Reference: platform.openai.com/docs/api-reference/embeddings/create.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from backboard_server.domain.embeddings import Embeddings
from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.keys import Secret
from backboard_server.domain.tokens import estimate_tokens
from backboard_server.providers._circuits import Circuits
from backboard_server.providers._failures import Failure, explain
from backboard_server.providers._hosts import Host, resolve
from backboard_server.providers._http import Call, Egress, EgressTimeouts
from backboard_server.providers._refusals import kind_of, malformed, text_of
from backboard_server.providers.table import Row

from ._batches import batches, sendable
from ._vectors import read_vector, unit_bytes

# The least that vendors document: Cohere takes 96 texts, Mistral about 16,000 tokens; OpenAI takes more.
INPUTS_MAX = 96
INPUT_TOKENS_MAX = 16_000
TEXT_CHARACTERS_MAX = 24_000  # prose of about 6,000 tokens; OpenAI's models read 8,192
_SHORTEST_CUT_CHARACTERS = 500  # a text that is too long even so has another fault
_BLANK = " "  # in the place of an empty text, which OpenAI refuses
ATTEMPTS_MAX = 3
_WAIT_SECONDS_MAX = 20.0
_DEFAULT_TIMEOUTS = EgressTimeouts()


class EmbeddingModel(NamedTuple):
    """A model by the name that its host gives it, and how many numbers its vectors are to have."""

    name: str
    dimensions: int


class _Item(Struct, frozen=True):
    embedding: str | list[float]
    index: int | None = None


class _Counts(Struct, frozen=True):
    prompt_tokens: int = 0


class _Answer(Struct, frozen=True):
    data: list[_Item] | None = None
    usage: _Counts | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Answer)

# What is asked for beyond the model and the texts, and then less of it, as some hosts refuse what they do not
# know.
_FORMS = (("encoding_format", "dimensions"), ("dimensions",), ())


class OpenAIEmbedder:
    """Implements `domain.ports.Embedder` with one model of one host.

    Failures that may pass are tried again, after as long as the provider says if that is not too long.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        row: Row,
        model: EmbeddingModel,
        timeouts: EgressTimeouts = _DEFAULT_TIMEOUTS,
        *,
        retry_base_seconds: float = 0.5,
    ) -> None:
        """The environment is read by name, as `Providers` does. Connections are made at the first call."""
        self._environment = environment
        self._row = row
        self._model = model
        self._egress = Egress(timeouts)
        self._circuits = Circuits()
        self._retry_base_seconds = retry_base_seconds
        self._form = 0  # the first of `_FORMS` that this host takes, as far as is known

    @property
    def identity(self) -> str:
        """The provider, the model and the dimensions."""
        return f"{self._row.id}/{self._model.name}/{self._model.dimensions}"

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._model.dimensions

    async def embed(self, texts: Sequence[str], *, keys: Mapping[str, Secret] = {}) -> Embeddings:
        """Return a vector for each text; raises what the port says."""
        host = resolve(self._row, self._environment, keys.get(self._row.id))
        cut = (sendable(text, TEXT_CHARACTERS_MAX) or _BLANK for text in texts)
        groups = batches(cut, count_max=INPUTS_MAX, weight_max=INPUT_TOKENS_MAX, weigh=estimate_tokens)
        return _joined([await self._fitted(group, host) for group in groups])

    async def aclose(self) -> None:
        """Close every connection."""
        await self._egress.aclose()

    async def _fitted(self, texts: list[str], host: Host) -> Embeddings:
        """Embed texts, in smaller groups and a single one by its beginning where they are too long."""
        try:
            return await self._persistent(texts, host)
        except Upstream as error:
            smaller = _smaller(texts) if error.kind == "context_length" else None
            if smaller is None:
                raise
        return _joined([await self._fitted(part, host) for part in smaller])

    async def _persistent(self, texts: list[str], host: Host) -> Embeddings:
        attempt = 1
        while True:
            try:
                return await self._attempt(texts, host)
            except Upstream as error:
                wait = self._wait_before_retry(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    def _wait_before_retry(self, error: Upstream, attempt: int) -> float | None:
        """Return how long to wait before the next attempt, or None if there is to be none."""
        if attempt >= ATTEMPTS_MAX or not error.is_retryable:
            return None
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds if error.retry_after_seconds <= _WAIT_SECONDS_MAX else None
        ceiling = min(_WAIT_SECONDS_MAX, self._retry_base_seconds * 2.0 ** (attempt - 1))
        return ceiling * random.random()  # noqa: S311 - jitter, not a secret

    async def _attempt(self, texts: list[str], host: Host) -> Embeddings:
        """Ask once, with fewer wishes where they are refused. Raises Upstream."""
        try:
            with self._circuits.watch((host.row.id, self._model.name, host.key)):
                return await self._in_some_form(texts, host)
        except Failure as failure:
            # Without its cause, which holds the provider's text as it came, perhaps with our key in it.
            raise explain(failure, host) from None

    async def _in_some_form(self, texts: list[str], host: Host) -> Embeddings:
        for form in range(self._form, len(_FORMS)):
            try:
                embeddings = self._read(await self._ask(texts, host, _FORMS[form]), len(texts))
            except Failure as failure:
                if failure.kind != "rejected_request" or form == len(_FORMS) - 1:
                    raise
            else:
                self._form = form
                return embeddings
        raise AssertionError("the last form returns or raises")

    async def _ask(self, texts: list[str], host: Host, wishes: tuple[str, ...]) -> bytes:
        fields = {"encoding_format": "base64", "dimensions": self._model.dimensions}
        body = {"model": self._model.name, "input": texts} | {name: fields[name] for name in wishes}
        call = Call(
            url=f"{host.base_url}/embeddings",
            headers={"Content-Type": "application/json", **host.authorization()},
            body=msgspec.json.encode(body),
            is_whole=True,
        )
        async with self._egress.open(call) as reply:
            if reply.content_type == "text/html":
                raise Failure("malformed", "a web page instead of an answer")
            return await reply.read_all()

    def _read(self, payload: bytes, count: int) -> Embeddings:
        """Return what an answer holds. Raises Failure, and Invalid for a model of other dimensions."""
        try:
            answer = _decoder.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error, payload) from None
        if answer.data is None:
            # Gateways have the failure of the host behind them in an answer with status 200.
            raise _failure_within(answer, payload)
        vectors = [read_vector(item.embedding) for item in _in_order(answer.data, count)]
        for vector in vectors:
            self._check_dimensions(len(vector))
        tokens = answer.usage.prompt_tokens if answer.usage else 0
        return Embeddings(tuple(map(unit_bytes, vectors)), max(0, tokens))

    def _check_dimensions(self, found: int) -> None:
        if found != self._model.dimensions:
            raise Invalid(
                f"The vectors of {self._model.name} at {self._row.label} have {found} dimensions and not "
                f"{self._model.dimensions}: configure the embedder with {found}.",
                code="embedding_dimensions",
            )


def _failure_within(answer: _Answer, payload: bytes) -> Failure:
    if answer.error is None:
        return Failure("malformed", "an answer without vectors")
    said = text_of(answer.error, payload)
    return Failure(kind_of(set[str](), said), said)


def _in_order(items: list[_Item], count: int) -> list[_Item]:
    """Return the items in the order of the texts. Raises Failure where there is not one for each."""
    numbers = [position if item.index is None else item.index for position, item in enumerate(items)]
    if sorted(numbers) != list(range(count)):
        raise Failure("malformed", f"vectors numbered {numbers[:5]} for {count} texts")
    return [item for _, item in sorted(zip(numbers, items, strict=True), key=lambda pair: pair[0])]


def _smaller(texts: list[str]) -> list[list[str]] | None:
    """Return the texts in two groups, one text by its first half, or None where nothing is left to cut."""
    middle = len(texts) // 2
    if middle:
        return [texts[:middle], texts[middle:]]
    half = len(texts[0]) // 2
    return [[texts[0][:half]]] if half >= _SHORTEST_CUT_CHARACTERS else None


def _joined(parts: Sequence[Embeddings]) -> Embeddings:
    vectors = chain.from_iterable(part.vectors for part in parts)
    return Embeddings(tuple(vectors), sum(part.input_tokens for part in parts))
