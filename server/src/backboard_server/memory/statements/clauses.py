"""A message cut into clauses, each of which says one thing; what is not its writer's word is passed over."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from .refusals import Reason, is_hypothetical, is_interrogative, reason_of_line, reason_of_sentence

# One character for one, so that a place in the text stays the same place.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\t": " ", "\u00a0": " ", "\u3000": " ", "\r": " "})

_BULLET = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_SENTENCE_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s|\Z)|[。！？]+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:st|dr|mr|mrs|ms|prof|jr|sr|mt|ft|vs|e\.g|i\.e|approx|no|inc|\w)|\b(?:hi|hello"
    r"|hey)(?: there)?)\Z",
    re.I,
)
_STARTER = (
    r"(?=(?:(?:now |currently |then )?(?:i|i'(?:m|ve|ll|d))|im|my|we|we'(?:re|ve)|please|call me|always|never"
    r"|from now on|don't|do not|if|forget"
    r"|ich|mein|meine|je|j'|mon|ma|vivo|trabajo|soy|me|mi|ya no|no vivo"
    r"|what|where|how|which|who|when|why|can|could|do|does|is|are|should|would|will|any)\b|我|请)"
)
_JOINT = re.compile(
    r"(?:(?<!\bhi)(?<!hello)(?<!hey)(?<!there)(?<!now on)[,:]\s+|[;；，]\s*|\s[-–—]+\s+"
    r"|(?<!\bhi)(?:,\s*|\s)(?:and|but|so|und|aber|et|mais|y|pero)\s+)" + _STARTER,
    re.I,
)
_OPENING = re.compile(
    r"(?:(?:(?:hi|hello|hey)(?: there)?(?![,!.]? i(?:'?m| am) )|well|ok|okay|so|yes|no|yeah|and|but"
    r"|also|actually"
    r"|by the way|btw|fyi|for your information|just so you know|for the record|to be clear|anyway|oh|i mean"
    r"|(?:please )?(?:note|remember|keep in mind|don't forget|be aware)(?: that)?(?! to )"
    r"|you should know(?: that)?"
    r"|i(?: already)? told you(?: that)?|as i (?:said|told you|mentioned)|as you know"
    r"|i should mention(?: that)?"
    r"|i forgot to mention(?: that)?|i wanted to tell you(?: that)?|currently|right now|these days"
    r"|nowadays|now|today"
    r"|recently|finally|unfortunately|sadly|luckily|good news|update|reminder|about me"
    r"|a bit about me|me(?=:)|ps|edit"
    r"|from now on(?=,? (?:i|i'm|my) ))[,:!.]?\s+){1,4}",
    re.I,
)
_CLOSING = re.compile(r"(?:[\s.,;:!…。，；！\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F]|[:;]-?[)(DP])+\Z")
_SPEECH = re.compile(r"[\"“„«](?=[^\"“”»]*\s[^\"“”»]*\s)[^\"“”»]{1,2000}[\"”“»]")


class Clause(Struct, frozen=True):
    """One clause and its places in the message; `text` is as there, but for plain apostrophes and blanks."""

    text: str
    start: int
    end: int


class Passed(Struct, frozen=True):
    """Something that was passed over, and why."""

    reason: Reason


def clauses_of(text: str) -> Iterator[Clause | Passed]:
    """Give the clauses of a message that may state something of its writer, in order."""
    plain = text.translate(_PLAIN)
    speech = [found.span() for found in _SPEECH.finditer(plain)]
    for line in _lines(plain):
        if isinstance(line, Passed):
            yield line
            continue
        for sentence in _sentences(plain, line):
            refusal = reason_of_sentence(sentence.text)
            if refusal is None:
                yield from _spoken(_parts(plain, sentence), speech)
                continue
            yield Passed(refusal.reason)
            if refusal.goes_on:
                return


def _lines(text: str) -> Iterator[Clause | Passed]:
    start, is_code = 0, False
    for line in text.splitlines(keepends=True):
        here, start = start, start + len(line)
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
            if is_code:
                yield Passed("code")
            continue
        reason = None if is_code else reason_of_line(line)
        if reason is not None:
            yield Passed(reason)
        elif not is_code and line.strip():
            bullet = _BULLET.match(line)
            yield Clause(line, here + (bullet.end() if bullet else 0), here + len(line))


def _sentences(text: str, line: Clause) -> Iterator[Clause]:
    """Give the sentences of a line with what ends them."""
    start = line.start
    for end in _SENTENCE_END.finditer(text, line.start, line.end):
        before = text[max(start, end.start() - 12) : end.start()]
        if end.group().startswith((".", "!")) and _ABBREVIATION.search(before):
            continue
        yield Clause(text[start : end.end()].strip(), start, end.end())
        start = end.end()
    if text[start : line.end].strip():
        yield Clause(text[start : line.end].strip(), start, line.end)


def _parts(text: str, sentence: Clause) -> Iterator[Clause | Passed]:
    """Give the clauses of a sentence; a question at its end is no reason against what is said before it."""
    places = [sentence.start]
    places += [joint.end() for joint in _JOINT.finditer(text, sentence.start, sentence.end)]
    parts = [_trimmed(text, *place) for place in zip(places, [*places[1:], sentence.end], strict=True)]
    if sentence.text.rstrip("\"')]").endswith(("?", "？")):
        yield Passed("question")
        parts = parts[:-1] if is_interrogative(parts[-1].text) else []
    for part in parts:
        if is_interrogative(part.text):
            yield Passed("question")
        elif is_hypothetical(part.text):
            yield Passed("hypothetical")
            return
        else:
            yield part


def _trimmed(text: str, start: int, end: int) -> Clause:
    """Return a clause without what leads up to it, and without the conjunction or the marks that end it."""
    piece = _without_joint(text[start:end])
    start += len(piece) - len(piece.lstrip())
    opening = _OPENING.match(text, start, start + len(piece.lstrip()))
    end = start + len(piece.lstrip())
    start = opening.end() if opening else start
    said = text[start:end]
    end -= len(said) - len(_CLOSING.sub("", said))
    return Clause(text[start:end], start, end)


def _without_joint(piece: str) -> str:
    """Leave out the "and" that leads on to the next clause: what it joins begins after it."""
    joint = re.search(
        r"(?:[,:;；，]|\s[-–—]+|[,\s]\s*(?:and|but|so|und|aber|et|mais|y|pero))\s*\Z", piece, re.I
    )
    return piece[: joint.start()] if joint else piece


def _spoken(parts: Iterator[Clause | Passed], speech: list[tuple[int, int]]) -> Iterator[Clause | Passed]:
    """Pass over the clauses that lie in quotation marks, which hold somebody else's words."""
    for part in parts:
        is_quoted = isinstance(part, Clause) and any(
            start < part.end and part.start < end for start, end in speech
        )
        yield Passed("quoted") if is_quoted else part
