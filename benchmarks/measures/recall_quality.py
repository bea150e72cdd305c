"""What recall finds: the turns of conversations that hold an answer, and paragraphs in four scripts.

LoCoMo (snap-research, CC BY-NC 4.0) with the corrections of locomo-audit, and XQuAD (google-deepmind,
CC BY-SA 4.0): see the ORIGIN.md beside them. No model is asked, and no vectors are used.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from msgspec import Struct
from rig.figures import Figure
from rig.memories import DATA, Keeper, at_once, keeping

_FOUND_MAX = 50
_RESAMPLES = 1_000
_EVIDENCE = re.compile(r"D\d+:\d+")
_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single-hop", 5: "adversarial"}
_HIT_TARGETS = {"en": 0.93, "zh": 0.93, "ru": 0.90, "hi": 0.80}


class Question(Struct, frozen=True):
    """A question, and the turns that hold its answer."""

    conversation: str
    category: str
    text: str
    evidence: frozenset[str]


class Asked(Struct, frozen=True):
    """A question, and what was found for it: turns by their names, best first."""

    conversation: str
    category: str
    evidence: frozenset[str]
    found: list[str]

    def recall(self, k: int) -> float:
        """The part of the evidence that is among the first `k`."""
        return len(self.evidence & {*self.found[:k]}) / len(self.evidence)

    @property
    def hits_session(self) -> float:
        """Whether the first turn that was found is of a session with evidence."""
        sessions = {name.partition(":")[0] for name in self.evidence}
        return float(bool(self.found) and self.found[0].partition(":")[0] in sessions)


async def measure_conversations() -> list[Figure]:
    """Tell each conversation of LoCoMo's, session by session, and ask all of its questions."""
    samples = json.loads((DATA / "locomo-dev" / "locomo-dev.json").read_text())
    errors = json.loads((DATA / "locomo-dev" / "errors.json").read_text())
    by_question = {error["question_id"]: error for error in errors}
    asked: list[Asked] = []
    turns: dict[str, int] = {}
    async with keeping() as keeper:
        for number, sample in enumerate(samples):
            assistant = await keeper.assistant()
            names = await _tell(keeper, assistant, sample["conversation"])
            turns[sample["sample_id"]] = len(names)
            questions = _questions(sample, number, by_question, {*names.values()})
            asked += await at_once([_ask(keeper, assistant, names, question) for question in questions])
    parts = {f"turns of {name}": float(count) for name, count in turns.items()} | {
        "questions": float(len(asked))
    }
    return [
        _figure(asked, "R@10", lambda each: each.recall(10), 0.76, parts | _by_category(asked)),
        _figure(asked, "R@50", lambda each: each.recall(50), 0.85, parts),
        _figure(asked, "session Hit@1", lambda each: each.hits_session, 0.78, parts),
    ]


async def measure_paragraphs() -> list[Figure]:
    """Keep the paragraphs of XQuAD, 240 in each language, and ask for each by its questions."""
    figures: list[Figure] = []
    async with keeping() as keeper:
        for language, target in _HIT_TARGETS.items():
            articles = json.loads((DATA / "xquad-dev" / f"xquad.{language}.json").read_text())["data"]
            paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
            hits = await _hits(keeper, paragraphs)
            parts = {"paragraphs": float(len(paragraphs)), "questions": float(len(hits))}
            name = f"XQuAD {language}, lexical, hit@1 of 240 paragraphs"
            figures.append(
                Figure(name=name, unit="", target=target, samples=[mean(hits)], is_at_least=True, parts=parts)
            )
    return figures


async def _tell(keeper: Keeper, assistant: str, conversation: dict[str, Any]) -> dict[str, str]:
    """Say all turns, a thread for each session, and return their names by the ids of their messages."""
    sessions = [name for name in conversation if re.fullmatch(r"session_\d+", name)]
    told = await at_once([_tell_session(keeper, assistant, conversation, name) for name in sessions])
    return {message_id: turn for session in told for message_id, turn in session.items()}


async def _tell_session(
    keeper: Keeper, assistant: str, conversation: dict[str, Any], session: str
) -> dict[str, str]:
    said_at = datetime.strptime(conversation[f"{session}_date_time"], "%I:%M %p on %d %B, %Y").replace(
        tzinfo=UTC
    )
    thread: dict[str, str] = {"assistant_id": assistant}
    names: dict[str, str] = {}
    for turn in conversation[session]:
        caption = f" [shows {turn['blip_caption']}]" if turn.get("blip_caption") else ""
        body = thread | {"content": f"{turn['speaker']}: {turn['text']}{caption}"}
        saved = await keeper.say(body | {"metadata": {"custom_timestamp": said_at.isoformat()}})
        thread = {"thread_id": saved["thread_id"]}
        names[saved["message_id"]] = turn["dia_id"]
    return names


def _questions(
    sample: dict[str, Any], number: int, errors: dict[str, dict[str, Any]], turns: set[str]
) -> list[Question]:
    """Return the questions whose key is right, with what holds their answer."""
    questions: list[Question] = []
    for place, qa in enumerate(sample["qa"]):
        error = errors.get(f"locomo_{number}_qa{place}")
        if error is not None and error["error_type"] != "WRONG_CITATION":
            continue
        cited = error["correct_evidence"] if error is not None else qa.get("evidence", [])
        evidence = frozenset(_EVIDENCE.findall(" ".join(cited))) & turns
        if evidence:
            category = _CATEGORIES[qa["category"]]
            questions.append(Question(sample["sample_id"], category, qa["question"], evidence))
    return questions


async def _ask(keeper: Keeper, assistant: str, names: dict[str, str], question: Question) -> Asked:
    found = await keeper.search(assistant, question.text, _FOUND_MAX)
    turns = [names[each["id"]] for each in found if each["id"] in names]
    return Asked(question.conversation, question.category, question.evidence, turns)


async def _hits(keeper: Keeper, paragraphs: list[dict[str, Any]]) -> list[float]:
    assistant = await keeper.assistant()
    path = f"/assistants/{assistant}/memories"
    kept = await at_once([keeper.post(path, {"content": each["context"]}) for each in paragraphs])
    ids = [each["memory_id"] for each in kept]
    questions = [(ids[place], qa["question"]) for place, each in enumerate(paragraphs) for qa in each["qas"]]
    found = await at_once([keeper.search(assistant, question, 1) for _, question in questions])
    return [
        float(bool(first) and first[0]["id"] == wanted)
        for (wanted, _), first in zip(questions, found, strict=True)
    ]


def _figure(
    asked: list[Asked], name: str, score: Callable[[Asked], float], target: float, parts: dict[str, float]
) -> Figure:
    """Return a figure with its bounds of confidence, from conversations that are drawn again and again."""
    scores: dict[str, list[float]] = {}
    for each in asked:
        scores.setdefault(each.conversation, []).append(score(each))
    low, high = _confidence([*scores.values()])
    bounds = {"95 % from": low, "95 % to": high}
    return Figure(
        name=f"LoCoMo, raw turns, lexical, {name}",
        unit="",
        target=target,
        samples=[mean(one for of_one in scores.values() for one in of_one)],
        is_at_least=True,
        parts=parts | bounds,
    )


def _confidence(scores: Sequence[list[float]]) -> tuple[float, float]:
    chance = random.Random(1)  # noqa: S311 - a sample, not a secret
    means = sorted(
        mean(one for of_one in chance.choices(scores, k=len(scores)) for one in of_one)
        for _ in range(_RESAMPLES)
    )
    return round(means[_RESAMPLES // 40], 4), round(means[-_RESAMPLES // 40], 4)


def _by_category(asked: list[Asked]) -> dict[str, float]:
    return {
        f"R@10 {name}": round(mean(each.recall(10) for each in asked if each.category == name), 4)
        for name in _CATEGORIES.values()
    }
