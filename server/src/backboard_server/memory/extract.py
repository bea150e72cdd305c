"""Extracting: what the new messages of a turn say that is worth keeping, with the words that say it.

A model is asked once, and once more to verify. What it answers is believed only as far as it is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.keys import Secret
from backboard_server.domain.memories import Statement
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Usage

from .ask import UnusableAnswer, ask
from .prompts import CHECKS, EXTRACT, EXTRACT_FORM, FACTS, VERIFY, DraftCheck, DraftFact, fenced, read_list
from .proof import Refusal, Said, proved

MESSAGE_CHARACTERS_MAX = 24_000  # a longer message is shown by its beginning and its end
EARLIER_MAX = 6
EARLIER_CHARACTERS_MAX = 1_000
_INPUT_SHARE = 0.4  # of the context window, for the new messages; a character may be a token
_SENTENCE_END = re.compile(r"[\n.!?;。！？；]+")  # noqa: RUF001 - Chinese sentences end in Chinese marks


class Material(Struct, frozen=True, kw_only=True):
    """What facts are drawn from, `messages`, and what only helps to understand them, `earlier`; oldest first.

    `system_prompt` and `recalled` are what the assistant was given: what comes back of them is no fact.
    `custom_prompt` is the assistant's own, in place of EXTRACT.
    """

    messages: tuple[Said, ...]
    earlier: tuple[Said, ...] = ()
    system_prompt: str = ""
    recalled: tuple[str, ...] = ()
    custom_prompt: str | None = None
    is_verified: bool = False


class Extracted(Struct, frozen=True, kw_only=True):
    """What was found, how much was refused and why, and what it cost.

    It is partial where the answer was cut off, or where a message was too long to be read as a whole.
    """

    statements: tuple[Statement, ...] = ()
    refused: Mapping[Refusal, int] = {}
    usage: Usage = Usage()
    is_partial: bool = False


async def extract(
    adapters: Adapters, choice: ModelChoice, keys: Mapping[str, Secret], material: Material
) -> Extracted:
    """Return what the new messages state. Messages without a word cost nothing.

    Raises Upstream if the model fails, UnusableAnswer (an Upstream) if its answer cannot be read, which is
    never taken for "no facts", and Invalid if its provider has no key any more. `local` is no model to ask.
    """
    if not any(said.content.strip() for said in material.messages):
        return Extracted()
    shown = _shown(material, adapters.models.facts(choice).context_limit)
    prompt = Prompt(
        choice=choice,
        messages=(
            PromptMessage("system", f"{material.custom_prompt or EXTRACT}\n\n{EXTRACT_FORM}"),
            PromptMessage("user", _conversation(shown)),
        ),
        response_format=FACTS,
        keys=keys,
    )
    answered = await ask(adapters, prompt)
    listed = read_list(answered.text, "facts", DraftFact)
    if listed is None or (listed.malformed and not listed.items):
        raise UnusableAnswer(choice, "facts", answered.usage)
    statements, refused = proved(listed.items, _named(material.messages), _given(material))
    refused["malformed"] += listed.malformed
    usage = answered.usage
    if material.is_verified and statements:
        checked = await _verify(adapters, prompt, shown, statements, usage)
        refused["unsupported"] += len(statements) - len(checked.statements)
        statements, usage = [*checked.statements], checked.usage
    return Extracted(
        statements=tuple(statements),
        refused={reason: count for reason, count in refused.items() if count},
        usage=usage,
        is_partial=not listed.is_whole or shown.messages != material.messages,
    )


def _shown(material: Material, context_limit: int) -> Material:
    """Return the material as far as the model can read it."""
    room = min(MESSAGE_CHARACTERS_MAX, int(context_limit * _INPUT_SHARE) // len(material.messages))
    return replace(
        material,
        messages=tuple(_shortened(said, room) for said in material.messages),
        earlier=tuple(_shortened(said, EARLIER_CHARACTERS_MAX) for said in material.earlier[-EARLIER_MAX:]),
    )


def _shortened(said: Said, characters_max: int) -> Said:
    if len(said.content) <= characters_max:
        return said
    half = characters_max // 2
    return replace(said, content=f"{said.content[:half]} […] {said.content[-half:]}")


def _conversation(shown: Material) -> str:
    earlier = [_row(said) for said in shown.earlier]
    messages = [{"id": name} | _row(said) for name, said in _named(shown.messages).items()]
    return f"{fenced('earlier', earlier)}\n{fenced('messages', messages)}"


def _row(said: Said) -> dict[str, str]:
    moment = said.said_at.astimezone(UTC)
    return {"role": said.role, "said_at": f"{moment:%A %Y-%m-%d %H:%M}", "text": said.content}


def _named(messages: Sequence[Said]) -> dict[str, Said]:
    """Return messages by short names: an id of 36 characters is twenty tokens, and easily miscopied."""
    return {f"m{number}": said for number, said in enumerate(messages, 1)}


def _given(material: Material) -> Iterator[str]:
    """Give the sentences that the model was told besides the messages."""
    yield from material.recalled
    yield from _SENTENCE_END.split(material.system_prompt)


async def _verify(
    adapters: Adapters, prompt: Prompt, shown: Material, statements: list[Statement], usage: Usage
) -> Extracted:
    """Return the statements but for those that the second look does not find in their quotes.

    Raises UnusableAnswer, with the usage of both looks. A statement that it leaves out is proved well enough.
    """
    notes = {f"n{number}": statement for number, statement in enumerate(statements, 1)}
    rows = [{"id": id, "note": each.content, "quote": each.quotes[0].text} for id, each in notes.items()]
    material = f"{_conversation(shown)}\n{fenced('notes', rows)}"
    asked = (PromptMessage("system", VERIFY), PromptMessage("user", material))
    answered = await ask(adapters, replace(prompt, messages=asked, response_format=CHECKS))
    usage = usage.plus(answered.usage)
    listed = read_list(answered.text, "checks", DraftCheck)
    if listed is None or not listed.items:
        raise UnusableAnswer(prompt.choice, "checks", usage)
    unsaid = {check.note.strip() for check in listed.items if not check.is_said}
    kept = tuple(each for name, each in notes.items() if name not in unsaid)
    return Extracted(statements=kept, usage=usage)
