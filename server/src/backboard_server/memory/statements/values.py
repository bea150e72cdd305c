"""The words of a value: where it ends, how it is written down to be compared, and what is none at all."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from backboard_server.memory.calendar import SHORT_MONTHS

_EDGES = " \t\"'“”„«».,;:!?()。，！"
_ARTICLE = re.compile(r"(?:the|a|an|my|our|some|der|die|das|den|le|la|les|el|los|las|l')\s+|l'", re.I)
_ARTICLES_KEPT = frozenset([
    "la paz", "los angeles", "las vegas", "el paso", "le mans", "la rochelle", "el salvador",
])  # fmt: skip
_AND = re.compile(
    r"\s*(?:,|;|、|和)\s*(?:and\s+|or\s+)?|\s+(?:and|or|nor|as well as|&|und|oder|et|ou|y|o)\s+", re.I
)
# What points at something that was said elsewhere, or at nothing: no value of its own.
_POINTERS = frozenset([
    "it", "its", "this", "that", "these", "those", "them", "they", "him", "her", "he", "she", "you", "your",
    "yours", "his", "hers", "their", "theirs", "here", "there", "what", "how", "when", "where", "who",
    "why", "which", "whatever", "something", "anything", "everything", "nothing", "someone", "everyone",
    "one", "ones", "idea", "way", "fact", "first", "second", "third", "last", "latter", "former", "same",
    "such", "not", "neither", "being", "having", "thing", "things", "stuff", "lot",
])  # fmt: skip
_SPELLINGS = {
    "color": "colour", "favorite": "favourite", "movie": "film", "movies": "film",
    "mom": "mother", "mum": "mother",
    "mommy": "mother", "dad": "father", "daddy": "father", "kid": "child", "e-mail": "email",
    "email address": "email", "e-mail address": "email", "flavor": "flavour", "phone": "phone number",
    "mobile number": "phone number", "cell": "phone number", "puppy": "dog", "kitten": "cat",
    "telephone number": "phone number", "boss": "manager", "timezone": "time zone", "zip": "zip code",
    "postcode": "zip code", "colours": "colour", "phone no": "phone number", "job title": "job",
}  # fmt: skip
_PLURALS_IN_IS = frozenset([
    "emojis", "kiwis", "taxis",
])  # fmt: skip
_LOWER_CASE_WRITER = re.compile(r"(?:i|my|call|je|j'|ich|me|mon|mein|vivo|we|please)(?![A-Z])")
_NO_NAMES = frozenset([
    "fear", "hope", "denial", "pain", "hell", "peace", "misery", "poverty", "luxury", "sin", "shame",
    "hiding", "exile", "solitude", "harmony", "style", "comfort", "home", "house", "work", "school", "town",
    "bed", "tears", "linux", "windows", "mac", "vim", "silence", "darkness", "doubt", "debt", "danger",
    "trouble", "back", "later", "tomorrow", "today", "crazy", "maybe", "old", "hard", "easy", "important",
    "not", "so", "very", "too", "just", "only", "also", "lost", "bored", "tired", "confused", "happy",
    "sad", "good", "fine", "okay", "ok", "ready", "sorry", "sure", "new", "here", "interested", "looking",
    "trying", "going", "hungry", "late", "a", "an", "the", "in", "on", "at", "with", "for", "from", "up",
    "out", "off", "irrelevant", "secret", "none", "unknown",
])  # fmt: skip


class Tail(Struct, frozen=True):
    """What may follow a value in its clause without being part of it."""

    pattern: re.Pattern[str]

    def split(self, said: str) -> tuple[str, str]:
        """Return the value, and what is cut off from it."""
        cut = self.pattern.search(said)
        return (said[: cut.start()].strip(), said[cut.start() :]) if cut else (said.strip(), "")

    def ends(self, rest: str) -> bool:
        """Whether nothing is left that could turn what was said into something else."""
        return not rest.strip(" .!") or self.pattern.match(rest) is not None


_ADVERBS = (
    r"now|too|as well|again|lately|these days|nowadays|any ?more|any longer|so much|very much|a lot|the most"
    r"|the best|more than anything|most of all|though|however|actually|by the way|btw|please|thanks|lol"
    r"|haha|currently|already|at the moment|right now|for now|(?:more|better) than\b.*|because\b.*|since\b.*"
    r"|but\b.*|although\b.*|so\b.*|especially\b.*|instead|either"
)
TASTE = Tail(re.compile(rf"[,;]?\s+(?:{_ADVERBS})\s*\Z", re.I))
SETTLED = Tail(
    re.compile(
        rf"\s+\(|[,;]?\s+(?:(?:{_ADVERBS})\s*\Z|(?:with|near|for|where|which|who|when|while|until"
        rf"|till|after|before|as|if"
        rf"|than|due|and|last|this|in (?=\d|{'|'.join(SHORT_MONTHS)}|the )|on"
        r"|at|yesterday|a (?:few"
        r"|couple|year|month|week)|two|three|from|about|to be|full-?time|part-?time|ago)\b)",
        re.I,
    )
)
WHOLE = Tail(re.compile(r"(?!)"))


def folded(text: str) -> str:
    """Return a value as it is compared: without its case, its article and the marks around it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_EDGES)
    article = None if plain in _ARTICLES_KEPT else _ARTICLE.match(plain)
    return plain[article.end() :] if article else plain


def key_of(value: str) -> str:
    """Return the part of a slot that a thing makes: one word for its spellings, one for it and its plural."""
    value = _SPELLINGS.get(value, value)
    head, _, last = value.rpartition(" ")
    last = _SPELLINGS.get(last) or _singular(last)
    singular = _SPELLINGS.get(last, last)
    return f"{head} {singular}".strip().replace("favorite", "favourite")


def _singular(word: str) -> str:
    if word in _PLURALS_IN_IS:
        return word[:-1]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("oes", "ches", "shes", "xes")) else word[:-1]


def items_of(said: str) -> list[str]:
    """Return the things that a list names: "tea, coffee and wine"."""
    return [item for item in _AND.split(said) if item]


def pointed(words: list[str]) -> bool:
    """Whether a value says only where to look for it: "it", "that idea", "the second one"."""
    content = [word for word in words if word not in {"the", "a", "an", "all", "both", "my"}]
    return not content or content[0] in _POINTERS or content[-1] in _POINTERS


def is_named(item: str, clause: str) -> bool:
    """Whether a value is a name: written with a capital, unless its writer has no use for them."""
    words = folded(item).split()
    if not words or words[0] in _NO_NAMES:
        return False
    is_cased = any(letter.lower() != letter.upper() for letter in item)
    starts_high = any(word[:1].isupper() for word in item.split())
    return starts_high or not is_cased or _LOWER_CASE_WRITER.match(clause) is not None
