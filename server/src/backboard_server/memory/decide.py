"""Deciding: what new statements mean for the memories they may touch, where no rule could tell.

A model is asked. What it names must have been offered to it; whatever else it answers, both are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from uuid import UUID

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.keys import Secret
from backboard_server.domain.memories import STATEMENT_CHARACTERS_MAX, Memory, Statement
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Usage

from .ask import ask
from .prompts import DECIDE, DECIDE_FORM, DECISIONS, DecisionKind, DraftDecision, fenced, read_list

STATEMENTS_MAX = 10  # in one call; more are decided in several
CANDIDATES_MAX = 20  # of one statement, the first of those that are given
_ENDING: frozenset[DecisionKind] = frozenset({"refine", "supersede", "retract"})


class Undecided(Struct, frozen=True):
    """A statement, and the memories that it may touch, the likeliest first."""

    statement: Statement
    candidates: tuple[Memory, ...]


class Decision(Struct, frozen=True):
    """What to do with a statement, and the memory that it is about, which `add` alone goes without."""

    kind: DecisionKind = "add"
    memory_id: UUID | None = None


class Decided(Struct, frozen=True, kw_only=True):
    """A decision for each statement, in their order; for how many the model gave none that can be used."""

    decisions: tuple[Decision, ...] = ()
    unusable: int = 0
    usage: Usage = Usage()


class _Offer(Struct, frozen=True):
    """A statement under its short name, with its candidates under theirs."""

    name: str
    statement: Statement
    candidates: Mapping[str, Memory]


async def decide(
    adapters: Adapters,
    choice: ModelChoice,
    keys: Mapping[str, Secret],
    undecided: Sequence[Undecided],
    *,
    custom_prompt: str | None = None,
) -> Decided:
    """Decide about each statement. Those without candidates are added, and nobody is asked.

    `custom_prompt` is the assistant's own, in place of DECIDE. Raises Upstream if the model fails, and
    Invalid if its provider has no key any more; an answer that cannot be used is no failure: both are kept.
    """
    offers = list(_offers(undecided))
    asked = [offer for offer in offers if offer.candidates]
    decisions: dict[str, Decision] = {}
    usage: Usage | None = None
    for start in range(0, len(asked), STATEMENTS_MAX):
        part = asked[start : start + STATEMENTS_MAX]
        prompt = Prompt(
            choice=choice,
            messages=(
                PromptMessage("system", f"{custom_prompt or DECIDE}\n\n{DECIDE_FORM}"),
                PromptMessage("user", fenced("statements", map(_row, part))),
            ),
            response_format=DECISIONS,
            keys=keys,
        )
        answered = await ask(adapters, prompt)
        usage = answered.usage if usage is None else usage.plus(answered.usage)
        decisions |= _usable(answered.text, part)
    return Decided(
        decisions=tuple(decisions.get(offer.name, Decision()) for offer in offers),
        unusable=len(asked) - len(decisions),
        usage=usage or Usage(),
    )


def _offers(undecided: Sequence[Undecided]) -> Iterator[_Offer]:
    """Name everything shortly, and no two things alike, so that no id can be taken for another's."""
    numbers = count(1)
    for place, each in enumerate(undecided, 1):
        candidates = {f"c{next(numbers)}": memory for memory in each.candidates[:CANDIDATES_MAX]}
        yield _Offer(f"s{place}", each.statement, candidates)


def _row(offer: _Offer) -> dict[str, object]:
    statement = offer.statement
    return {
        "id": offer.name,
        "statement": statement.content,
        "said": statement.quotes[0].text,
        "since": statement.valid_from.date().isoformat(),
        "candidates": [
            {
                "id": name,
                "memory": memory.content[:STATEMENT_CHARACTERS_MAX],
                "since": (memory.valid_from or memory.created_at).date().isoformat(),
            }
            for name, memory in offer.candidates.items()
        ],
    }


def _usable(text: str, offers: Sequence[_Offer]) -> dict[str, Decision]:
    """Return the decisions that name what was offered; of several about a statement, the first."""
    listed = read_list(text, "decisions", DraftDecision)
    by_name = {offer.name: offer for offer in offers}
    usable: dict[str, Decision] = {}
    for draft in listed.items if listed else ():
        offer = by_name.get(draft.statement.strip())
        decision = _decision(draft, offer) if offer else None
        if offer and decision:
            usable.setdefault(offer.name, decision)
    return usable


def _decision(draft: DraftDecision, offer: _Offer) -> Decision | None:
    if draft.verdict == "add":
        return Decision()
    memory = offer.candidates.get((draft.candidate or "").strip())
    if memory is None:
        return None
    # What an assistant says ends nothing that is remembered: it may be wrong, or have been talked into it.
    is_overreach = offer.statement.speaker == "assistant" and draft.verdict in _ENDING
    return Decision("conflict" if is_overreach else draft.verdict, memory.id)
