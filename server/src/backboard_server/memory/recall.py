"""Recalling: what a scope holds that bears on a question, best first, and why. No model is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.memories import Recalled, Recollection, Scope
from backboard_server.domain.tokens import estimate_tokens
from backboard_server.store.recall import FoundUnit, RecallUnits, recall_units

from .index import hash_of
from .query import analyse_query

# Beside 1 for the words: chosen on conversations other than the one that is asked (benchmarks/recall.py).
THREAD_SHARE = 0.3
WINDOW_SHARE = 0.5

QUERY_CHARACTERS_MAX = 2_000  # of a message, from both ends: what is looked for stands at one of them
SUSPECT_SHARE = 0.7  # of the score of what may not hold any more, where the present is asked for
CANDIDATES_MAX = 100
SPREAD_MAX = 400
SPARE = 20  # are read beyond what is asked for, as some are said twice and some are doubted
SHOWN_TOKENS_MAX = 2_000
SHOWN_CHARACTERS_MAX = 2_000  # of one unit
SCORE_MIN = 0.15  # of the best, below which nothing is shown


class Search(Struct, frozen=True, kw_only=True):
    """What is looked for. `hidden` units are not returned; with `metadata` only memories that have it all."""

    text: str
    asked_at: datetime
    limit: int
    hidden: list[UUID] | None = None
    metadata: dict[str, Any] | None = None


async def recall(
    adapters: Adapters, scope: Scope, text: str, *, asked_at: datetime, hidden: list[UUID] | None = None
) -> Recollection:
    """Return what bears on a message and fits `SHOWN_TOKENS_MAX`, best first. One round trip.

    `hidden` are the messages that the model sees anyway. Raises NotFound for the assistant.
    """
    asked = Search(text=text, asked_at=asked_at, limit=CANDIDATES_MAX, hidden=hidden)
    found = await search(adapters, scope, asked)
    return Recollection(items=tuple(_packed(found.items)), searched=found.searched)


async def search(adapters: Adapters, scope: Scope, asked: Search) -> Recollection:
    """Return what bears on a query, best first. One round trip. Raises NotFound for the assistant."""
    query = analyse_query(_ends_of(asked.text), asked_at=asked.asked_at)
    words = {hash_of(term): term for term in query.terms}
    request = RecallUnits(
        assistant_id=scope.assistant_id,
        user_id=scope.user_id,
        terms=[*words],
        weights=[*query.terms.values()],
        take=asked.limit + SPARE,
        spread_max=SPREAD_MAX,
        characters_max=SHOWN_CHARACTERS_MAX,
        only_memories=asked.metadata is not None,
        with_past=query.intent != "now",
        metadata=asked.metadata,
        hidden=asked.hidden,
        window_from=query.window[0] if query.window else None,
        window_to=query.window[1] if query.window else None,
        thread_share=THREAD_SHARE,
        window_share=WINDOW_SHARE,
    )
    found = await recall_units(adapters.database, scope.tenant_id, request)
    items = [_recalled(unit, words) for unit in found.units]
    if query.intent == "now":
        items = sorted((_doubted(item) for item in items), key=lambda item: -item.score)
    return Recollection(items=tuple(_said_once(items)[: asked.limit]), searched=found.searched)


def _ends_of(text: str) -> str:
    if len(text) <= QUERY_CHARACTERS_MAX:
        return text
    half = QUERY_CHARACTERS_MAX // 2
    return f"{text[:half]} {text[-half:]}"


def _recalled(unit: FoundUnit, words: dict[int, str]) -> Recalled:
    return Recalled(
        id=unit.id,
        content=unit.content,
        score=round(unit.score, 4),
        said_at=unit.said_at,
        thread_id=unit.thread_id,
        role=unit.role,
        kind=unit.kind,
        metadata=unit.metadata,
        valid_to=unit.valid_to,
        is_suspect=unit.is_suspect,
        created_at=unit.created_at,
        updated_at=unit.updated_at,
        sources=tuple(unit.sources or ()),
        near=round(unit.near, 4),
        thread=round(unit.thread, 4),
        matched_words=tuple(words[term] for term in unit.terms if term in words),
    )


def _doubted(item: Recalled) -> Recalled:
    """Return an item with a smaller score where it may not hold any more."""
    return replace(item, score=round(item.score * SUSPECT_SHARE, 4)) if item.is_suspect else item


def _said_once(items: list[Recalled]) -> list[Recalled]:
    """Return the items, best first, without messages that a better one, a memory, was drawn from."""
    told: set[UUID] = set()
    kept: list[Recalled] = []
    for item in items:
        if item.id not in told:
            kept.append(item)
            told.update(item.sources)
    return kept


def _packed(items: tuple[Recalled, ...]) -> list[Recalled]:
    """Return as many of the best as fit, no text twice, and none that is far behind the best."""
    packed: list[Recalled] = []
    texts: set[str] = set()
    room = SHOWN_TOKENS_MAX
    for item in items:
        text = item.content.strip().casefold()
        tokens = estimate_tokens(item.content)
        if item.score < SCORE_MIN * items[0].score:
            break
        if tokens <= room and text not in texts:
            packed.append(item)
            texts.add(text)
            room -= tokens
    return packed
