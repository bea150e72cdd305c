"""What is not the writer's own plain word, by its outer signs: lines, sentences and clauses to refuse."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

LINE_CHARACTERS_MAX = 1_500  # people break their lines sooner: a longer one was pasted

Reason = Literal[
    "role", "question", "hypothetical", "quoted", "transient", "prompt", "code", "pasted", "length", "number",
    "unclear", "undated", "secret",
]  # fmt: skip

_LEAD = (
    r"(?:(?:please|now|ok|okay|so|and|hi|hey|let's|can you|could you|i(?: want|'d like) you to)[, ]+){0,3}"
)
_TASK = (
    r"(?:translate|rewrite|reword|rephrase|paraphrase|proofread|summari[sz]e|edit|correct|fix"
    r"|improve|polish|shorten"
    r"|analy[sz]e|review|check|classify|complete|continue|explain|extract|respond to|reply to|parse"
    r"|feedback on)"
)
_PROMPT = re.compile(
    _LEAD + r"(?:(?:you are|you're) (?:now )?(?:a|an|the|my)\b.{0,80}\b(?:assistant|agent|bot|chatbot|ai"
    r"|model|expert"
    r"|tutor|coach|teacher|engineer|developer|writer|translator|character|persona)\b|act as\b|behave like\b"
    r"|your (?:task|job|role|goal) is\b|you will (?:be given|receive|act)\b|as an ai\b"
    r"|ignore (?:all )?previous\b"
    r"|(?:here is what|what) you know about\b|relevant memories\b)",
    re.I,
)
_FICTION = re.compile(
    _LEAD + r"(?:imagine|pretend|role-?play|hypothetically|suppose|supposing|assume|assuming|say i\b"
    r"|in this (?:story"
    r"|scenario|game)|write (?:me )?(?:an?|the|my|some|this)\b|compose|stell dir vor|imagina"
    r"|imagine[zs]?|假设|想象)",
    re.I,
)
_WORK_ON_TEXT = re.compile(
    rf"\b{_TASK}\b(?:[^:]{{0,120}}:|.{{0,40}}\b(?:this|these|following|below|text|email|sentence"
    rf"|paragraph|letter"
    r"|essay|story|poem|article|lyrics)\b)",
    re.I,
)
_ABOUT_ONESELF = re.compile(r"\b(?:about (?:me|myself)|note|remember|fyi|update)\b", re.I)
_REPORTED = re.compile(
    r"\b(?:he|she|they|who|it|(?:my|our|the|a|some|his|her) [\w' ]{1,30}?|(?-i:[A-Z][\w']+))"
    r"(?<!\bi) (?:said|says|told|asked|asks|wrote|writes|thinks|believes|claims|goes|was like"
    r"|is like|replied|texted)\b",
    re.I,
)
_SPEAKER = re.compile(
    r"\s*(?:[-*]\s+)?(?:(?:user|assistant|system|human|ai)|[A-Z][\w.]{0,20}(?: [A-Z]\w{0,20})?)\s*:\s"
)
_NOT_A_SPEAKER = re.compile(
    r"\s*(?:[-*]\s+)?(?:me|note|fyi|update|reminder|remember|ps|edit|btw|about me|hi|hello)\s*:", re.I
)
_INTERROGATIVE = re.compile(
    r"(?:what|where|when|why|how|who|whose|which|do|does|did|am|is|are|can|could|should|would|will"
    r"|any|right|isn't)\b",
    re.I,
)
_HYPOTHETICAL = re.compile(
    r"\b(?:if|unless|would|could|might|maybe|perhaps|wish|in case|as though|falls|wenn|wäre|würde|si|sauf)\b"
    r"|\bwhen(?:ever)? (?:i|you) (?:ask|say|write|type|talk)\b|如果|假如|要是",
    re.I,
)


class Refusal(Struct, frozen=True):
    """Why a sentence is refused, and whether all that follows it in the message is refused along with it."""

    reason: Reason
    goes_on: bool = False


def reason_of_line(line: str) -> Reason | None:
    """Return why a whole line is refused, or None."""
    stripped = line.strip()
    if stripped.startswith(">"):
        return "quoted"
    if (
        stripped.startswith(("#", "//", "/*"))
        or "`" in line
        or (line.startswith("    ") and stripped[:1] not in "-*•")
    ):
        return "code"
    if stripped.startswith(("|", "<")) or len(line) > LINE_CHARACTERS_MAX:
        return "pasted"
    if _SPEAKER.match(line) and not _NOT_A_SPEAKER.match(line) and not _WORK_ON_TEXT.match(line):
        return "quoted"
    return None


def reason_of_sentence(sentence: str) -> Refusal | None:
    """Return why a sentence is refused, or None.

    What follows a prompt, a fiction or a text to work on is part of it."""
    if _PROMPT.match(sentence):
        return Refusal("prompt", goes_on=True)
    if _FICTION.match(sentence):
        return Refusal("hypothetical", goes_on=True)
    if _WORK_ON_TEXT.search(sentence):
        return Refusal("pasted", goes_on=True)
    if sentence.endswith((":", "：")) and not _ABOUT_ONESELF.search(sentence):
        return Refusal("pasted", goes_on=True)
    if _REPORTED.search(sentence):
        # What somebody said may fill the lines that follow.
        return Refusal("quoted", goes_on=sentence.endswith(":"))
    return None


def is_interrogative(clause: str) -> bool:
    """Whether a clause asks, by its first word."""
    return _INTERROGATIVE.match(clause) is not None


def is_hypothetical(clause: str) -> bool:
    """Whether a clause says what might be, or makes what follows depend on something."""
    return _HYPOTHETICAL.search(clause) is not None
